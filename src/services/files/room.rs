//! What there is room for: in all, and of each owner.
//!
//! A helper counts what is on the disk; the decision is made when its answer comes, for answers come in the order in
//! which things happened to the disk. What was placed before is a file by then and no upload any more; what is still
//! an upload counts with all that it will be.

use std::collections::BTreeMap;

use super::census::Census;
use super::folder::MAX_FILES;
use super::name::{Offered, tag};
use super::putting::Upload;
use super::{Part, Settings};
use crate::services::accounts::Owner;
use crate::services::line::Wrong;

/// Parts that nobody is sending.
const MAX_PARTS: usize = 256;

/// Those of one owner, so that nobody keeps all others from having any.
const MAX_PARTS_EACH: usize = 64;

/// Files of one owner, likewise: an empty one costs no bytes.
const MAX_FILES_EACH: usize = MAX_FILES / 4;

/// How much is taken, with what is on its way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    bytes: u64,
    files: usize,
    parts: usize,
}

impl Taken {
    fn add(&mut self, bytes: u64, files: usize, parts: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.files += files;
        self.parts += parts;
    }
}

/// What is taken in all, and by one owner. The part `except` is what the question is about.
pub(super) fn taken(
    census: &Census,
    uploads: &BTreeMap<Part, Upload>,
    owner: &Owner,
    except: Option<&Part>,
) -> (Taken, Taken) {
    let (mut all, mut own) = (Taken::default(), Taken::default());
    all.add(census.bytes, census.files, 0);
    own.add(census.own_bytes, census.own_files, 0);
    let mine = tag(owner);
    let goes_on = |part: &str| uploads.get(part).is_some_and(Upload::is_admitted);
    for (part, size) in
        census.parts.iter().filter(|(part, _)| !goes_on(part) && except.is_none_or(|own| **own != **part))
    {
        all.add(*size, 0, 1);
        if part.starts_with(&mine) {
            own.add(*size, 0, 1);
        }
    }
    for upload in uploads.values().filter(|upload| upload.is_admitted()) {
        all.add(upload.offered.size, 1, 0);
        if upload.owner == *owner {
            own.add(upload.offered.size, 1, 0);
        }
    }
    (all, own)
}

/// How many bytes somebody may have here.
pub(super) fn most(settings: &Settings, owner: &Owner) -> u64 {
    if *owner == Owner::Guest { settings.guests } else { settings.each }
}

/// How many bytes somebody has here, with what is on its way.
pub(super) fn used(census: &Census, uploads: &BTreeMap<Part, Upload>, owner: &Owner) -> u64 {
    taken(census, uploads, owner, None).1.bytes
}

/// Is there room for a part?
///
/// # Errors
/// What is too much.
pub(super) fn admit(
    settings: &Settings,
    census: &Census,
    uploads: &BTreeMap<Part, Upload>,
    (part, offered, owner): (&Part, &Offered, &Owner),
) -> Result<(), Wrong> {
    let (all, own) = taken(census, uploads, owner, Some(part));
    let quota = |text: String| Err(Wrong::new("quota", text));
    let whose = if *owner == Owner::Guest { "guests together" } else { "you" };
    if own.files >= MAX_FILES_EACH {
        return quota(format!("{whose} have {} files here, and no more are taken", own.files));
    }
    if all.files >= MAX_FILES {
        return quota(format!("there are {} files here, and no more are taken", all.files));
    }
    if own.parts >= MAX_PARTS_EACH {
        let whose = owner.whose();
        let text =
            format!("{} parts of {whose} wait for their rest here; send one of them, or try again later", own.parts);
        return Err(Wrong::new("busy", text));
    }
    if all.parts >= MAX_PARTS {
        return Err(Wrong::new("busy", "too many parts wait for their rest here; try again later"));
    }
    let (bytes, limit) = (own.bytes.saturating_add(offered.size), most(settings, owner));
    if bytes > limit {
        return quota(format!("with it {whose} would have {bytes} bytes here, and {limit} is the most"));
    }
    let (bytes, limit) = (all.bytes.saturating_add(offered.size), settings.total);
    if bytes > limit {
        return quota(format!("with it there would be {bytes} bytes here, and {limit} is the most"));
    }
    Ok(())
}

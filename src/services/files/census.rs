//! What there is in the folder: a listing, a count, and parts that are too old.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{self, AtFlags, Dir, FileType, Stat};

use super::disk::Step;
use super::folder::{Folder, MAX_FILES};
use super::name::FileName;
use super::owners;
use crate::services::accounts::Owner;

/// A file of a listing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: FileName,
    pub(super) size: u64,
    /// Milliseconds since 1970.
    pub(super) modified: u64,
}

/// How much there is.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// In files.
    pub(super) bytes: u64,
    pub(super) files: usize,
    /// In files of whoever asks.
    pub(super) own_bytes: u64,
    pub(super) own_files: usize,
    /// All parts, with what is there of each.
    pub(super) parts: Vec<(String, u64)>,
}

impl Folder {
    /// All files, in the order of their names.
    pub(super) fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.each(&self.files, |name, stat| {
            // Only what could have been put here is shown.
            let ours = FileName::new(name).ok().filter(|ours| ours.as_str() == name);
            if let Some(name) = ours.filter(|_| entries.len() < MAX_FILES) {
                entries.push(Entry { name, size: size(stat), modified: modified(stat) });
            }
        })?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Counts everything, and what is `own`, and removes parts that no byte was added to since `oldest`, in milliseconds
    /// since 1970, but for those that are being sent.
    pub(super) fn census(&self, own: Option<&Owner>, sent: &[Arc<str>], oldest: u64) -> io::Result<Census> {
        let (mut census, own) = (Census::default(), own.map(Owner::to_string));
        let owners = self.owners();
        self.each(&self.files, |name, stat| {
            if owners::is_ours(name) {
                return;
            }
            census.bytes += size(stat);
            census.files += 1;
            if own.is_some() && owners.of(name) == own.as_deref() {
                census.own_bytes += size(stat);
                census.own_files += 1;
            }
        })?;
        let mut old = Vec::new();
        self.each(&self.parts, |name, stat| {
            let is_sent = sent.iter().any(|part| **part == *name);
            if modified(stat) < oldest && !is_sent {
                old.push(name.to_owned());
            } else {
                census.parts.push((name.to_owned(), size(stat)));
            }
        })?;
        for part in old {
            self.discard(&part);
        }
        Ok(census)
    }

    /// Every plain file of a folder.
    fn each(&self, folder: &OwnedFd, mut act: impl FnMut(&str, &Stat)) -> io::Result<()> {
        self.disk.allow(Step::Look)?;
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => act(name, &stat),
                // Gone since, or no plain file.
                _ => {}
            }
        }
        Ok(())
    }
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Milliseconds since 1970.
fn modified(stat: &Stat) -> u64 {
    u64::try_from(stat.st_mtime).unwrap_or(0) * 1000 + stat.st_mtime_nsec / 1_000_000
}

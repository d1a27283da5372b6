//! Putting a file: offered, taken up where it was left, received in pieces, compared, placed.
//!
//! A part belongs to one connection at a time; another one that offers the same gets it as soon as no helper has it in
//! hand. What came before a line broke is kept.

use std::mem;
use std::sync::Arc;

use super::census::Census;
use super::folder::Identity;
use super::name::{Digest, Offered};
use super::work::{self, Body, Put};
use super::{Doing, Errand, Files, Part, room};
use crate::hub::{ConnId, Cx, Hold};
use crate::services::accounts::Owner;
use crate::services::line::{Wrong, say};

/// Bytes that are gathered for one write, while the one before is under way; with so many its sender is held.
const PIECE: usize = 256 * 1024;

/// Files that may come in at once; each has up to half a megabyte in memory.
pub(super) const MAX_UPLOADS: usize = 64;

/// A file that is being put.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) offered: Offered,
    pub(super) owner: Owner,
    phase: Phase,
    /// Who sends it; none once they have gone, or lost it to another.
    holder: Option<ConnId>,
    /// Who gets it then.
    next: Option<ConnId>,
    /// A helper has it in hand.
    busy: bool,
    /// None while a helper has it.
    body: Option<Body>,
    /// What came and was not given to a helper yet.
    gathered: Vec<u8>,
    /// The memory of the piece before.
    spare: Vec<u8>,
    /// How much is still to come.
    missing: u64,
    /// Bytes came in this turn.
    grown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Is there a file of this name, and how much is there?
    Beginning,
    /// There is room for all of it. From here on it counts.
    Opening,
    /// There is one: is it the same?
    Comparing(Identity),
    /// So much is held of it, and must be read for the digest.
    CatchingUp(u64),
    Receiving,
    /// All is there. From here on nobody can take it over.
    Placing,
    /// Its sender has gone.
    Leaving,
}

impl Upload {
    /// Does all of it count as if it were here?
    pub(super) fn is_admitted(&self) -> bool {
        !matches!(self.phase, Phase::Beginning | Phase::Comparing(_))
    }
}

impl Files {
    pub(super) fn offer(&mut self, cx: &mut Cx<'_>, id: ConnId, offered: Offered) -> Result<(), Wrong> {
        let owner = self.owner(cx, id)?;
        let most = self.settings.file;
        if offered.size > most {
            return Err(Wrong::new("too-large", format!("a file has at most {most} bytes here")));
        }
        let part: Part = offered.part(&owner).into();
        if self.uploads.contains_key(&part) {
            self.wait_for(cx, id, &part);
            return Ok(());
        }
        self.begin(cx, id, part, offered, owner)
    }

    fn begin(&mut self, cx: &mut Cx<'_>, id: ConnId, part: Part, offered: Offered, owner: Owner) -> Result<(), Wrong> {
        let (own, each) =
            (self.uploads.values().filter(|upload| upload.owner == owner).count(), self.settings.uploads_each);
        if own >= each {
            let text = format!(
                "{own} files of {} are being put, and {each} at once is the most; wait for one of them",
                owner.whose()
            );
            return Err(Wrong::new("busy", text));
        }
        if self.uploads.len() == MAX_UPLOADS {
            return Err(Wrong::new("busy", "so many files are being put that no more are taken; try again later"));
        }
        let (mut sent, oldest) = (self.sent(), self.oldest(cx));
        sent.push(Arc::clone(&part));
        let (folder, of, whose) = (Arc::clone(&self.folder), offered.clone(), owner.clone());
        self.job(cx, Errand::Put(Arc::clone(&part)), move || work::look(&folder, &of, &whose, &sent, oldest))?;
        cx.hold(id, Hold::JOB);
        self.people.insert(id, Doing::Putting(Arc::clone(&part)));
        let upload = Upload {
            offered,
            owner,
            phase: Phase::Beginning,
            holder: Some(id),
            next: None,
            busy: true,
            body: None,
            gathered: Vec::new(),
            spare: Vec::new(),
            missing: 0,
            grown: false,
        };
        self.uploads.insert(part, upload);
        Ok(())
    }

    /// Somebody has the part. The newcomer gets it: most likely it is the same sender, whose line broke.
    fn wait_for(&mut self, cx: &mut Cx<'_>, id: ConnId, part: &Part) {
        let Some(upload) = self.uploads.get_mut(part) else { return };
        cx.hold(id, Hold::JOB);
        let holder = if upload.phase == Phase::Placing { None } else { upload.holder.take() };
        let before = [upload.next.replace(id), holder];
        self.people.insert(id, Doing::Waiting(Arc::clone(part)));
        for loser in before.into_iter().flatten() {
            self.refuse(cx, loser, &Wrong::new("taken-over", "another connection has offered the same part"));
        }
        self.step(cx, part);
    }

    pub(super) fn waits_no_more(&mut self, id: ConnId, part: &Part) {
        if let Some(upload) = self.uploads.get_mut(part) {
            upload.next = upload.next.filter(|next| *next != id);
        }
    }

    /// Its sender has gone.
    pub(super) fn left(&mut self, cx: &mut Cx<'_>, part: &Part) {
        if let Some(upload) = self.uploads.get_mut(part) {
            upload.holder = None;
            self.step(cx, part);
        }
    }

    /// Bytes of a body came.
    pub(super) fn grow(&mut self, cx: &mut Cx<'_>, id: ConnId, part: Part, bytes: &[u8]) {
        let Some(upload) = self.uploads.get_mut(&part) else { return };
        upload.gathered.extend_from_slice(bytes);
        upload.missing -= bytes.len() as u64;
        if upload.missing == 0 || upload.gathered.len() >= PIECE {
            cx.hold(id, Hold::JOB);
        }
        if !mem::replace(&mut upload.grown, true) {
            self.grown.push(part);
        }
    }

    /// The turn is over: what came in it can be written.
    pub(super) fn write_on(&mut self, cx: &mut Cx<'_>, part: &Part) {
        if let Some(upload) = self.uploads.get_mut(part) {
            upload.grown = false;
            self.step(cx, part);
        }
    }

    pub(super) fn put_done(&mut self, cx: &mut Cx<'_>, part: &Part, put: Result<Put, Wrong>) {
        let Some(upload) = self.uploads.get_mut(part) else { return };
        upload.busy = false;
        match put {
            Err(wrong) => return self.end(cx, part, Err(wrong)),
            Ok(Put::Left) => return self.end(cx, part, Ok(())),
            Ok(Put::Placed(identity)) => {
                let Offered { name, size, digest } = upload.offered.clone();
                log::info!("files: stored {name}, {size} bytes, of {}", upload.owner);
                self.remember(&name, identity, digest);
                return self.end(cx, part, Ok(()));
            }
            Ok(Put::Found(body, identity)) => {
                upload.phase = Phase::Comparing(identity);
                upload.body = Some(body);
                let name = upload.offered.name.clone();
                if let Some(digest) = self.digest_of(&name, identity) {
                    return self.compared(cx, part, digest);
                }
            }
            Ok(Put::Counted(census)) => return self.admit(cx, part, &census),
            Ok(Put::Opened(body, held)) => {
                upload.phase = Phase::CatchingUp(held);
                upload.body = Some(body);
            }
            Ok(Put::Read(body)) => upload.body = Some(body),
            Ok(Put::Wrote(body, mut spare)) => {
                spare.clear();
                upload.spare = spare;
                let held = body.at;
                upload.body = Some(body);
                if let Some(holder) = upload.holder.filter(|_| held < upload.offered.size) {
                    say(cx, holder, &format!("have {held}"));
                }
            }
        }
        self.step(cx, part);
    }

    /// It is known how much is here: is there room for it too?
    fn admit(&mut self, cx: &mut Cx<'_>, part: &Part, census: &Census) {
        let Some(upload) = self.uploads.get(part) else { return };
        if upload.holder.is_none() {
            return self.end(cx, part, Ok(()));
        }
        let (offered, owner) = (upload.offered.clone(), upload.owner.clone());
        if let Err(wrong) = room::admit(&self.settings, census, &self.uploads, (part, &offered, &owner)) {
            return self.end(cx, part, Err(wrong));
        }
        if let Some(upload) = self.uploads.get_mut(part) {
            upload.phase = Phase::Opening;
        }
        self.hand(cx, part, move |folder, part| work::take_up(folder, part, offered.size));
    }

    /// Goes on with a part that no helper has in hand.
    fn step(&mut self, cx: &mut Cx<'_>, part: &Part) {
        let Some(upload) = self.uploads.get_mut(part).filter(|upload| !upload.busy) else { return };
        let Some(body) = upload.body.take() else { return };
        let size = upload.offered.size;
        let Some(holder) = upload.holder else { return self.leave(cx, part, body) };
        match upload.phase {
            Phase::Comparing(identity) if body.at == size => {
                let (name, digest) = (upload.offered.name.clone(), body.digest());
                self.remember(&name, identity, digest);
                self.compared(cx, part, digest);
            }
            Phase::Comparing(_) => self.hand(cx, part, move |folder, _| work::compare(folder, body, size)),
            Phase::CatchingUp(held) if body.at < held => {
                self.hand(cx, part, move |folder, part| work::catch_up(folder, part, body, held));
            }
            Phase::CatchingUp(held) if held < size => {
                upload.phase = Phase::Receiving;
                upload.missing = size - held;
                say(cx, holder, &format!("send {} {held}", upload.offered.name));
                cx.set_raw(holder, upload.missing);
                cx.release(holder, Hold::JOB);
                upload.body = Some(body);
            }
            Phase::Receiving if body.at < size && upload.gathered.is_empty() => upload.body = Some(body),
            Phase::Receiving if body.at < size => {
                let spare = mem::take(&mut upload.spare);
                let bytes = mem::replace(&mut upload.gathered, spare);
                if upload.missing > 0 {
                    cx.release(holder, Hold::JOB);
                }
                self.hand(cx, part, move |folder, part| work::write(folder, part, body, bytes));
            }
            Phase::CatchingUp(_) | Phase::Receiving => {
                upload.phase = Phase::Placing;
                let (offered, owner) = (upload.offered.clone(), upload.owner.clone());
                self.hand(cx, part, move |folder, part| work::place(folder, part, &body, &offered, &owner));
            }
            Phase::Beginning | Phase::Opening | Phase::Placing | Phase::Leaving => {}
        }
    }

    /// There is a file of this name and size, and this is its digest.
    fn compared(&mut self, cx: &mut Cx<'_>, part: &Part, digest: Digest) {
        let Some(upload) = self.uploads.get(part) else { return };
        let same = upload.offered.digest == digest;
        let outcome = if same { Ok(()) } else { Err(work::name_taken(&upload.offered)) };
        self.end(cx, part, outcome);
    }

    /// Nobody sends it any more: what came is written, and waits for another try.
    fn leave(&mut self, cx: &mut Cx<'_>, part: &Part, body: Body) {
        let Some(upload) = self.uploads.get_mut(part) else { return };
        if matches!(upload.phase, Phase::Comparing(_)) {
            return self.end(cx, part, Ok(()));
        }
        upload.phase = Phase::Leaving;
        let bytes = mem::take(&mut upload.gathered);
        self.hand(cx, part, move |folder, part| work::leave(folder, part, body, &bytes));
    }

    /// Gives a part to a helper.
    fn hand(
        &mut self,
        cx: &mut Cx<'_>,
        part: &Part,
        work: impl FnOnce(&super::Folder, &str) -> Result<Put, Wrong> + Send + 'static,
    ) {
        let (folder, name) = (Arc::clone(&self.folder), Arc::clone(part));
        match self.job(cx, Errand::Put(Arc::clone(part)), move || work(&folder, &name)) {
            Ok(()) => self.uploads.get_mut(part).map_or((), |upload| upload.busy = true),
            // What was written so far stays, for another try.
            Err(busy) => self.end(cx, part, Err(busy)),
        }
    }

    /// It is stored, or was given up. Whoever waits for the part begins anew.
    fn end(&mut self, cx: &mut Cx<'_>, part: &Part, outcome: Result<(), Wrong>) {
        let Some(upload) = self.uploads.remove(part) else { return };
        if let Some(holder) = upload.holder {
            match outcome {
                Ok(()) => say(cx, holder, &format!("stored {}", upload.offered)),
                Err(wrong) => drop(cx.send(holder, wrong.to_string().as_bytes())),
            }
            self.rest(cx, holder);
        }
        if let Some(next) = upload.next
            && let Err(wrong) = self.begin(cx, next, Arc::clone(part), upload.offered, upload.owner)
        {
            self.refuse(cx, next, &wrong);
        }
    }
}

//! The history: one append-only log for all rooms, in segments.
//!
//! It lives on the loop's thread. Only [`Log::open`], [`Log::close`] and the one write of [`Log::commit`] may wait for
//! the disk; whatever else might is handed out as a [`Chore`] for a helper thread, and its result brought back to
//! [`Log::chore_done`]. There is no clock in here: times are milliseconds since 1970, handed in.
//!
//! ```text
//!     push, push, push -> commit -> published: readers see it     (Never, Second)
//!                            |
//!                            '----> a sync is done -> published   (Always)
//! ```
//!
//! `docs/history.md` draws the files and says what is promised.

mod chores;
mod disk;
mod figures;
mod foot;
mod format;
mod found;
mod open;
mod read;
mod reader;
mod report;
mod retention;
mod rooms;
mod scan;
mod segment;
mod serve;
mod settings;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

pub use chores::{Chore, ChoreResult, Outcome};
pub use disk::{Disk, RealDisk};
pub use figures::Figures;
pub use read::{Batch, Read};
pub use reader::Reader;
pub use report::{Damage, OpenError, Report, Stopped};
pub use segment::id_hash;
pub use serve::{Known, Past};
pub use settings::{Settings, SyncMode};

use disk::Site;
use format::Run;
use rooms::Rooms;
use segment::{Given, Segment};

/// By how much every room's next number rises after an unclean end of the machine: more than it can have given
/// since the last sync.
pub const JUMP: u64 = 1_000_000;
/// A batch larger than this gives its memory back.
const BATCH_KEPT: usize = 1024 * 1024;

/// One message of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The room's key. Rooms are the same when their keys are.
    pub room: &'a str,
    /// Its number in the room. Not looked at by [`Log::push`].
    pub seq: u64,
    /// When, in milliseconds since 1970, UTC.
    pub at: u64,
    /// `/me`.
    pub action: bool,
    /// The name of whoever said it.
    pub from: &'a str,
    /// A hash of their session's token.
    pub session: [u8; 16],
    /// The client's own id for it; empty: none.
    pub id: &'a str,
    /// What was said.
    pub text: &'a str,
}

/// A message that was pushed and that readers do not see yet.
#[derive(Debug)]
struct Unseen {
    /// The commit that it belongs to.
    commit: u64,
    segment: u64,
    room: u32,
    size: u32,
    offset: u64,
    seq: u64,
    at: u64,
}

/// The history of all rooms.
#[derive(Debug)]
pub struct Log {
    settings: Settings,
    site: Arc<Site>,
    run: Run,
    rooms: Rooms,
    /// Rising; the last one is open.
    segments: VecDeque<Segment>,
    /// The records of the next commit.
    batch: Vec<u8>,
    unseen: VecDeque<Unseen>,
    /// Commits that were written.
    commits: u64,
    /// Syncs that were made.
    syncs: u64,
    /// The segment to go on in, once the batch is empty.
    next: Option<Segment>,
    /// The latest time that anybody told.
    now: u64,
    /// When the oldest write without a sync was made.
    unsynced_since: Option<u64>,
    /// A chore is out.
    busy: bool,
    /// The last chore was a sync.
    synced: bool,
    /// Retention has something new to look at.
    unsorted: bool,
    /// Segments that nothing is served from any more.
    doomed: Vec<u64>,
    /// Files of sealed segments that were read last.
    files: Vec<(u64, Arc<File>)>,
    /// Damage that was found since the start, and how much of it was told.
    noted: Vec<Damage>,
    told: usize,
    stopped: Option<String>,
    /// A batch that failed may have left a beginning behind this offset of the open segment.
    torn: Option<u64>,
}

impl Log {
    /// Names the history itself: numbers of another epoch mean nothing here.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.run.epoch
    }

    /// Every room, ordered by key: the first number that may still be served, and the last one given.
    pub fn rooms(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.rooms.iter().map(|(place, room)| (&*room.name, self.first_kept(place), room.given))
    }

    /// The last number given in a room; 0: none. Readers see it after its commit, with [`SyncMode::Always`] after the
    /// sync.
    #[must_use]
    pub fn last(&self, room: &str) -> u64 {
        self.rooms.find(room).map_or(self.rooms.base, |place| self.rooms.get(place).given)
    }

    /// The last number that [`Log::read`] answers by now.
    #[must_use]
    pub fn shown(&self, room: &str) -> u64 {
        self.rooms.find(room).map_or(self.rooms.base, |place| self.rooms.get(place).shown)
    }

    /// The first number that may still be served; above the last one when there is none. Within a segment, age is
    /// looked at when it is read.
    #[must_use]
    pub fn first(&self, room: &str) -> u64 {
        self.rooms.find(room).map_or(self.rooms.base + 1, |place| self.first_kept(place))
    }

    /// Why the history takes nothing any more.
    #[must_use]
    pub fn is_stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Numbers a message and puts it into the batch. Answers 0, and does nothing, when the history is stopped.
    ///
    /// # Panics
    /// When a name is longer than 255 bytes or all of it does not fit into 64 KiB: limits of callers are far below.
    pub fn push(&mut self, record: &Record<'_>) -> u64 {
        if self.stopped.is_some() {
            return 0;
        }
        assert!(format::fits(record), "a message is within the limits when it comes here");
        let place = self.rooms.place(record.room);
        let room = self.rooms.get_mut(place);
        room.given += 1;
        let seq = room.given;
        let (start, open) = (self.batch.len(), self.segments.back().expect("one is always open"));
        let offset = open.end + start as u64;
        format::put_message(&mut self.batch, offset, &Record { seq, ..*record });
        let size = u32::try_from(self.batch.len() - start).expect("it fitted");
        let (commit, segment) = (self.commits + 1, open.number);
        self.unseen.push_back(Unseen { commit, segment, room: place, size, offset, seq, at: record.at });
        self.now = record.at;
        seq
    }

    /// A session has said goodbye, with this batch: what it said is known to nobody from then on.
    pub fn forget_session(&mut self, session: [u8; 16], at: u64) {
        if self.stopped.is_some() {
            return;
        }
        let open = self.segments.back_mut().expect("one is always open");
        let offset = open.end + self.batch.len() as u64;
        format::put_gone(&mut self.batch, offset, &session, at);
        // Its ids of earlier runs are listed there; those of this run come in front of it when the foot is made.
        open.early.push(Given::goodbye(session));
        open.last_at = open.last_at.max(at);
        self.now = at;
    }

    /// A session has this name, and is in these rooms, from this batch on.
    pub fn note_session<'a>(
        &mut self,
        session: [u8; 16],
        at: u64,
        name: &'a str,
        rooms: impl Iterator<Item = &'a str>,
    ) {
        if self.stopped.is_some() {
            return;
        }
        let open = self.segments.back_mut().expect("one is always open");
        let offset = open.end + self.batch.len() as u64;
        format::put_stands(&mut self.batch, offset, &session, at, std::iter::once(name).chain(rooms));
        open.last_at = open.last_at.max(at);
        self.now = at;
    }

    /// Writes the batch, in one write. Answers its number, for [`Outcome::Durable`]; without anything to write, the
    /// last one's.
    ///
    /// # Errors
    /// When it could not be written, now or earlier: none of the batch is in the history, none of its numbers counts,
    /// and nothing more is taken until the folder is opened anew. It may also stop behind a batch that was written
    /// well, which is then no error yet.
    pub fn commit(&mut self) -> Result<u64, Stopped> {
        if self.stopped.is_none() && !self.batch.is_empty() {
            self.write_batch();
        }
        if let Some(why) = &self.stopped {
            return Err(Stopped(why.clone()));
        }
        let commit = self.commits;
        if let Some(next) = self.next.take() {
            self.switch(next);
        }
        Ok(commit)
    }

    fn write_batch(&mut self) {
        let open = self.segments.back_mut().expect("one is always open");
        let (file, end) = (open.file.as_ref().expect("an open segment has its file"), open.end);
        // A mark has 32 bits for an offset. A segment comes here only when the next one can't be made for minutes.
        let written = match u32::try_from(end + self.batch.len() as u64) {
            Ok(_) => self.site.write(file, &self.batch, end),
            Err(_) => Err(std::io::ErrorKind::FileTooLarge.into()),
        };
        if let Err(error) = written {
            self.torn = Some(end);
            self.stop(format!("writing the history failed: {error}"));
            return;
        }
        open.end += self.batch.len() as u64;
        (open.size, open.dirty) = (open.end, true);
        self.commits += 1;
        self.unsynced_since.get_or_insert(self.now);
        self.batch.clear();
        self.batch.shrink_to(BATCH_KEPT);
        if self.settings.sync != SyncMode::Always {
            self.publish(self.commits);
        }
    }

    /// Nothing is tried again: what failed once is not to be trusted.
    fn stop(&mut self, why: String) {
        for unseen in self.unseen.drain(..).rev() {
            self.rooms.get_mut(unseen.room).given = unseen.seq - 1;
        }
        self.batch.clear();
        self.next = None;
        self.stopped.get_or_insert(why);
    }

    /// Lets readers see what was written up to a commit.
    fn publish(&mut self, commit: u64) {
        while let Some(seen) = self.unseen.pop_front_if(|unseen| unseen.commit <= commit) {
            let segment = self.segments.iter_mut().rev().find(|segment| segment.number == seen.segment);
            let segment = segment.expect("a segment is not sealed before its messages are seen");
            segment.spans.entry(seen.room).or_insert_with(|| segment::Span::new(seen.seq)).add(
                seen.seq,
                seen.offset,
                seen.size.into(),
            );
            segment.stamp(seen.at);
            let room = self.rooms.get_mut(seen.room);
            room.shown = seen.seq;
            room.bytes += u64::from(seen.size);
        }
    }

    /// Goes on in the next segment. Its table is as old as its making, so it begins with what has changed since.
    fn switch(&mut self, next: Segment) {
        self.segments.push_back(next);
        let base = self.segments.back().map_or(0, |open| open.end);
        self.rooms.put(&mut self.batch, base, false);
        if !self.batch.is_empty() {
            self.write_batch();
        }
        self.unsorted = true;
    }
}

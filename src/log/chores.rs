//! What may wait for the disk: handed out one at a time, in the order in which it must happen.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::foot::{self, Foot};
use super::format::MAGIC;
use super::read::{Errand, Read};
use super::segment::{Digest, Segment};
use super::{Damage, Log, Past, SyncMode};

/// With [`SyncMode::Second`]: how long a write may be without its sync, in milliseconds.
const SECOND: u64 = 1000;

/// Something for a helper thread. Its result goes to [`Log::chore_done`].
pub type Chore = Box<dyn FnOnce() -> ChoreResult + Send>;

/// What came of a chore.
pub struct ChoreResult(pub(super) Done);

impl fmt::Debug for ChoreResult {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ChoreResult")
    }
}

pub(super) enum Done {
    Synced {
        commits: u64,
        result: io::Result<()>,
    },
    Made(io::Result<Segment>),
    Sealed {
        number: u64,
        result: io::Result<(Foot, Vec<Damage>)>,
    },
    /// Something that has no other result than that it worked.
    Did(&'static str, io::Result<()>),
    Read {
        errand: Errand,
        result: io::Result<(Read, Arc<File>)>,
        damage: Vec<Damage>,
    },
    Known(Past),
}

/// What a chore's result means to the owner.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// All commits up to this one would survive a power cut. With [`SyncMode::Always`] readers see them now.
    Durable(u64),
    /// The answer to a read.
    Read(Read),
    /// The answer to [`Log::past`].
    Known(Past),
    /// The history has stopped just now, and why. With [`SyncMode::Always`] no commit that was not durable becomes so.
    Stopped(String),
}

impl Log {
    /// The next thing to do, if there is one and none is out. To be asked after every commit, every result, and when
    /// [`Log::due`] says so.
    pub fn chores(&mut self, now: u64) -> Option<Chore> {
        self.now = now;
        if self.busy {
            return None;
        }
        let chore = if self.stopped.is_some() {
            self.cut()
        } else {
            self.retire(now);
            // In turns: neither may keep the other from its place.
            let upkeep_first = std::mem::take(&mut self.synced);
            let chore = if upkeep_first { self.upkeep(now) } else { None };
            chore.or_else(|| self.sync(now)).or_else(|| self.upkeep(now))
        };
        self.busy = chore.is_some();
        chore
    }

    /// When to ask for chores if nothing else happens before, in milliseconds since 1970; what is past means at once.
    /// `None`: not at all.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        if self.busy {
            return None;
        }
        if self.stopped.is_some() {
            return self.torn.map(|_| 0);
        }
        let now = !self.doomed.is_empty() || self.unsorted || self.to_seal().is_some();
        let times = [now.then_some(0), self.sync_due(), self.rotation_due(), self.next_expiry()];
        times.into_iter().flatten().min()
    }

    /// Takes a chore's result in.
    pub fn chore_done(&mut self, result: ChoreResult) -> Outcome {
        match result.0 {
            Done::Read { errand, result, damage } => {
                self.note(damage);
                return Outcome::Read(self.read_done(&errand, result));
            }
            Done::Known(past) => return Outcome::Known(past),
            _ => self.busy = false,
        }
        let failed = match result.0 {
            Done::Synced { commits, result: Ok(()) } if self.stopped.is_none() => {
                self.syncs += 1;
                self.publish(commits);
                return Outcome::Durable(commits);
            }
            Done::Made(Ok(next)) if self.stopped.is_none() => {
                self.next = Some(next);
                // With a batch half made, its commit goes over to the next segment.
                if self.batch.is_empty()
                    && let Some(next) = self.next.take()
                {
                    self.switch(next);
                }
                return self.stopped.clone().map_or(Outcome::Nothing, Outcome::Stopped);
            }
            Done::Sealed { number, result: Ok((foot, damage)) } => {
                self.sealed(number, foot);
                self.note(damage);
                None
            }
            Done::Synced { result: Err(error), .. } => Some(("syncing", error)),
            Done::Made(Err(error)) => Some(("making the next segment of", error)),
            Done::Sealed { result: Err(error), .. } => Some(("sealing a segment of", error)),
            Done::Did(what, Err(error)) => Some((what, error)),
            _ => None,
        };
        match failed {
            Some((what, error)) => self.halt(format!("{what} the history failed: {error}")),
            None => Outcome::Nothing,
        }
    }

    /// A chore from [`Log::chores`] will never have a result: its helper died. Nobody knows how far it came.
    pub fn chore_lost(&mut self) -> Outcome {
        self.busy = false;
        self.halt("a helper of the history died".to_owned())
    }

    fn halt(&mut self, why: String) -> Outcome {
        if self.stopped.is_some() {
            return Outcome::Nothing;
        }
        self.stop(why.clone());
        Outcome::Stopped(why)
    }

    /// Notes damage for the operator, each place once; after a thousand places there is nothing new to say.
    pub(super) fn note(&mut self, found: Vec<Damage>) {
        const MOST: usize = 1000;
        for damage in found {
            if self.noted.len() < MOST && !self.noted.contains(&damage) {
                self.noted.push(damage);
            }
        }
    }

    fn sync_due(&self) -> Option<u64> {
        let since = self.unsynced_since?;
        match self.settings.sync {
            SyncMode::Always => Some(0),
            SyncMode::Second => Some(since + SECOND),
            SyncMode::Never => None,
        }
    }

    fn sync(&mut self, now: u64) -> Option<Chore> {
        // A clock that was set back must not put the sync off.
        let set_back = self.unsynced_since.is_some_and(|since| now < since);
        if self.sync_due().is_none_or(|due| now < due && !set_back) {
            return None;
        }
        self.unsynced_since = None;
        self.synced = true;
        let dirty = |segment: &mut Segment| std::mem::take(&mut segment.dirty).then(|| segment.file.clone()).flatten();
        let files: Vec<_> = self.segments.iter_mut().filter_map(dirty).collect();
        let (site, commits) = (Arc::clone(&self.site), self.commits);
        Some(Box::new(move || {
            let result = files.iter().try_for_each(|file| site.sync(file));
            ChoreResult(Done::Synced { commits, result })
        }))
    }

    /// When the open segment has to be followed by another.
    fn rotation_due(&self) -> Option<u64> {
        let open = self.open_segment();
        if open.spans.is_empty() || self.next.is_some() {
            None
        } else if open.end - open.head >= self.settings.segment_bytes {
            Some(0)
        } else {
            Some(open.first_at + self.settings.segment_age)
        }
    }

    /// The oldest segment that is full and has no foot, once all its messages are seen.
    fn to_seal(&self) -> Option<&Segment> {
        let full = self.segments.iter().rev().skip(1).rev().find(|segment| !segment.sealed)?;
        self.unseen.front().is_none_or(|unseen| unseen.segment > full.number).then_some(full)
    }

    fn upkeep(&mut self, now: u64) -> Option<Chore> {
        let site = Arc::clone(&self.site);
        if self.rotation_due().is_some_and(|due| due <= now) {
            let number = self.open_segment().number + 1;
            let head = self.head();
            return Some(Box::new(move || {
                let made = site
                    .create(number, &head)
                    .map(|file| Segment::new(number, Some(Arc::new(file)), head.len() as u64));
                ChoreResult(Done::Made(made))
            }));
        }
        if let Some(Segment { number, file: Some(file), .. }) = self.to_seal() {
            let (number, file) = (*number, Arc::clone(file));
            return Some(Box::new(move || {
                let result = Digest::of(number, &file, false).and_then(|digest| {
                    let mut damage = digest.damage.clone();
                    damage.extend(digest.tail_damage());
                    Ok((foot::seal(&site, &file, digest)?, damage))
                });
                ChoreResult(Done::Sealed { number, result })
            }));
        }
        if self.doomed.is_empty() {
            return None;
        }
        let (doomed, open) = (std::mem::take(&mut self.doomed), self.open_segment().file.clone());
        Some(Box::new(move || {
            // Their rooms' numbers live on in the open segment's tables: first those must be safe.
            let safe = open.map_or(Ok(()), |open| site.sync(&open));
            let result = safe.and_then(|()| doomed.iter().try_for_each(|number| site.remove(*number)));
            ChoreResult(Done::Did("removing old segments of", result))
        }))
    }

    /// After a failed write: takes off what it may have left. The file gets shorter, which works on a full disk too.
    fn cut(&mut self) -> Option<Chore> {
        let (end, file) = (self.torn.take()?, self.open_segment().file.clone()?);
        Some(Box::new(move || ChoreResult(Done::Did("cutting", file.set_len(end)))))
    }

    /// The head of a new segment: whoever has only this one knows every room's numbers.
    pub(super) fn head(&mut self) -> Vec<u8> {
        self.rooms.forget();
        (self.run.base, self.run.highest) = (self.rooms.base, self.rooms.highest());
        let mut head = MAGIC.to_vec();
        self.run.put(&mut head, MAGIC.len() as u64);
        self.rooms.put(&mut head, 0, true);
        head
    }

    pub(super) fn sealed(&mut self, number: u64, foot: Foot) {
        let Some(index) = self.segments.iter().position(|segment| segment.number == number) else { return };
        let places: Vec<_> = foot.spans.iter().map(|(name, _)| self.rooms.place(name)).collect();
        let segment = &mut self.segments[index];
        segment.farewells = foot.spans.is_empty() && foot.ids.count > 0;
        // Damage may have come to light: what the foot says is what can be read.
        for (place, span) in std::mem::take(&mut segment.spans) {
            self.rooms.get_mut(place).bytes -= span.bytes;
        }
        for (place, (_, span)) in places.into_iter().zip(foot.spans) {
            self.rooms.get_mut(place).bytes += span.bytes;
            segment.spans.insert(place, span);
        }
        (segment.size, segment.ids, segment.sealed) = (foot.size, foot.ids, true);
        segment.early = Vec::new();
        if let Some(file) = segment.file.take() {
            self.keep_file(number, file);
        }
        self.unsorted = true;
    }
}

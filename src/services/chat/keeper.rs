//! The history, as the chat sees it: on, off, or stopped by a fault; what is written, and what the disk is to do for it.

use std::fmt;
use std::time::Duration;

use super::language::Name;
use super::readers::{Progress, Readers, Reading};
use super::rooms::PersonId;
use super::sessions::Digest;
use crate::hub::{Cx, Done, JobId, Lane, Moment, Wall};
use crate::log::{ChoreResult, Known, Log, Outcome, Read, Record, Settings, SyncMode};

/// What is due at once, and was not done, is tried again after so long: a mistake in there must not become a spin.
const AGAIN: Duration = Duration::from_millis(10);

/// Something said, to be kept.
pub(super) struct New<'a> {
    pub(super) room: &'a Name,
    pub(super) at: Wall,
    pub(super) action: bool,
    pub(super) from: &'a Name,
    pub(super) session: Option<Digest>,
    pub(super) id: Option<&'a str>,
    pub(super) text: &'a str,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is as safe as was promised.
    Done,
    /// It will be, or not: a helper is at it.
    Later,
    /// It is not.
    Failed,
}

/// The history, or that there is none.
pub(super) struct Keeper {
    log: Option<Log>,
    /// `--sync always`: what is said waits for the disk.
    always: bool,
    /// The commit that everybody waits for.
    waiting: Option<u64>,
    /// The chore that a helper is at; one at a time.
    chore: Option<JobId>,
    /// What people want to know of it.
    readers: Readers,
    /// Something has changed since the log was asked what is due.
    stale: bool,
    due: Moment,
    /// There is more to be read than one turn could give.
    pub(super) hurry: bool,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keeper").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// State.
impl Keeper {
    pub(super) fn new(log: Option<Log>, sync: SyncMode) -> Self {
        Self {
            log,
            always: sync == SyncMode::Always,
            waiting: None,
            chore: None,
            readers: Readers::default(),
            stale: true,
            due: Moment::NEVER,
            hurry: false,
        }
    }

    /// From now on so much is kept.
    pub(super) fn keep(&mut self, settings: Settings) {
        if let Some(log) = &mut self.log {
            log.keep(settings);
            self.stale = true;
        }
    }

    /// There is no history.
    pub(super) fn is_off(&self) -> bool {
        self.log.is_none()
    }

    /// There is one, but a fault has stopped it.
    pub(super) fn is_stopped(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.is_stopped().is_some())
    }

    /// There is one, and it is written to.
    pub(super) fn is_kept_now(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.is_stopped().is_none())
    }

    /// Is a batch on its way to the disk, and everything else waiting behind it?
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn epoch(&self) -> &str {
        self.log.as_ref().map_or("", Log::epoch)
    }

    /// The last number of a room; 0: nothing is kept of it.
    pub(super) fn last(&self, room: &Name) -> u64 {
        self.log.as_ref().map_or(0, |log| log.shown(room.as_str()))
    }

    /// Is a message in the history, where readers see it?
    pub(super) fn is_kept(&self, room: &str, seq: u64) -> bool {
        seq > 0 && self.log.as_ref().is_some_and(|log| seq <= log.shown(room))
    }

    /// The number after which so many messages remain.
    pub(super) fn tail(&self, room: &Name, count: u32) -> u64 {
        self.log.as_ref().map_or(0, |log| log.tail(room.as_str(), count.into()))
    }

    /// Rooms of which something is kept.
    pub(super) fn rooms(&self) -> Vec<String> {
        self.log.iter().flat_map(Log::rooms).map(|(room, _, _)| room.to_owned()).collect()
    }

    pub(super) fn figures(&self) -> Option<crate::log::Figures> {
        self.log.as_ref().map(Log::figures)
    }

    pub(super) fn describe(&self) -> String {
        match self.log.as_ref().map(Log::is_stopped) {
            None => "no history".to_owned(),
            Some(None) => "history is kept".to_owned(),
            Some(Some(why)) => format!("history is stopped: {why}"),
        }
    }
}

/// Writing.
impl Keeper {
    /// Numbers what was said and puts it into the batch; 0 where nothing is kept.
    pub(super) fn push(&mut self, new: &New<'_>) -> u64 {
        let Some(log) = &mut self.log else { return 0 };
        log.push(&Record {
            room: new.room.as_str(),
            seq: 0,
            at: new.at.millis(),
            action: new.action,
            from: new.from.as_str(),
            session: new.session.unwrap_or_default(),
            id: new.id.unwrap_or_default(),
            text: new.text,
        })
    }

    /// A session has said goodbye: also after a restart nobody can take it up.
    pub(super) fn forget_session(&mut self, cx: &Cx<'_>, session: Digest) {
        if let Some(log) = &mut self.log {
            log.forget_session(session, cx.wall().millis());
        }
    }

    /// Who a session is, and where: so that a restart does not take it from them.
    pub(super) fn note_session<'a>(
        &mut self,
        cx: &Cx<'_>,
        session: Digest,
        name: &'a Name,
        rooms: impl Iterator<Item = &'a Name>,
    ) {
        if let Some(log) = &mut self.log {
            log.note_session(session, cx.wall().millis(), name.as_str(), rooms.map(Name::as_str));
        }
    }

    /// Writes the batch.
    pub(super) fn commit(&mut self) -> Kept {
        let Some(log) = &mut self.log else { return Kept::Done };
        self.stale = true;
        match log.commit() {
            Ok(commit) if self.always => {
                self.waiting = Some(commit);
                Kept::Later
            }
            Ok(_) => Kept::Done,
            Err(error) => {
                log::error!("{error}; what is said with an id is refused until the server is started again");
                Kept::Failed
            }
        }
    }

    /// Writes what is left and says that all is in order. Waits for the disk: for after the loop.
    pub(super) fn close(&mut self) {
        if let Some(log) = self.log.take()
            && let Err(error) = log.close()
        {
            log::error!("the history could not be closed in order: {error}");
        }
    }
}

/// What runs off the loop.
impl Keeper {
    /// Gives helpers what is due. Answers when there will be more.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) -> Moment {
        let Some(log) = &mut self.log else { return self.next(cx) };
        if !std::mem::take(&mut self.stale) && self.due > cx.now() {
            return self.next(cx);
        }
        let now = cx.wall().millis();
        if let Some(chore) = log.chores(now) {
            self.chore = cx.job(Lane::Ordered, chore).ok();
            if self.chore.is_none() {
                // Never met: the hub leaves room for it. But a chore that is lost must not be waited for.
                drop(log.chore_lost());
            }
        }
        while let Some(damage) = log.damage() {
            log::error!("{damage}");
        }
        let wait = |due: u64| Duration::from_millis(due.saturating_sub(now)).max(AGAIN);
        self.due = log.due().map_or(Moment::NEVER, |due| cx.now() + wait(due));
        self.next(cx)
    }

    fn next(&self, cx: &Cx<'_>) -> Moment {
        // While a batch is on its way to the disk nothing is told, and a helper's answer makes the next turn.
        if self.hurry && !self.is_waiting() { cx.now() } else { self.due.min(self.readers.due()) }
    }

    /// What there is of a room after a number, for somebody.
    pub(super) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        room: &Name,
        after: u64,
        budget: usize,
    ) -> Reading {
        let Some(log) = &mut self.log else { return Reading::End };
        self.readers.read(cx, log, person, room, after, budget)
    }

    /// Asks who said something, for somebody who waits for it. The answer may be here at once.
    pub(super) fn speaker(&mut self, cx: &mut Cx<'_>, person: PersonId, said: &Known) -> Option<Progress> {
        let Some(log) = &mut self.log else { return Some(Progress::Speaker(person, None)) };
        self.readers.speaker(cx, log, person, said)
    }

    /// Asks what a session was and said in an earlier run. Answers whether a helper is free for it.
    pub(super) fn ask_for(&mut self, cx: &mut Cx<'_>, person: PersonId, digest: Digest, age: Duration) -> bool {
        self.log.as_ref().is_some_and(|log| self.readers.ask_for(cx, log, person, digest, age))
    }

    /// Somebody does not want any more what they wanted to read.
    pub(super) fn forget_reader(&mut self, person: PersonId) {
        self.readers.forget(person);
    }

    /// Is it time to ask again, though no helper has answered?
    pub(super) fn readers_are_due(&mut self, now: Moment) -> bool {
        self.readers.are_due(now)
    }

    /// Those who ask again.
    pub(super) fn take_refused(&mut self) -> Vec<PersonId> {
        self.readers.take_refused()
    }

    /// A helper has answered.
    pub(super) fn done(&mut self, job: JobId, result: Done) -> Progress {
        let is_chore = self.chore.take_if(|chore| *chore == job).is_some();
        let errand = self.readers.answered(job);
        let Some(log) = &mut self.log else { return Progress::Nothing };
        self.stale = true;
        let outcome = match result.ok().and_then(|result| result.downcast::<ChoreResult>().ok()) {
            Some(result) => log.chore_done(*result),
            None if is_chore => log.chore_lost(),
            None => Outcome::Read(Read::End),
        };
        match outcome {
            Outcome::Durable(commit) if self.waiting.is_some_and(|waiting| waiting <= commit) => {
                self.waiting = None;
                Progress::Batch(Kept::Done)
            }
            Outcome::Stopped(why) => {
                log::error!("the history is stopped: {why}; what is said with an id is refused until a restart");
                self.waiting.take().map_or(Progress::Nothing, |_| Progress::Batch(Kept::Failed))
            }
            answer => errand.map_or(Progress::Nothing, |errand| self.readers.brought(errand, answer)),
        }
    }
}

//! The history, as the chat sees it: on, off, or stopped by a fault; and everything of it that runs off the loop.

use std::fmt;
use std::time::Duration;

use super::language::Name;
use super::rooms::PersonId;
use super::sessions::Digest;
use crate::hub::{Cx, Done, JobId, Lane, Moment, Wall};
use crate::log::{Batch, Chore, ChoreResult, Known, Log, Outcome, Past, Read, Record, Settings, SyncMode};

/// Reads that helpers may be busy with. More readers wait for their turn.
const READS: usize = 256;
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

/// What there is to be read.
pub(super) enum Reading {
    /// The next messages.
    Records(Batch),
    /// These numbers are not to be had.
    Gap { from: u64, to: u64 },
    /// Nothing more, so far.
    End,
    /// A helper brings it.
    Fetching,
    /// Helpers have enough to do for now.
    Busy,
}

/// What a helper's answer means to the chat.
pub(super) enum Progress {
    /// Nothing.
    Nothing,
    /// The batch that everybody waits for is safe, or is not.
    Batch(Kept),
    /// What somebody wanted to read is here.
    Fetched(PersonId),
    /// What a session was and said in an earlier run.
    Known(PersonId, Past),
    /// The name under which it did, if that is still to be had.
    Speaker(PersonId, Option<String>),
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Chore,
    Read(PersonId),
    Known(PersonId),
    Speaker(PersonId),
}

impl Errand {
    /// Is it of use only to this person?
    fn is_for(self, person: PersonId) -> bool {
        matches!(self, Self::Read(whose) | Self::Known(whose) | Self::Speaker(whose) if whose == person)
    }
}

/// The history, or that there is none.
pub(super) struct Keeper {
    log: Option<Log>,
    /// `--sync always`: what is said waits for the disk.
    always: bool,
    /// The commit that everybody waits for.
    waiting: Option<u64>,
    errands: Vec<(JobId, Errand)>,
    /// What helpers have brought and was not given yet.
    fetched: Vec<(PersonId, Read)>,
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
            errands: Vec::new(),
            fetched: Vec::new(),
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
            self.send(cx, Lane::Ordered, Errand::Chore, chore);
        }
        let Some(log) = &mut self.log else { return self.next(cx) };
        while let Some(damage) = log.damage() {
            log::error!("{damage}");
        }
        let wait = |due: u64| Duration::from_millis(due.saturating_sub(now)).max(AGAIN);
        self.due = log.due().map_or(Moment::NEVER, |due| cx.now() + wait(due));
        self.next(cx)
    }

    fn next(&self, cx: &Cx<'_>) -> Moment {
        // While a batch is on its way to the disk nothing is told, and a helper's answer makes the next turn.
        if self.hurry && !self.is_waiting() { cx.now() } else { self.due }
    }

    fn send(&mut self, cx: &mut Cx<'_>, lane: Lane, errand: Errand, chore: Chore) {
        match cx.job(lane, chore) {
            Ok(job) => self.errands.push((job, errand)),
            // Never met: reads are few enough to leave room. But a chore that is lost must not be waited for.
            Err(_) if errand == Errand::Chore => drop(self.log.as_mut().map(Log::chore_lost)),
            Err(_) => {}
        }
    }

    /// What there is of a room after a number.
    pub(super) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        room: &Name,
        after: u64,
        budget: usize,
    ) -> Reading {
        if let Some(at) = self.fetched.iter().position(|&(reader, _)| reader == person) {
            let (_, read) = self.fetched.swap_remove(at);
            return self.given(cx, person, read);
        }
        if self.errands.iter().any(|&(_, errand)| errand == Errand::Read(person)) {
            return Reading::Fetching;
        }
        if self.errands.len() >= READS {
            return Reading::Busy;
        }
        let Some(log) = &mut self.log else { return Reading::End };
        let read = log.read(room.as_str(), after, budget, cx.wall().millis());
        self.given(cx, person, read)
    }

    fn given(&mut self, cx: &mut Cx<'_>, person: PersonId, read: Read) -> Reading {
        match read {
            Read::Records(records) => Reading::Records(records),
            Read::Gap { from, to } => Reading::Gap { from, to },
            Read::End => Reading::End,
            Read::Later(chore) => {
                self.send(cx, Lane::Any, Errand::Read(person), chore);
                Reading::Fetching
            }
        }
    }

    /// Asks who said something, for somebody who waits for it. The answer may be here at once.
    pub(super) fn speaker(&mut self, cx: &mut Cx<'_>, person: PersonId, said: &Known) -> Option<Progress> {
        let Some(log) = &mut self.log else { return Some(Progress::Speaker(person, None)) };
        match log.read(&said.room, said.seq - 1, 1, cx.wall().millis()) {
            Read::Later(chore) => {
                self.send(cx, Lane::Any, Errand::Speaker(person), chore);
                None
            }
            read => Some(Progress::Speaker(person, first_speaker(&read))),
        }
    }

    /// Asks what a session was and said in an earlier run. Answers whether a helper is free for it.
    pub(super) fn ask_for(&mut self, cx: &mut Cx<'_>, person: PersonId, digest: Digest, age: Duration) -> bool {
        let Some(log) = self.log.as_ref().filter(|_| self.errands.len() < READS) else { return false };
        let since = cx.wall().millis().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let chore = log.past(digest, since);
        self.send(cx, Lane::Any, Errand::Known(person), chore);
        true
    }

    /// Somebody does not want any more what they wanted to read.
    pub(super) fn forget_reader(&mut self, person: PersonId) {
        self.fetched.retain(|&(reader, _)| reader != person);
        // What a helper is fetching for them is dropped when it comes.
        self.errands.retain(|&(_, errand)| !errand.is_for(person));
    }

    pub(super) fn done(&mut self, job: JobId, result: Done) -> Progress {
        let errand = self.errands.iter().position(|&(asked, _)| asked == job).map(|at| self.errands.swap_remove(at).1);
        let Some(log) = &mut self.log else { return Progress::Nothing };
        self.stale = true;
        let outcome = match result.ok().and_then(|result| result.downcast::<ChoreResult>().ok()) {
            Some(result) => log.chore_done(*result),
            None if errand == Some(Errand::Chore) => log.chore_lost(),
            None => Outcome::Read(Read::End),
        };
        match (outcome, errand) {
            (Outcome::Durable(commit), _) if self.waiting.is_some_and(|waiting| waiting <= commit) => {
                self.waiting = None;
                Progress::Batch(Kept::Done)
            }
            (Outcome::Stopped(why), _) => {
                log::error!("the history is stopped: {why}; what is said with an id is refused until a restart");
                self.waiting.take().map_or(Progress::Nothing, |_| Progress::Batch(Kept::Failed))
            }
            (Outcome::Read(read), Some(Errand::Read(person))) => {
                self.fetched.push((person, read));
                Progress::Fetched(person)
            }
            (Outcome::Known(past), Some(Errand::Known(person))) => Progress::Known(person, past),
            (_, Some(Errand::Known(person))) => Progress::Known(person, Past::default()),
            (Outcome::Read(read), Some(Errand::Speaker(person))) => Progress::Speaker(person, first_speaker(&read)),
            (_, Some(Errand::Speaker(person))) => Progress::Speaker(person, None),
            _ => Progress::Nothing,
        }
    }
}

fn first_speaker(read: &Read) -> Option<String> {
    let Read::Records(records) = read else { return None };
    records.iter().next().map(|record| record.from.to_owned())
}

//! What people want to know of the history: given at once where the cache has it, else brought by a helper, and for
//! whom.

use std::time::Duration;

use super::keeper::Kept;
use super::language::Name;
use super::rooms::PersonId;
use super::sessions::Digest;
use crate::hub::{Cx, JobId, Lane, Moment};
use crate::log::{Batch, Chore, Known, Log, Outcome, Past, Read};

/// Questions that helpers may be busy with. More readers wait for their turn.
const READS: usize = 256;

/// How soon is asked again when helpers are busy for other services, of whose answers nothing is heard here.
const AGAIN: Duration = Duration::from_millis(100);

/// What there is to be read.
pub(super) enum Reading {
    /// The next messages.
    Records(Batch),
    /// These numbers are not to be had.
    Gap { from: u64, to: u64 },
    /// Nothing more, so far.
    End,
    /// A helper brings it, or it is to be asked for again when one has answered.
    Fetching,
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

/// What was asked, and who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    Read(PersonId),
    Known(PersonId),
    Speaker(PersonId),
}

impl Errand {
    fn is_for(self, person: PersonId) -> bool {
        let (Self::Read(whose) | Self::Known(whose) | Self::Speaker(whose)) = self;
        whose == person
    }
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Readers {
    /// What nobody wants to know any more keeps a helper busy all the same.
    asked: Vec<(JobId, Option<Errand>)>,
    /// What helpers have brought and was not given yet.
    fetched: Vec<(PersonId, Read)>,
    /// Those who have asked when helpers had enough to do.
    refused: Vec<PersonId>,
    /// When is asked again, though nothing was answered.
    again: Option<Moment>,
}

impl Readers {
    /// Those who ask again now that a helper has answered.
    pub(super) fn take_refused(&mut self) -> Vec<PersonId> {
        std::mem::take(&mut self.refused)
    }

    /// When [`Readers::are_due`] is to be asked even if nothing happens.
    pub(super) fn due(&self) -> Moment {
        self.again.unwrap_or(Moment::NEVER)
    }

    /// Is it time to ask again?
    pub(super) fn are_due(&mut self, now: Moment) -> bool {
        self.again.take_if(|again| *again <= now).is_some()
    }

    /// What there is of a room after a number.
    pub(super) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        log: &mut Log,
        person: PersonId,
        room: &Name,
        after: u64,
        budget: usize,
    ) -> Reading {
        if let Some(at) = self.fetched.iter().position(|&(reader, _)| reader == person) {
            let (_, read) = self.fetched.swap_remove(at);
            return self.given(cx, person, read);
        }
        if self.asked.iter().any(|&(_, errand)| errand == Some(Errand::Read(person))) {
            return Reading::Fetching;
        }
        if self.asked.len() >= READS {
            return self.refuse(cx, person);
        }
        let read = log.read(room.as_str(), after, budget, cx.wall().millis());
        self.given(cx, person, read)
    }

    fn given(&mut self, cx: &mut Cx<'_>, person: PersonId, read: Read) -> Reading {
        match read {
            Read::Records(records) => Reading::Records(records),
            Read::Gap { from, to } => Reading::Gap { from, to },
            Read::End => Reading::End,
            Read::Later(chore) => {
                let is_fetched = self.send(cx, Errand::Read(person), chore);
                if is_fetched { Reading::Fetching } else { self.refuse(cx, person) }
            }
        }
    }

    fn refuse(&mut self, cx: &Cx<'_>, person: PersonId) -> Reading {
        self.wait(cx);
        self.refused.push(person);
        Reading::Fetching
    }

    /// No helper is free. An answer is the time to ask again, if there will be one.
    fn wait(&mut self, cx: &Cx<'_>) {
        if self.asked.is_empty() {
            self.again.get_or_insert(cx.now() + AGAIN);
        }
    }

    /// Asks who said something. The answer may be here at once.
    pub(super) fn speaker(
        &mut self,
        cx: &mut Cx<'_>,
        log: &mut Log,
        person: PersonId,
        said: &Known,
    ) -> Option<Progress> {
        match log.read(&said.room, said.seq - 1, 1, cx.wall().millis()) {
            Read::Later(chore) => {
                let is_fetched = self.send(cx, Errand::Speaker(person), chore);
                (!is_fetched).then_some(Progress::Speaker(person, None))
            }
            read => Some(Progress::Speaker(person, first_speaker(&read))),
        }
    }

    /// Asks what a session was and said in an earlier run. Answers whether a helper is free for it.
    pub(super) fn ask_for(
        &mut self,
        cx: &mut Cx<'_>,
        log: &Log,
        person: PersonId,
        digest: Digest,
        age: Duration,
    ) -> bool {
        if self.asked.len() >= READS {
            return false;
        }
        let since = cx.wall().millis().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let is_asked = self.send(cx, Errand::Known(person), log.past(digest, since));
        if !is_asked {
            self.wait(cx);
        }
        is_asked
    }

    /// Answers whether a helper will do it. All may have enough to do, for this service or another.
    fn send(&mut self, cx: &mut Cx<'_>, errand: Errand, chore: Chore) -> bool {
        let job = cx.job(Lane::Any, chore);
        self.asked.extend(job.iter().map(|&job| (job, Some(errand))));
        job.is_ok()
    }

    /// Somebody does not want any more what they wanted to read.
    pub(super) fn forget(&mut self, person: PersonId) {
        self.fetched.retain(|&(reader, _)| reader != person);
        self.refused.retain(|&reader| reader != person);
        // What a helper is fetching for them is dropped when it comes.
        for (_, errand) in &mut self.asked {
            errand.take_if(|errand| errand.is_for(person));
        }
    }

    /// What was asked by this job, if it was and somebody still wants to know.
    pub(super) fn answered(&mut self, job: JobId) -> Option<Errand> {
        let at = self.asked.iter().position(|&(asked, _)| asked == job)?;
        self.asked.swap_remove(at).1
    }

    /// A helper has answered that.
    pub(super) fn brought(&mut self, errand: Errand, answer: Outcome) -> Progress {
        match (errand, answer) {
            (Errand::Read(person), Outcome::Read(read)) => {
                self.fetched.push((person, read));
                Progress::Fetched(person)
            }
            (Errand::Read(_), _) => Progress::Nothing,
            (Errand::Known(person), Outcome::Known(past)) => Progress::Known(person, past),
            (Errand::Known(person), _) => Progress::Known(person, Past::default()),
            (Errand::Speaker(person), Outcome::Read(read)) => Progress::Speaker(person, first_speaker(&read)),
            (Errand::Speaker(person), _) => Progress::Speaker(person, None),
        }
    }
}

fn first_speaker(read: &Read) -> Option<String> {
    let Read::Records(records) = read else { return None };
    records.iter().next().map(|record| record.from.to_owned())
}

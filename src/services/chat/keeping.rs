//! What becomes of a batch that is to be kept, and of what helpers have answered.

use super::Chat;
use super::keeper::Kept;
use super::readers::Progress;
use crate::hub::{Cx, Done, JobId};

impl Chat {
    /// A helper of the history has answered.
    pub(super) fn kept(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        match self.keeper.done(job, result) {
            Progress::Nothing => {}
            Progress::Batch(kept) => {
                if kept == Kept::Failed {
                    self.lose_batch(cx);
                }
                self.deliver(cx);
            }
            Progress::Fetched(person) => self.catch_up(person),
            Progress::Known(person, past) => self.recall(cx, person, past),
            Progress::Speaker(person, name) => self.recall_name(person, name),
        }
        self.ask_again(cx);
    }

    /// A helper may be free for those who found none.
    pub(super) fn ask_again(&mut self, cx: &mut Cx<'_>) {
        for person in self.keeper.take_refused() {
            self.catch_up(person);
        }
        self.ask_for_those_who_wait(cx);
    }

    /// Writes what was said to the history. What could not be written is not pretended to be.
    pub(super) fn commit(&mut self, cx: &mut Cx<'_>) {
        if !self.batch.kept {
            return;
        }
        match self.keeper.commit() {
            Kept::Done | Kept::Later => {}
            Kept::Failed => self.lose_batch(cx),
        }
    }

    /// The batch could not be kept: what was to be kept for sure is refused, the rest is heard without a number.
    pub(super) fn lose_batch(&mut self, cx: &mut Cx<'_>) {
        for owed in self.batch.unkeep() {
            if self.keeper.is_kept(self.batch.text(&owed.room), owed.seq) {
                self.batch.owed.push(owed); // said again, and in the history since it was said first
                continue;
            }
            self.receipted(cx, owed.conn);
            if !self.is_owed(&owed) {
                continue;
            }
            let id = self.batch.text(&owed.id).to_owned();
            if let Some(session) = self.voices.get(owed.person).and_then(|voice| voice.session) {
                self.sessions.unsay(session, &id);
            }
            let text = format!("the history could not be written; what you said as {id:?} was not heard");
            self.complain(cx, owed.person, "history", &text);
        }
    }

    pub(super) fn set_alarm(&mut self, cx: &mut Cx<'_>) {
        let alarm = self.keeper.tick(cx).min(self.pauses.due()).min(self.breath.due());
        // While a batch is on its way to the disk nothing is carried out, whatever is due.
        let alarm = if self.keeper.is_waiting() { alarm } else { alarm.min(self.steward.due(cx.now())) };
        cx.set_alarm(alarm);
    }
}

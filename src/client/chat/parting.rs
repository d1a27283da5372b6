//! How a script's client goes: when all is done, when something failed, when it has to.

use std::time::Duration;

use super::script::{Input, Script};
use crate::client::standard::say_aside;
use crate::client::trouble::Trouble;
use crate::hub::{Cx, Sent};

/// How long the goodbye may take: the documents' number.
const FAREWELL: Duration = Duration::from_secs(2);

impl Script {
    pub(super) fn down(&mut self, cx: &mut Cx<'_>, trouble: &Trouble, pause: Option<Duration>) {
        self.say_complaint();
        match pause {
            _ if self.leaving => self.finish(cx),
            Some(pause) => say_aside(&trouble.paused(self.talk.address(), pause)),
            None => self.fail_to_stand(cx, trouble),
        }
    }

    pub(super) fn fail_to_stand(&mut self, cx: &mut Cx<'_>, trouble: &Trouble) {
        let why = self.talk.ended(trouble);
        self.fail(cx, &why);
    }

    pub(super) fn fail(&mut self, cx: &mut Cx<'_>, why: &str) {
        let open = match self.talk.conversation.outgoing.len() {
            0 => String::new(),
            count => format!("; {count} of {} lines have no receipt", self.said),
        };
        self.say_complaint();
        self.failure.get_or_insert(format!("{why}{open}"));
        self.break_off(cx);
    }

    pub(super) fn break_off(&mut self, cx: &mut Cx<'_>) {
        self.stop_reading(cx);
        self.leaving = true;
        self.talk.hang_up(cx);
        self.finish(cx);
    }

    /// Ends as soon as standard output has taken everything.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        self.finished = true;
        self.stop_when_shown(cx);
    }

    /// Stops if nothing is left to be shown. Output that failed is closed first, for then it is told why.
    pub(super) fn stop_when_shown(&mut self, cx: &mut Cx<'_>) {
        match self.output {
            Some(output) if !cx.fits(output, usize::MAX) => {}
            Some(output) if cx.send_wire(output, b"") == Sent::Gone => cx.close(output),
            _ => cx.stop(),
        }
    }

    pub(super) fn stop_reading(&mut self, cx: &mut Cx<'_>) {
        if let Input::Open(id) = self.input {
            cx.close(id);
        }
        self.input = Input::Over;
    }

    pub(super) fn leave(&mut self, cx: &mut Cx<'_>) {
        if !self.leaving {
            self.leaving = true;
            self.stop_reading(cx);
            self.farewell = cx.now() + FAREWELL;
            self.say_complaint();
            let words = std::mem::take(&mut self.last_words);
            if !self.talk.leave(cx, &words) {
                self.finish(cx);
            }
        }
    }

    /// It has to end now: by its own time, or because somebody wants so.
    pub(super) fn cut_short(&mut self, cx: &mut Cx<'_>, why: &str) {
        let enough = self.settings.count.is_none_or(|count| self.heard >= count);
        let read = self.input == Input::Over || self.settings.follow;
        if enough && read && self.talk.conversation.outgoing.is_empty() && self.talk.conversation.has_been() {
            self.break_off(cx);
        } else if self.failure.is_none() && !self.leaving {
            let heard = self.settings.count.filter(|_| !enough);
            let heard = heard.map_or_else(String::new, |count| format!("; heard {} of {count}", self.heard));
            self.fail(cx, &format!("{why}{heard}"));
        }
    }
}

//! A service with a command for everything that the hub can do. A command is one frame, `VERB TAG ARGUMENT…`; its tag
//! names the client and counts up, so that what is lost, doubled, swapped or crossed is seen here already.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{ConnId, Cx, Done, Hold, Inspection, JobId, Limits, Moment, Reason, Service};

use crate::book::LATE;
use crate::calls::Call;
use crate::desk::Desk;
use crate::sabotage::Sabotage;

/// A long answer under way.
#[derive(Debug)]
pub(super) struct Bulk {
    pub(super) tag: String,
    pub(super) next: u32,
    pub(super) total: u32,
    /// Asks `fits` before each piece; else sends until `Full`.
    pub(super) careful: bool,
    /// Bytes without frames; nothing else may come between.
    pub(super) raw: bool,
}

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) client: u32,
    /// The number that the next command must have.
    pub(super) next: u32,
    /// Answers that will come whatever else happens.
    pub(super) pending: u32,
    pub(super) ended: bool,
    /// A raw stretch of the peer's: tag, how much is left, digest, and whether chunks may be held up.
    pub(super) raw: Option<(String, u64, u64, bool)>,
    pub(super) bulk: Option<Bulk>,
    /// What must wait until a raw answer is over.
    pub(super) waiting: Vec<Vec<u8>>,
    /// What it is held for, and how many reasons there are.
    pub(super) held: Option<(String, u8)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The client is held until the answer.
    Held,
    /// Comes in the order of the others of its kind.
    Ordered,
    /// Comes when it comes.
    Loose,
    /// About the connection itself.
    Inspected,
    /// One of two reasons to hold the client goes.
    Unheld,
    /// What the client said since is raw.
    Later(u64),
}

#[derive(Debug)]
pub(crate) struct Works {
    pub(super) desk: Desk,
    pub(super) sessions: BTreeMap<ConnId, Session>,
    pub(super) errands: BTreeMap<JobId, (ConnId, String, Style)>,
    pub(super) alarms: BTreeSet<(Moment, String, ConnId)>,
    pub(super) calls: BTreeMap<ConnId, Call>,
    pub(super) other_limits: Vec<Rc<Limits>>,
}

/// Holds while a job runs that this very client waits for.
pub(super) const OWN: Hold = Hold::own(3);

impl Works {
    pub(crate) fn new(desk: &Desk, other_limits: Vec<Rc<Limits>>) -> Self {
        let (sessions, errands, alarms, calls) = Default::default();
        Self { desk: desk.clone(), sessions, errands, alarms, calls, other_limits }
    }

    /// Closes somebody, for no reason of theirs.
    pub(crate) fn cut_off(&mut self, cx: &mut Cx<'_>, number: usize) {
        if let Some((&id, session)) = self.sessions.iter().nth(number % self.sessions.len().max(1)) {
            self.desk.book().cut_off.insert(session.client);
            self.desk.close(cx, id);
        }
    }

    fn command(&mut self, cx: &mut Cx<'_>, id: ConnId, text: &str) {
        let mut words = text.split(' ');
        let (verb, tag) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let other = words.next().unwrap_or("");
        let Some(session) = self.sessions.get_mut(&id) else {
            return self.desk.book().wrong(id, "a command without a session");
        };
        let due = format!("c{}.{}", session.client, session.next);
        if tag != due {
            self.desk.book().wrong(id, &format!("{text:?} came where {due} was due"));
        }
        session.next += 1;
        self.desk.book().heard.insert(session.client, session.next);
        match verb {
            "say" => self.answer(cx, id, &format!("ok {tag}")),
            "hold" => self.hold(cx, id, tag, number, other == "job"),
            "later" => self.later(cx, id, tag, number),
            "job" | "pass" => self.job(cx, id, tag, verb == "job", other),
            "inspect" => self.inspect(cx, id, tag),
            "alarm" => self.alarm_for(cx, id, tag, number),
            "raw" => self.raw(cx, id, tag, number, other == "slowly"),
            "bulk" | "blob" => self.bulk(cx, id, tag, number, verb == "blob", other == "careful"),
            "silence" => {
                cx.set_silence(id, Some(Duration::from_secs(number)));
                self.answer(cx, id, &format!("ok {tag}"));
            }
            "frame" => self.switch(cx, id, tag, number, other),
            "limits" => self.limits(cx, id, tag, number),
            "open" => self.open(cx, id, tag, number, other),
            "end" => {
                self.answer(cx, id, &format!("end {tag}"));
                self.desk.end(cx, id);
            }
            "close" => {
                self.answer(cx, id, &format!("bye {tag}"));
                self.desk.close(cx, id);
            }
            _ => self.desk.book().wrong(id, &format!("no such command: {text:?}")),
        }
    }

    pub(super) fn answer(&mut self, cx: &mut Cx<'_>, id: ConnId, text: &str) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.bulk.as_ref().is_some_and(|bulk| bulk.raw) {
            session.waiting.push(text.as_bytes().to_vec());
            return;
        }
        let _ = self.desk.send(cx, id, text.as_bytes());
        if self.desk.sabotage == Sabotage::DoubleAnswer && text.ends_with('7') {
            let _ = self.desk.send(cx, id, text.as_bytes());
        }
    }

    /// An answer that was pending; the last one closes whoever has ended.
    pub(super) fn late_answer(&mut self, cx: &mut Cx<'_>, id: ConnId, text: &str) {
        self.answer(cx, id, text);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.pending -= 1;
        if session.ended && session.pending == 0 {
            self.desk.close(cx, id);
        }
    }

    pub(super) fn expect_answer(&mut self, id: ConnId) -> u32 {
        let Some(session) = self.sessions.get_mut(&id) else { return 0 };
        session.pending += 1;
        session.client
    }
}

impl Service for Works {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.calls.contains_key(&id) {
            return self.call_stands(cx, id);
        }
        let client = Desk::client(cx, id);
        self.sessions.insert(id, Session { client, ..Session::default() });
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if self.calls.contains_key(&id) {
            return self.call_says(cx, id, frame);
        }
        match std::str::from_utf8(frame) {
            Ok("") => {}
            Ok(text) => self.command(cx, id, text),
            Err(_) => self.desk.book().wrong(id, &format!("no command is {frame:?}")),
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.chunk_of(cx, id, bytes);
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.calls.contains_key(&id) {
            return self.call_ended(cx, id);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.ended = true;
        if session.pending == 0 {
            self.desk.close(cx, id);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.go_on(cx, id);
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.calls.contains_key(&id) {
            return self.desk.close(cx, id);
        }
        self.desk.release(cx, id, Hold::own(0));
        self.one_reason_less(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        let due = self.alarms.first().map(|&(when, ..)| when);
        if due.is_none_or(|due| due > cx.now() || cx.now() - due > LATE) {
            self.desk.chronicle.wrong("an alarm too early, too late, or for which nobody asked".to_owned());
        }
        while self.alarms.first().is_some_and(|&(when, ..)| when <= cx.now()) {
            if let Some((_, tag, id)) = self.alarms.pop_first() {
                self.late_answer(cx, id, &format!("l {tag}"));
            }
        }
        self.set_alarm(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Some((id, tag, style)) = self.errands.remove(&job) else { return };
        let outcome = match result {
            Err(_) => "panicked".to_owned(),
            Ok(value) if style == Style::Inspected => {
                let facts = value.downcast::<Inspection>().map(|facts| *facts).unwrap_or_default();
                facts.first().map_or("none".to_owned(), |fact| fact.granted.clone())
            }
            Ok(value) if value.downcast_ref() == Some(&tag) => "done".to_owned(),
            Ok(_) => "another's".to_owned(),
        };
        match style {
            Style::Held => {
                self.desk.release(cx, id, Hold::JOB);
                self.answer(cx, id, &format!("job {tag} {outcome}"));
            }
            Style::Inspected => {
                let right = outcome == format!("{:x}", id.to_bits());
                self.desk.release(cx, id, OWN);
                self.answer(cx, id, &format!("inspect {tag} {right}"));
            }
            Style::Unheld => {
                self.desk.release(cx, id, Hold::FLOOD);
                self.one_reason_less(cx, id);
            }
            Style::Later(count) => self.raw(cx, id, &tag, count, false),
            Style::Ordered => self.late_answer(cx, id, &format!("o {tag} {outcome}")),
            Style::Loose => self.late_answer(cx, id, &format!("l {tag} {outcome}")),
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.sessions.remove(&id);
        self.call_closed(cx, id);
    }
}

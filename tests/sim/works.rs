//! A service with a command for everything that the hub can do. A command is one frame, `VERB TAG ARGUMENT…`; its tag
//! names the client and counts up, so that what is lost, doubled, swapped or crossed is seen here already.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{ConnId, Cx, Done, Framing, Hold, Inspection, JobId, Lane, Limits, Moment, Reason, Sent, Service};

use crate::book::LATE;
use crate::calls::Call;
use crate::chance::{DIGEST_START, digest_on};
use crate::desk::Desk;
use crate::far_wire::{bulk_piece, framing_named};
use crate::sabotage::Sabotage;

/// A long answer under way.
#[derive(Debug)]
struct Bulk {
    tag: String,
    next: u32,
    total: u32,
    /// Asks `fits` before each piece; else sends until `Full`.
    careful: bool,
    /// Bytes without frames; nothing else may come between.
    raw: bool,
}

#[derive(Debug, Default)]
struct Session {
    client: u32,
    /// The number that the next command must have.
    next: u32,
    /// Answers that will come whatever else happens.
    pending: u32,
    ended: bool,
    /// A raw stretch of the peer's: tag, how much is left, digest, and whether chunks may be held up.
    raw: Option<(String, u64, u64, bool)>,
    bulk: Option<Bulk>,
    /// What must wait until a raw answer is over.
    waiting: Vec<Vec<u8>>,
    /// What the timer is for.
    held: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// The client is held until the answer.
    Held,
    /// Comes in the order of the others of its kind.
    Ordered,
    /// Comes when it comes.
    Loose,
    /// About the connection itself.
    Inspected,
}

#[derive(Debug)]
pub(crate) struct Works {
    pub(super) desk: Desk,
    sessions: BTreeMap<ConnId, Session>,
    errands: BTreeMap<JobId, (ConnId, String, Style)>,
    alarms: BTreeSet<(Moment, String, ConnId)>,
    pub(super) calls: BTreeMap<ConnId, Call>,
    other_limits: Vec<Rc<Limits>>,
}

/// Holds while a job runs that this very client waits for.
const OWN: Hold = Hold::own(3);

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
            "hold" => self.hold(cx, id, tag, number),
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

    fn answer(&mut self, cx: &mut Cx<'_>, id: ConnId, text: &str) {
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

    fn hold(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, millis: u64) {
        self.desk.hold(cx, id, Hold::FLOOD);
        // A second reason, and the first given twice: both must go before anything is heard.
        self.desk.hold(cx, id, Hold::own(0));
        self.desk.hold(cx, id, Hold::FLOOD);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.held = Some(tag.to_owned());
        }
        self.desk.set_timer(cx, id, Moment::NEVER);
        self.desk.set_timer(cx, id, cx.now() + Duration::from_millis(millis));
    }

    fn job(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, held: bool, lane: &str) {
        let (lane, style) = match (lane, held) {
            ("ordered", true) => (Lane::Ordered, Style::Held),
            ("ordered", false) => (Lane::Ordered, Style::Ordered),
            (_, true) => (Lane::Any, Style::Held),
            (_, false) => (Lane::Any, Style::Loose),
        };
        if held {
            self.desk.hold(cx, id, Hold::JOB);
        } else {
            self.expect_answer(id);
        }
        let word = tag.to_owned();
        if let Ok(job) = self.desk.job(cx, lane, move || word) {
            self.errands.insert(job, (id, tag.to_owned(), style));
        }
    }

    fn inspect(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str) {
        self.desk.hold(cx, id, OWN);
        if let Ok(job) = self.desk.inspect(cx, id) {
            self.errands.insert(job, (id, tag.to_owned(), Style::Inspected));
        }
    }

    fn alarm_for(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, millis: u64) {
        self.expect_answer(id);
        self.alarms.insert((cx.now() + Duration::from_millis(millis), tag.to_owned(), id));
        self.set_alarm(cx);
    }

    fn set_alarm(&self, cx: &mut Cx<'_>) {
        cx.set_alarm(self.alarms.first().map_or(Moment::NEVER, |&(when, ..)| when));
    }

    fn raw(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, count: u64, slowly: bool) {
        cx.set_raw(id, count);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.raw = Some((tag.to_owned(), count, DIGEST_START, slowly));
        }
        self.raw_over(cx, id);
    }

    fn raw_over(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some((tag, _, sum, _)) = session.raw.take_if(|(_, left, ..)| *left == 0) {
            self.answer(cx, id, &format!("raw {tag} {sum:x}"));
        }
    }

    fn bulk(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, total: u64, raw: bool, careful: bool) {
        self.desk.hold(cx, id, Hold::PEER);
        let total = u32::try_from(total).expect("clients ask for little");
        if raw {
            self.answer(cx, id, &format!("blob {tag} {total}"));
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.bulk = Some(Bulk { tag: tag.to_owned(), next: 0, total, careful, raw });
        }
        self.go_on(cx, id);
    }

    /// Sends as much of a long answer as there is room for.
    fn go_on(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let framing = cx.framing(id).unwrap_or(Framing::Raw);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(bulk) = &mut session.bulk else { return };
        while bulk.next < bulk.total {
            let piece = bulk_piece(&bulk.tag, bulk.next, bulk.raw);
            let size = if framing == Framing::Fixed && !bulk.raw { 1024 } else { piece.len() + 4 };
            if bulk.careful && !self.desk.fits(cx, id, size) {
                return;
            }
            let sent = if bulk.raw { self.desk.send_wire(cx, id, &piece) } else { self.desk.send(cx, id, &piece) };
            bulk.next = if sent == Sent::Gone { bulk.total } else { bulk.next + 1 };
            if sent == Sent::Full && !bulk.careful {
                return;
            }
        }
        let tag = std::mem::take(&mut bulk.tag);
        session.bulk = None;
        self.desk.release(cx, id, Hold::PEER);
        for text in std::mem::take(&mut session.waiting) {
            let _ = self.desk.send(cx, id, &text);
        }
        self.answer(cx, id, &format!("bulk {tag}"));
    }

    fn switch(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, max: u64, name: &str) {
        self.answer(cx, id, &format!("framed {tag}"));
        let max = u32::try_from(max).expect("clients ask for little");
        cx.set_framing(id, framing_named(name, max));
    }

    fn limits(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, number: u64) {
        let index = usize::try_from(number).expect("a small number") % self.other_limits.len();
        cx.set_limits(id, &self.other_limits[index]);
        self.answer(cx, id, &format!("ok {tag}"));
    }

    fn chunk_of(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some((_, left, sum, slowly)) = self.sessions.get_mut(&id).and_then(|session| session.raw.as_mut()) else {
            return self.desk.book().wrong(id, "a chunk outside of a raw stretch");
        };
        if bytes.len() as u64 > *left {
            return self.desk.book().wrong(id, "a chunk longer than what is left of the stretch");
        }
        *left -= bytes.len() as u64;
        *sum = digest_on(*sum, bytes);
        let mut dice = [0];
        cx.random(&mut dice);
        if *slowly && dice[0] < 60 {
            self.desk.hold(cx, id, Hold::own(0));
            self.desk.set_timer(cx, id, cx.now() + Duration::from_micros(300));
        }
        self.raw_over(cx, id);
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
        let held = self.sessions.get_mut(&id).and_then(|session| session.held.take());
        self.desk.release(cx, id, Hold::own(0));
        if let Some(tag) = held {
            self.desk.release(cx, id, Hold::FLOOD);
            self.answer(cx, id, &format!("held {tag}"));
        }
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
            Style::Ordered => self.late_answer(cx, id, &format!("o {tag} {outcome}")),
            Style::Loose => self.late_answer(cx, id, &format!("l {tag} {outcome}")),
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.sessions.remove(&id);
        self.call_closed(cx, id);
    }
}

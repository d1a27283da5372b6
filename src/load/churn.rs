//! Churn: connections are made, welcomed, closed and made again, so many at a time.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::course::{Measurement, Next, Watch};
use super::dialect::{Control, Dialect, Found, Language, Part, line};
use super::report::{Latencies, Percentiles, ServerCost};
use super::{Outcome, Subject};
use crate::hub::{ConnId, Cx, Framing, Moment, Reason};

/// The longest welcome that is waited for.
const WELCOME: usize = 64 * 1024;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Churn {
    /// At whom.
    pub subject: Subject,
    /// In which language.
    pub dialect: Dialect,
    /// How many connections at a time.
    pub connections: usize,
    /// How long it is measured.
    pub time: Duration,
    /// How long it runs before it counts.
    pub warm_up: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChurnReport {
    bench: &'static str,
    /// At a time.
    connections: usize,
    /// One after another, in the measured part.
    welcomed: u64,
    seconds: f64,
    per_second: f64,
    /// From asking for a connection to the welcome; where the server says none, to its end.
    latency_us: Option<Percentiles>,
    /// For each connection.
    server: Option<ServerCost>,
    complaint: Option<String>,
    ok: bool,
}

/// One place for a connection.
#[derive(Debug)]
struct Slot {
    id: ConnId,
    asked: Moment,
    welcomed: bool,
    piece: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmingUp(Moment),
    Measuring(Moment),
}

/// The revolving door, as a service.
#[derive(Debug)]
pub(super) struct Door {
    plan: Churn,
    language: Language,
    /// In no order; as many as the plan says.
    slots: Vec<Slot>,
    phase: Phase,
    began: Moment,
    welcomed: u64,
    latencies: Latencies,
}

impl Door {
    pub(super) fn new(plan: Churn) -> Self {
        let (room, name) = (String::new(), "c".to_owned());
        let language = Language { dialect: plan.dialect, room, name, digits: 1, is_echo: false };
        let (phase, began, latencies) = (Phase::WarmingUp(Moment::START), Moment::START, Latencies::new());
        Self { plan, language, slots: Vec::new(), phase, began, welcomed: 0, latencies }
    }

    fn open(&mut self, cx: &mut Cx<'_>, now: Moment) {
        let id = cx.open(self.plan.subject.server.target(), Framing::Raw);
        let greeting = self.language.greeting(Part::Visitor, self.slots.len());
        if !greeting.is_empty() {
            let _ = cx.send_wire(id, greeting.as_bytes());
        }
        self.slots.push(Slot { id, asked: now, welcomed: false, piece: Vec::new() });
    }

    fn slot(&mut self, id: ConnId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.id == id)
    }

    fn welcome(&mut self, cx: &mut Cx<'_>, at: usize, now: Moment) {
        let slot = &mut self.slots[at];
        if !std::mem::replace(&mut slot.welcomed, true) {
            self.welcomed += 1;
            self.latencies.record(now - slot.asked);
            cx.close(slot.id);
        }
    }
}

impl Measurement for Door {
    const PATIENCE: Duration = Duration::from_secs(10);

    fn begin(&mut self, cx: &mut Cx<'_>, now: Moment) {
        (self.began, self.phase) = (now, Phase::WarmingUp(now + self.plan.warm_up));
        for _ in 0..self.plan.connections {
            self.open(cx, now);
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.language.is_ready_at_once(Part::Visitor) {
            // A server that says nothing first says goodbye when we do. Without that it could be outrun: the kernel
            // makes connections that nobody has accepted.
            cx.end(id);
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId, watch: &mut Watch) {
        match self.slot(id) {
            Some(at) if self.language.is_ready_at_once(Part::Visitor) => self.welcome(cx, at, watch.now()),
            _ => cx.close(id),
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8], watch: &mut Watch) {
        let Some(at) = self.slot(id) else { return };
        self.slots[at].piece.extend_from_slice(bytes);
        let mut used = 0;
        while let Found::Line(text, size) = line(&self.slots[at].piece[used..]) {
            used += size;
            match self.language.control(text) {
                Control::Welcome | Control::Ready => return self.welcome(cx, at, watch.now()),
                Control::Complaint => {
                    watch.complain(&format!("the server says: {}", String::from_utf8_lossy(text)));
                }
                Control::Answer(answer) => drop(cx.send_wire(id, &answer)),
                Control::Nothing | Control::Names(_) => {}
            }
        }
        self.slots[at].piece.drain(..used);
        if self.slots[at].piece.len() > WELCOME {
            watch.complain("the server says something that does not end");
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason, watch: &mut Watch) {
        let Some(at) = self.slot(id) else { return };
        if !self.slots.swap_remove(at).welcomed {
            watch.complain(&format!("a connection broke before it was welcomed: {why}"));
        }
        self.open(cx, watch.now());
    }

    fn go_on(&mut self, _cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next {
        match self.phase {
            Phase::WarmingUp(until) if now >= until => {
                watch.start();
                (self.began, self.welcomed, self.latencies) = (now, 0, Latencies::new());
                self.phase = Phase::Measuring(now + self.plan.time);
            }
            Phase::Measuring(until) if now >= until => return Next::Over,
            Phase::WarmingUp(_) | Phase::Measuring(_) => {}
        }
        let (Phase::WarmingUp(until) | Phase::Measuring(until)) = self.phase;
        Next::At(until)
    }

    fn sign(&self) -> Option<u64> {
        Some(self.welcomed)
    }

    fn progress(&self) -> String {
        format!("{} welcomed", self.welcomed)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        let (seconds, welcomed) = ((now - self.began).as_secs_f64(), self.welcomed);
        let server = watch.cost(welcomed as f64);
        let complaint = watch.complaint();
        let ok = complaint.is_none();
        let report = ChurnReport {
            bench: "churn",
            connections: self.plan.connections,
            welcomed,
            seconds,
            per_second: welcomed as f64 / seconds,
            latency_us: (welcomed > 0).then(|| self.latencies.percentiles()),
            server,
            ok,
            complaint,
        };
        Outcome::of(&report, ok)
    }
}

impl fmt::Display for ChurnReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "churn       {} connections at a time", self.connections)?;
        writeln!(out, "welcomed    {} in {:.3} s, {:.0} a second", self.welcomed, self.seconds, self.per_second)?;
        if let Some(latency) = self.latency_us {
            writeln!(out, "latency µs  {latency}")?;
        }
        if let Some(server) = self.server {
            writeln!(out, "server      {:.1} µs of CPU each", server.cpu_ns_each / 1000.0)?;
        }
        write!(out, "checks      {}", self.complaint.as_deref().unwrap_or("every connection was welcomed"))
    }
}

//! Churn: connections are made, welcomed, closed and made again, so many at a time.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::crowd::Server;
use super::dialect::{Control, Dialect, Found, Language, Part, line};
use super::process::{Meter, Process};
use super::progress::{Progress, Stillness, TICK};
use super::report::{Latencies, Percentiles, ServerCost};
use crate::hub::{ConnId, Cx, Framing, Moment, Reason, Service};
use crate::net::Clock;

/// Nobody is welcomed for so long: nobody will be.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest welcome that is waited for.
const WELCOME: usize = 64 * 1024;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Churn {
    /// Where.
    pub server: Server,
    /// In which language.
    pub dialect: Dialect,
    /// How many connections at a time.
    pub connections: usize,
    /// How long it is measured.
    pub time: Duration,
    /// How long it runs before it counts.
    pub warm_up: Duration,
    /// The server's process, if its cost is to be known.
    pub pid: Option<u32>,
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
    pub(super) ok: bool,
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
    Over,
}

/// The revolving door, as a service.
#[derive(Debug)]
pub(super) struct Door {
    plan: Churn,
    language: Language,
    /// In no order; as many as the plan says.
    slots: Vec<Slot>,
    clock: Clock,
    phase: Phase,
    began: Moment,
    welcomed: u64,
    latencies: Latencies,
    meter: Option<Meter>,
    stillness: Stillness,
    progress: Progress,
    complaint: Option<String>,
    pub(super) report: Option<ChurnReport>,
}

impl Door {
    pub(super) fn new(plan: Churn, progress: Progress) -> std::io::Result<Self> {
        let clock = Clock::default();
        let (room, name) = (String::new(), "c".to_owned());
        Ok(Self {
            language: Language { dialect: plan.dialect, room, name, digits: 1, is_echo: false },
            slots: Vec::new(),
            began: clock.now(),
            phase: Phase::WarmingUp(clock.now() + plan.warm_up),
            clock,
            welcomed: 0,
            latencies: Latencies::new(),
            meter: plan.pid.map(|pid| Meter::new(Process::new(pid))).transpose()?,
            stillness: Stillness::default(),
            progress,
            complaint: None,
            report: None,
            plan,
        })
    }

    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        for _ in 0..self.plan.connections {
            self.open(cx);
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>) {
        let id = cx.open(self.plan.server.target(), Framing::Raw);
        let greeting = self.language.greeting(Part::Visitor, self.slots.len());
        if !greeting.is_empty() {
            let _ = cx.send_wire(id, greeting.as_bytes());
        }
        self.slots.push(Slot { id, asked: self.clock.now(), welcomed: false, piece: Vec::new() });
    }

    fn slot(&mut self, id: ConnId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.id == id)
    }

    fn welcome(&mut self, cx: &mut Cx<'_>, at: usize) {
        let (now, slot) = (self.clock.now(), &mut self.slots[at]);
        if !std::mem::replace(&mut slot.welcomed, true) {
            self.welcomed += 1;
            self.latencies.record(now - slot.asked);
            cx.close(slot.id);
        }
    }

    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let now = self.clock.now();
        match self.phase {
            Phase::WarmingUp(until) if now >= until => {
                if let Some(Err(error)) = self.meter.as_mut().map(Meter::start) {
                    self.complaint = Some(error.to_string());
                }
                (self.began, self.welcomed, self.latencies) = (now, 0, Latencies::new());
                self.phase = Phase::Measuring(now + self.plan.time);
            }
            Phase::Measuring(until) if now >= until => self.finish(cx, now),
            _ => {}
        }
        if self.stillness.lasts(self.welcomed, now) > PATIENCE {
            self.complaint.get_or_insert_with(|| "nobody is welcomed any more".to_owned());
        }
        if self.complaint.is_some() && self.phase != Phase::Over {
            self.finish(cx, now);
        }
        self.progress.show(now, || format!("{} welcomed", self.welcomed));
        let due = match self.phase {
            Phase::WarmingUp(until) | Phase::Measuring(until) => until - now,
            Phase::Over => TICK,
        };
        cx.set_alarm(cx.now() + due.min(TICK));
    }

    fn finish(&mut self, cx: &mut Cx<'_>, now: Moment) {
        self.phase = Phase::Over;
        self.progress.end();
        cx.stop();
        let (seconds, welcomed) = ((now - self.began).as_secs_f64(), self.welcomed);
        let server = self.meter.as_ref().map(|meter| meter.stop(welcomed as f64)).transpose();
        let server = server.unwrap_or_else(|error| {
            self.complaint.get_or_insert_with(|| format!("the server's process: {error}"));
            None
        });
        self.report = Some(ChurnReport {
            bench: "churn",
            connections: self.plan.connections,
            welcomed,
            seconds,
            per_second: welcomed as f64 / seconds,
            latency_us: (welcomed > 0).then(|| self.latencies.percentiles()),
            server,
            ok: self.complaint.is_none(),
            complaint: self.complaint.clone(),
        });
    }
}

impl Service for Door {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.language.is_ready_at_once(Part::Visitor) {
            // A server that says nothing first says goodbye when we do. Without that it could be outrun: the kernel
            // makes connections that nobody has accepted.
            cx.end(id);
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        match self.slot(id) {
            Some(at) if self.language.is_ready_at_once(Part::Visitor) => self.welcome(cx, at),
            _ => cx.close(id),
        }
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some(at) = self.slot(id) else { return };
        self.slots[at].piece.extend_from_slice(bytes);
        let mut used = 0;
        while let Found::Line(text, size) = line(&self.slots[at].piece[used..]) {
            used += size;
            match self.language.control(text) {
                Control::Welcome | Control::Ready => return self.welcome(cx, at),
                Control::Complaint => {
                    let told = format!("the server says: {}", String::from_utf8_lossy(text));
                    self.complaint.get_or_insert(told);
                }
                Control::Answer(answer) => drop(cx.send_wire(id, &answer)),
                Control::Nothing | Control::Names(_) => {}
            }
        }
        self.slots[at].piece.drain(..used);
        if self.slots[at].piece.len() > WELCOME {
            self.complaint.get_or_insert_with(|| "the server says something that does not end".to_owned());
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Over {
            self.go_on(cx);
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let Some(at) = self.slot(id) else { return };
        if !self.slots.swap_remove(at).welcomed {
            self.complaint.get_or_insert_with(|| format!("a connection broke before it was welcomed: {why}"));
        }
        if self.phase != Phase::Over {
            self.open(cx);
        }
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

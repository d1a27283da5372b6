//! Idle: many come and stay, and say nothing but what a heartbeat wants. What they cost to let in, to keep, and to have.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::crowd::{BETWEEN, Crowd, Hears, Server};
use super::dialect::{Dialect, Language, Part};
use super::process::{Meter, Process};
use super::progress::{Progress, Stillness, TICK};
use super::report::ServerCost;
use crate::hub::{ConnId, Cx, Fault, Moment, Reason, Service};
use crate::net::Clock;

/// Nobody more comes in for so long: the rest will not.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the last arrival and the measurement, so that the server comes to rest.
const REST: Duration = Duration::from_secs(1);

/// Who is to be idle, and where.
#[derive(Debug, Clone)]
pub struct Idle {
    /// Where.
    pub server: Server,
    /// In which language.
    pub dialect: Dialect,
    /// In which room; `None`: where the server puts whoever comes.
    pub room: Option<String>,
    /// How many.
    pub connections: usize,
    /// How many of them come at once.
    pub at_once: usize,
    /// How long it is measured.
    pub time: Duration,
    /// The server's process, if its cost is to be known.
    pub pid: Option<u32>,
}

/// What they cost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct IdleReport {
    bench: &'static str,
    connections: usize,
    /// How long they took to come.
    arrival_seconds: f64,
    /// How long they were watched.
    seconds: f64,
    /// Bytes that all of them heard meanwhile: heartbeats, if nobody else speaks.
    bytes_heard: u64,
    /// Coming: for each connection.
    arrival: Option<ServerCost>,
    /// Staying: for each second.
    server: Option<ServerCost>,
    /// Resident memory for each connection, bytes.
    memory_each: Option<f64>,
    complaint: Option<String>,
    /// Did all come and stay?
    pub(super) ok: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Gathering,
    Resting(Moment),
    Watching(Moment),
    Over,
}

/// The idle crowd, as a service.
#[derive(Debug)]
pub(super) struct Lounge {
    plan: Idle,
    crowd: Crowd,
    clock: Clock,
    phase: Phase,
    began: Moment,
    arrival_seconds: f64,
    arrival: Option<ServerCost>,
    bytes_heard: u64,
    meter: Option<Meter>,
    stillness: Stillness,
    progress: Progress,
    pub(super) report: Option<IdleReport>,
}

/// Messages are none of its business.
struct Nobody;

impl Hears for Nobody {
    fn text(&mut self, _connection: usize, _text: &[u8]) {}
}

impl Lounge {
    pub(super) fn new(plan: Idle, progress: Progress) -> std::io::Result<Self> {
        let part = if plan.room.is_some() { Part::Hearer } else { Part::Visitor };
        let room = plan.room.clone().unwrap_or_default();
        let language = Language { dialect: plan.dialect, room, name: "i".to_owned(), digits: 1, is_echo: false };
        let crowd = Crowd::new(plan.server.clone(), language, 0, vec![part; plan.connections], plan.at_once);
        let meter = plan.pid.map(|pid| Meter::new(Process::new(pid))).transpose()?;
        let clock = Clock::default();
        Ok(Self {
            began: clock.now(),
            plan,
            crowd,
            clock,
            phase: Phase::Gathering,
            arrival_seconds: 0.0,
            arrival: None,
            bytes_heard: 0,
            meter,
            stillness: Stillness::default(),
            progress,
            report: None,
        })
    }

    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        self.crowd.gather(cx);
    }

    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let now = self.clock.now();
        match self.phase {
            Phase::Gathering if self.crowd.is_complete() => {
                self.arrival_seconds = (now - self.began).as_secs_f64();
                self.phase = Phase::Resting(now + REST);
            }
            Phase::Gathering if self.stillness.lasts(self.crowd.ready() as u64, now) > PATIENCE => {
                self.crowd.complain("the others did not get in");
            }
            Phase::Gathering => self.crowd.gather(cx),
            Phase::Resting(until) if now >= until => {
                self.arrival = self.cost(self.crowd.len() as f64);
                if let Some(Err(error)) = self.meter.as_mut().map(Meter::start) {
                    self.crowd.complain(&error.to_string());
                }
                (self.began, self.bytes_heard) = (now, 0);
                self.phase = Phase::Watching(now + self.plan.time);
            }
            Phase::Watching(until) if now >= until => self.finish(cx, now),
            _ => {}
        }
        if self.crowd.complaint.is_some() && self.phase != Phase::Over {
            self.finish(cx, now);
        }
        self.progress.show(now, || format!("{} connected, {} bytes heard", self.crowd.ready(), self.bytes_heard));
        let due = match self.phase {
            Phase::Resting(until) | Phase::Watching(until) => until - now,
            Phase::Gathering => BETWEEN,
            Phase::Over => TICK,
        };
        cx.set_alarm(cx.now() + due.min(TICK));
    }

    fn cost(&mut self, things: f64) -> Option<ServerCost> {
        match self.meter.as_ref().map(|meter| meter.stop(things)).transpose() {
            Ok(cost) => cost,
            Err(error) => {
                self.crowd.complain(&format!("the server's process: {error}"));
                None
            }
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>, now: Moment) {
        self.phase = Phase::Over;
        self.progress.end();
        cx.stop();
        let seconds = (now - self.began).as_secs_f64();
        let server = self.cost(seconds);
        let grown = |cost: ServerCost| cost.resident.saturating_sub(cost.resident_before) as f64;
        let complaint = self.crowd.complaint.clone();
        self.report = Some(IdleReport {
            bench: "idle",
            connections: self.crowd.ready(),
            arrival_seconds: self.arrival_seconds,
            seconds,
            bytes_heard: self.bytes_heard,
            arrival: self.arrival,
            server,
            memory_each: server.map(|cost| grown(cost) / self.crowd.len() as f64),
            ok: complaint.is_none(),
            complaint,
        });
    }
}

impl Service for Lounge {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.crowd.opened(cx, id);
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.bytes_heard += bytes.len() as u64;
        self.crowd.chunk(cx, id, bytes, &mut Nobody);
    }

    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, fault: Fault) {
        self.crowd.complain(fault.code());
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Over {
            self.go_on(cx);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.crowd.closed(id, why);
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "idle        {} connections, there after {:.3} s", self.connections, self.arrival_seconds)?;
        if let Some(arrival) = self.arrival {
            writeln!(out, "arrival     {:.1} µs of the server's CPU each", arrival.cpu_ns_each / 1000.0)?;
        }
        writeln!(out, "watched     {:.1} s, {} bytes heard", self.seconds, self.bytes_heard)?;
        if let Some(server) = self.server {
            writeln!(out, "server      {:.3} ms of CPU a second", server.cpu_ns_each / 1e6)?;
            let (kib, each) = (server.resident / 1024, self.memory_each.unwrap_or_default());
            writeln!(out, "memory      {each:.0} bytes each; resident {kib} KiB")?;
        }
        write!(out, "checks      {}", self.complaint.as_deref().unwrap_or("all came and stayed"))
    }
}

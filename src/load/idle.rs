//! Idle: many come and stay, and say nothing but what a heartbeat wants. What they cost to let in, to keep, and to have.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Outcome;
use super::course::{Measurement, Next, Watch};
use super::crowd::{BETWEEN, Crowd, Crowded, Hears, Server};
use super::dialect::{Dialect, Language, Part};
use super::report::{ServerCost, Verdict};
use crate::hub::{Cx, Moment};

/// Between the last arrival and the measurement, so that the server comes to rest.
const REST: Duration = Duration::from_secs(1);

/// Who is to be idle, and where.
#[derive(Debug, Clone)]
pub struct Idle {
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Gathering,
    Resting(Moment),
    Watching(Moment),
}

/// The idle crowd, as a service.
#[derive(Debug)]
pub(super) struct Lounge {
    plan: Idle,
    crowd: Crowd,
    phase: Phase,
    began: Moment,
    arrival_seconds: f64,
    arrival: Option<ServerCost>,
    noise: Noise,
}

/// What comes, by its length: messages are none of its business.
#[derive(Debug, Default)]
pub(super) struct Noise {
    bytes: u64,
}

impl Hears for Noise {
    fn bytes(&mut self, count: usize, _now: Moment) {
        self.bytes += count as u64;
    }

    fn text(&mut self, _connection: usize, _name: &[u8], _text: &[u8]) {}
    fn stray(&mut self) {}
}

impl Lounge {
    pub(super) fn new(server: Server, plan: Idle) -> Self {
        let part = if plan.room.is_some() { Part::Hearer } else { Part::Visitor };
        let room = plan.room.clone().unwrap_or_default();
        let language = Language { dialect: plan.dialect, room, name: "i".to_owned(), digits: 1, is_echo: false };
        let crowd = Crowd::new(server, language, 0, vec![part; plan.connections], plan.at_once);
        let (phase, began) = (Phase::Gathering, Moment::START);
        Self { plan, crowd, phase, began, arrival_seconds: 0.0, arrival: None, noise: Noise::default() }
    }
}

impl Crowded for Lounge {
    type Ear = Noise;

    fn crowd(&mut self) -> (&mut Crowd, &mut Noise) {
        (&mut self.crowd, &mut self.noise)
    }
}

impl Measurement for Lounge {
    const PATIENCE: Duration = Duration::from_secs(10);

    fn go_on(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next {
        match self.phase {
            Phase::Gathering if self.crowd.is_complete() => {
                self.arrival_seconds = (now - self.began).as_secs_f64();
                self.phase = Phase::Resting(now + REST);
            }
            Phase::Gathering => self.crowd.gather(cx),
            Phase::Resting(until) if now >= until => {
                self.arrival = watch.cost(self.crowd.len() as u64);
                watch.start();
                (self.began, self.noise.bytes) = (now, 0);
                self.phase = Phase::Watching(now + self.plan.time);
            }
            Phase::Watching(until) if now >= until => return Next::Over,
            Phase::Resting(_) | Phase::Watching(_) => {}
        }
        Next::At(match self.phase {
            Phase::Resting(until) | Phase::Watching(until) => until,
            Phase::Gathering => now + BETWEEN,
        })
    }

    fn sign(&self) -> Option<u64> {
        (self.phase == Phase::Gathering).then_some(self.crowd.ready() as u64)
    }

    fn progress(&self) -> String {
        format!("{} connected, {} bytes heard", self.crowd.ready(), self.noise.bytes)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        let seconds = (now - self.began).as_secs_f64();
        let server = matches!(self.phase, Phase::Watching(_)).then(|| watch.cost_of(seconds)).flatten();
        let grown = |cost: ServerCost| cost.resident.saturating_sub(cost.resident_before) as f64;
        let report = IdleReport {
            bench: "idle",
            connections: self.crowd.ready(),
            arrival_seconds: self.arrival_seconds,
            seconds,
            bytes_heard: self.noise.bytes,
            arrival: self.arrival,
            server,
            memory_each: server.map(|cost| grown(cost) / self.crowd.len() as f64),
        };
        Outcome::of(&report, Verdict::on_connections("all came and stayed", watch.complaint()))
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
        Ok(())
    }
}

//! Churn: connections are made, welcomed, closed and made again, so many at a time.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Outcome;
use super::course::{Connections, Measurement, NOTHING, Next, Watch};
use super::crowd::{Server, says};
use super::dialect::{Control, Dialect, Found, Language, Part, line};
use super::report::{Latencies, Percentiles, ServerCost, Verdict, per_second};
use crate::hub::{ConnId, Cx, Framing, Moment, Reason};

/// The longest welcome that is waited for.
const WELCOME: usize = 64 * 1024;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Churn {
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
    /// `closed`: the next comes when one has gone, so a slow server slows its own load.
    #[serde(rename = "loop")]
    pacing: &'static str,
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
    /// Nobody comes any more, but everybody who came is still to be welcomed.
    Emptying,
}

/// The revolving door, as a service.
#[derive(Debug)]
pub(super) struct Door {
    server: Server,
    plan: Churn,
    language: Language,
    /// By their places in the hub.
    slots: Vec<Option<Slot>>,
    /// How many have not been welcomed yet.
    waiting: usize,
    /// Counts connections: no two have one name.
    came: usize,
    phase: Phase,
    began: Moment,
    ended: Moment,
    /// In the measured part, once that has begun.
    welcomed: u64,
    cost: Option<ServerCost>,
    latencies: Latencies,
}

impl Door {
    pub(super) fn new(server: Server, plan: Churn) -> Self {
        let (room, name) = (String::new(), "c".to_owned());
        let language = Language { dialect: plan.dialect, room, name, digits: 1, is_echo: false };
        let (phase, began, latencies) = (Phase::WarmingUp(Moment::START), Moment::START, Latencies::new());
        Self {
            server,
            plan,
            language,
            slots: Vec::new(),
            waiting: 0,
            came: 0,
            phase,
            began,
            ended: began,
            welcomed: 0,
            cost: None,
            latencies,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>, now: Moment) {
        let id = cx.open(self.server.target(), Framing::Raw);
        let greeting = self.language.greeting(Part::Visitor, self.came);
        self.came += 1;
        if !greeting.is_empty() {
            let _ = cx.send_wire(id, greeting.as_bytes());
        }
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        self.slots[id.slot()] = Some(Slot { id, asked: now, welcomed: false, piece: Vec::new() });
        self.waiting += 1;
    }

    fn slot(&mut self, id: ConnId) -> Option<&mut Slot> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|slot| slot.id == id)
    }

    fn welcome(&mut self, cx: &mut Cx<'_>, id: ConnId, now: Moment) {
        let Some(slot) = self.slot(id).filter(|slot| !slot.welcomed) else { return };
        slot.welcomed = true;
        let took = now - slot.asked;
        self.waiting -= 1;
        if self.phase != Phase::Emptying {
            self.welcomed += 1;
            self.latencies.record(took);
        }
        cx.close(id);
    }
}

impl Connections for Door {
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
        if self.language.is_ready_at_once(Part::Visitor) {
            if let Some(said) = self.slot(id).filter(|slot| !slot.piece.is_empty()) {
                watch.complain(&says(&said.piece));
            }
            self.welcome(cx, id, watch.now());
        }
        cx.close(id);
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8], watch: &mut Watch) {
        let Some(mut piece) = self.slot(id).map(|slot| std::mem::take(&mut slot.piece)) else { return };
        piece.extend_from_slice(bytes);
        let mut used = 0;
        while let Found::Line(text, size) = line(&piece[used..]) {
            used += size;
            match self.language.control(text) {
                Control::Welcome | Control::Ready => return self.welcome(cx, id, watch.now()),
                Control::Complaint => watch.complain(&says(text)),
                Control::Answer(answer) => drop(cx.send_wire(id, &answer)),
                Control::Nothing | Control::Message(_) => {}
            }
        }
        piece.drain(..used);
        if piece.len() > WELCOME {
            watch.complain("the server says something that does not end");
        }
        if let Some(slot) = self.slot(id) {
            slot.piece = piece;
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason, watch: &mut Watch) {
        if self.slot(id).is_none() {
            return;
        }
        if self.slots[id.slot()].take().is_some_and(|slot| !slot.welcomed) {
            self.waiting -= 1;
            watch.complain(&format!("a connection broke before it was welcomed: {why}"));
        }
        if self.phase != Phase::Emptying {
            self.open(cx, watch.now());
        }
    }
}

impl Measurement for Door {
    const PATIENCE: Duration = Duration::from_secs(10);

    fn go_on(&mut self, _cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next {
        match self.phase {
            Phase::WarmingUp(until) if now >= until => {
                watch.start();
                (self.began, self.welcomed, self.latencies) = (now, 0, Latencies::new());
                self.phase = Phase::Measuring(now + self.plan.time);
            }
            Phase::Measuring(until) if now >= until => {
                self.cost = watch.cost(self.welcomed);
                (self.ended, self.phase) = (now, Phase::Emptying);
            }
            Phase::Emptying if self.waiting == 0 => return Next::Over,
            Phase::WarmingUp(_) | Phase::Measuring(_) | Phase::Emptying => {}
        }
        Next::At(match self.phase {
            Phase::WarmingUp(until) | Phase::Measuring(until) => until,
            Phase::Emptying => Moment::NEVER,
        })
    }

    fn sign(&self) -> Option<u64> {
        Some(self.came as u64 + self.waiting as u64)
    }

    fn progress(&self) -> String {
        format!("{} welcomed", self.welcomed)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        let end = if self.phase == Phase::Emptying { self.ended } else { now };
        let (seconds, welcomed) = ((end - self.began).as_secs_f64(), self.welcomed);
        if welcomed == 0 {
            watch.complain(NOTHING);
        }
        let report = ChurnReport {
            bench: "churn",
            pacing: "closed",
            connections: self.plan.connections,
            welcomed,
            seconds,
            per_second: per_second(welcomed, seconds),
            latency_us: (welcomed > 0).then(|| self.latencies.percentiles()),
            server: self.cost,
        };
        Outcome::of(&report, Verdict::on_connections("every connection was welcomed", watch.complaint()))
    }
}

impl fmt::Display for ChurnReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "churn, {} loop; {} connections at a time", self.pacing, self.connections)?;
        writeln!(out, "welcomed    {} in {:.3} s, {:.0} a second", self.welcomed, self.seconds, self.per_second)?;
        if let Some(latency) = self.latency_us {
            writeln!(out, "latency µs  {latency}")?;
        }
        if let Some(server) = self.server {
            writeln!(out, "server      {:.1} µs of CPU each", server.cpu_ns_each / 1000.0)?;
        }
        Ok(())
    }
}

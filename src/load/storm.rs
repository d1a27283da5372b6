//! Storm: everybody's line breaks, something is said meanwhile, and all come back at once and resume. Each must then
//! have heard everything once and in order, whether it was said before, meanwhile or after.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Outcome;
use super::comeback::{Log, SIZE, SPEAKER};
use super::course::{Measurement, Next, REST, Watch};
use super::crowd::{BETWEEN, Crowd, Crowded, Server, sayable};
use super::dialect::{Dialect, Language, Part};
use super::exchange::NOTHING_SAID;
use super::report::{Percentiles, ServerCost, Verdict};
use crate::hub::{Cx, Moment};

/// How long everybody stays away, so that the server has noticed.
const AWAY: Duration = Duration::from_millis(500);
/// How many come at once before the storm.
const AT_ONCE: usize = 64;

/// What is to be done. It is Parlor's sessions that are tried, so there is one dialect.
#[derive(Debug, Clone)]
pub struct Storm {
    /// In which room.
    pub room: String,
    /// How names begin.
    pub name: String,
    /// How many break and come back.
    pub connections: usize,
    /// How many messages are said before, meanwhile, and after.
    pub messages: u32,
}

impl Storm {
    pub(super) fn check(&self) -> Result<(), String> {
        // Those said while all are away and those as they return follow each other at once.
        sayable(self.messages as usize * 2, SIZE + 1)?;
        if self.messages == 0 { Err(NOTHING_SAID.to_owned()) } else { Ok(()) }
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StormReport {
    bench: &'static str,
    connections: usize,
    messages: u32,
    deliveries: u64,
    /// From the moment at which all came back until the last had resumed.
    seconds: f64,
    /// From that moment until one had resumed.
    latency_us: Option<Percentiles>,
    /// For each who came back.
    server: Option<ServerCost>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Gathering,
    /// What was said before the storm is to be heard, and its number to be learnt.
    Before,
    /// All lines are broken until then.
    Away(Moment),
    /// All come back.
    Returning,
    /// All have, and everything was heard.
    Resting(Moment),
}

/// The storm, as a service.
#[derive(Debug)]
pub(super) struct Weather {
    plan: Storm,
    crowd: Crowd,
    log: Log,
    phase: Phase,
    ended: Moment,
}

impl Weather {
    pub(super) fn new(server: Server, plan: Storm) -> Self {
        let (room, name, digits) = (plan.room.clone(), plan.name.clone(), plan.connections.to_string().len());
        let language = Language { dialect: Dialect::Parlor, room, name, digits, is_echo: false };
        let all = plan.connections + 1;
        let log = Log::new(plan.room.clone(), language.signature(SPEAKER), all);
        let crowd = Crowd::new(server, language, SIZE, vec![Part::Member; all], AT_ONCE);
        Self { plan, crowd, log, phase: Phase::Gathering, ended: Moment::START }
    }

    fn say(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.crowd.id(SPEAKER) {
            let _ = cx.send_wire(id, &self.log.say(self.plan.messages));
        }
    }

    /// Which number has the last that was said? Answers come in order, so it is known when this is answered.
    fn ask(&self, cx: &mut Cx<'_>) {
        if let Some(id) = self.crowd.id(SPEAKER) {
            let _ = cx.send_wire(id, format!("/history {} 1\n", self.plan.room).as_bytes());
        }
    }

    fn part(&mut self, cx: &mut Cx<'_>, now: Moment) {
        for number in 1..self.crowd.len() {
            self.crowd.leave(cx, number);
        }
        self.phase = Phase::Away(now + AWAY);
    }

    fn come_back(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) {
        self.say(cx);
        watch.start();
        (self.log.began, self.phase) = (now, Phase::Returning);
        for number in 1..self.crowd.len() {
            let id = self.crowd.come_back(cx, number);
            let _ = cx.send_wire(id, self.log.resuming(number).as_bytes());
        }
        self.say(cx);
    }
}

impl Crowded for Weather {
    type Ear = Log;

    fn crowd(&mut self) -> (&mut Crowd, &mut Log) {
        (&mut self.crowd, &mut self.log)
    }
}

impl Measurement for Weather {
    const PATIENCE: Duration = Duration::from_secs(20);

    fn go_on(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next {
        match self.phase {
            Phase::Gathering if self.log.with_token == self.crowd.len() => {
                self.say(cx);
                self.phase = Phase::Before;
                self.ask(cx);
            }
            Phase::Gathering => self.crowd.gather(cx),
            Phase::Before if self.log.due == 0 && self.log.last.is_some() => self.part(cx, now),
            Phase::Away(until) if now >= until => self.come_back(cx, now, watch),
            Phase::Returning if self.log.due == 0 && self.log.back == self.plan.connections => {
                (self.ended, self.phase) = (now, Phase::Resting(now + REST));
            }
            Phase::Resting(until) if now >= until => return Next::Over,
            _ => {}
        }
        Next::At(match self.phase {
            Phase::Away(until) | Phase::Resting(until) => until,
            Phase::Gathering => now + BETWEEN,
            Phase::Before | Phase::Returning => Moment::NEVER,
        })
    }

    fn sign(&self) -> Option<u64> {
        Some(self.crowd.ready() as u64 + self.log.sign())
    }

    fn progress(&self) -> String {
        format!("{} there, {} came back", self.crowd.ready(), self.log.back)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        let end = if matches!(self.phase, Phase::Resting(_)) { self.ended } else { now };
        let server = watch.cost(self.log.back as u64);
        let report = StormReport {
            bench: "storm",
            connections: self.plan.connections,
            messages: self.log.said,
            deliveries: self.log.heard,
            seconds: (end - self.log.began).as_secs_f64(),
            latency_us: self.log.percentiles(),
            server,
        };
        Outcome::of(&report, Verdict::on_deliveries(self.log.faults(), watch.complaint()))
    }
}

impl fmt::Display for StormReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "storm       {} broke and came back; all had resumed after {:.3} s",
            self.connections, self.seconds
        )?;
        writeln!(out, "heard       {} deliveries of {} messages", self.deliveries, self.messages)?;
        if let Some(latency) = self.latency_us {
            writeln!(out, "latency µs  {latency}")?;
        }
        if let Some(server) = self.server {
            writeln!(out, "server      {:.1} µs of CPU for each", server.cpu_ns_each / 1000.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Subject;
    use super::*;
    use crate::hub::{ConnId, Hub, Limits, Service};
    use crate::net::socket::Options;

    struct Nothing;

    impl Service for Nothing {
        fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}
    }

    #[test]
    fn when_everything_was_heard_it_is_still_listened_for_what_comes_twice() {
        let server = Server::Unix("/nowhere".into());
        let subject = Subject { server: server.clone(), outgoing: Options::client().into(), pid: None };
        let mut watch = Watch::new(&subject).expect("there is no process to look at");
        let plan = Storm { room: "r".into(), name: "s".into(), connections: 2, messages: 1 };
        let mut weather = Weather::new(server, plan);
        (weather.phase, weather.log.back) = (Phase::Returning, 2);
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(Nothing);
        let mut next = |at| {
            let next = hub.with(service, |_: &mut Nothing, cx| weather.go_on(cx, at, &mut watch));
            next.expect("the service was added above")
        };
        assert_eq!(next(Moment::START), Next::At(Moment::START + REST));
        assert_eq!(next(Moment::START + REST), Next::Over);
    }
}

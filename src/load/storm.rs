//! Storm: everybody's line breaks, something is said meanwhile, and all come back at once and resume. Each must then
//! have heard everything once and in order, whether it was said before, meanwhile or after.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::course::{Measurement, Next, Watch};
use super::crowd::{BETWEEN, Crowd, Crowded, Hears, countable};
use super::dialect::{Dialect, Language, Part};
use super::exchange::NOTHING_SAID;
use super::ledger::{Faults, Ledger};
use super::report::{Latencies, Percentiles, ServerCost};
use super::text::Texts;
use super::{Outcome, Subject};
use crate::hub::{Cx, Moment};

/// How long everybody stays away, so that the server has noticed.
const AWAY: Duration = Duration::from_millis(500);
/// How many come at once before the storm.
const AT_ONCE: usize = 64;
/// Bytes of a text.
const SIZE: usize = 64;
/// Who speaks; all others break.
const SPEAKER: usize = 0;

/// What is to be done. It is Parlor's sessions that are tried, so there is one dialect.
#[derive(Debug, Clone)]
pub struct Storm {
    /// At whom.
    pub subject: Subject,
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
    /// What is wrong with it, if something is.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        countable(self.connections)?;
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
    #[serde(flatten)]
    faults: Faults,
    /// From the moment at which all came back until the last had resumed.
    seconds: f64,
    /// From that moment until one had resumed.
    latency_us: Option<Percentiles>,
    /// For each who came back.
    server: Option<ServerCost>,
    complaint: Option<String>,
    ok: bool,
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
}

/// What is heard.
#[derive(Debug)]
pub(super) struct Log {
    texts: Texts,
    ledger: Ledger,
    room: String,
    said: u32,
    heard: u64,
    due: u64,
    tokens: Vec<Option<String>>,
    with_token: usize,
    /// The room's number of the last message before the storm.
    last: Option<u64>,
    now: Moment,
    began: Moment,
    /// Who has resumed, and how many they are.
    resumed: Vec<bool>,
    back: usize,
    latencies: Latencies,
}

impl Hears for Log {
    fn bytes(&mut self, _count: usize, now: Moment) {
        self.now = now;
    }

    fn text(&mut self, hearer: usize, text: &[u8]) {
        match self.texts.read(text) {
            Some((SPEAKER, number)) if (1..=self.said).contains(&number) && hearer != SPEAKER => {
                self.heard += 1;
                let settled = self.ledger.hear(hearer, SPEAKER, number);
                self.due = self.due.saturating_sub(settled.into());
            }
            _ => self.stray(),
        }
    }

    fn stray(&mut self) {
        self.ledger.faults.wrong += 1;
    }

    fn line(&mut self, connection: usize, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        if let Some(token) = line.strip_prefix("- session ") {
            self.with_token += usize::from(self.tokens[connection].replace(token.to_owned()).is_none());
        } else if line == "- end resume" {
            if !std::mem::replace(&mut self.resumed[connection], true) {
                self.back += 1;
                self.latencies.record(self.now - self.began);
            }
        } else if let Some((number, text)) = self.said_before(line) {
            match connection {
                SPEAKER => self.last = Some(number),
                hearer => self.text(hearer, text.as_bytes()),
            }
        }
    }
}

impl Log {
    /// `- #ROOM N TIME <NAME> TEXT`
    fn said_before<'a>(&self, line: &'a str) -> Option<(u64, &'a str)> {
        let rest = line.strip_prefix("- #")?.strip_prefix(&self.room[..])?.strip_prefix(' ')?;
        let (number, rest) = rest.split_once(' ')?;
        Some((number.parse().ok()?, rest.split_once("> ")?.1))
    }
}

/// The storm, as a service.
#[derive(Debug)]
pub(super) struct Weather {
    plan: Storm,
    crowd: Crowd,
    log: Log,
    phase: Phase,
}

impl Weather {
    pub(super) fn new(plan: Storm) -> Self {
        let (room, name, digits) = (plan.room.clone(), plan.name.clone(), plan.connections.to_string().len());
        let language = Language { dialect: Dialect::Parlor, room, name, digits, is_echo: false };
        let all = plan.connections + 1;
        let crowd = Crowd::new(plan.subject.server.clone(), language, SIZE, vec![Part::Member; all], AT_ONCE);
        let log = Log {
            texts: Texts::new(SIZE),
            ledger: Ledger::new(1, all),
            room: plan.room.clone(),
            said: 0,
            heard: 0,
            due: 0,
            tokens: vec![None; all],
            with_token: 0,
            last: None,
            now: Moment::START,
            began: Moment::START,
            resumed: vec![false; all],
            back: 0,
            latencies: Latencies::new(),
        };
        Self { plan, crowd, log, phase: Phase::Gathering }
    }

    fn say(&mut self, cx: &mut Cx<'_>) {
        let Some(id) = self.crowd.id(SPEAKER) else { return };
        for _ in 0..self.plan.messages {
            self.log.said += 1;
            let line = [self.log.texts.write(SPEAKER, self.log.said), b"\n"].concat();
            let _ = cx.send_wire(id, &line);
        }
        self.log.due += u64::from(self.plan.messages) * self.plan.connections as u64;
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
        let last = self.log.last.unwrap_or_default();
        for number in 1..self.crowd.len() {
            let id = self.crowd.come_back(cx, number);
            let token = self.log.tokens[number].as_deref().unwrap_or_default();
            let _ = cx.send_wire(id, format!("/session {token} {} {last}\n", self.plan.room).as_bytes());
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
            Phase::Returning if self.log.due == 0 && self.log.back == self.plan.connections => return Next::Over,
            _ => {}
        }
        Next::At(match self.phase {
            Phase::Away(until) => until,
            Phase::Gathering => now + BETWEEN,
            Phase::Before | Phase::Returning => Moment::NEVER,
        })
    }

    fn sign(&self) -> Option<u64> {
        Some(self.crowd.ready() as u64 + self.log.heard + (self.log.with_token + self.log.back) as u64)
    }

    fn progress(&self) -> String {
        format!("{} there, {} came back", self.crowd.ready(), self.log.back)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        let server = watch.cost(self.plan.connections as f64);
        let Faults { lost, .. } = self.log.ledger.faults;
        let faults = Faults { lost: lost + self.log.due, ..self.log.ledger.faults };
        let complaint = watch.complaint();
        let ok = faults.is_none() && complaint.is_none();
        let report = StormReport {
            bench: "storm",
            connections: self.plan.connections,
            messages: self.log.said,
            deliveries: self.log.heard,
            seconds: (now - self.log.began).as_secs_f64(),
            latency_us: (self.log.back > 0).then(|| self.log.latencies.percentiles()),
            server,
            ok,
            faults,
            complaint,
        };
        Outcome::of(&report, ok)
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
        write!(out, "checks      {}", self.faults)?;
        self.complaint.as_ref().map_or(Ok(()), |complaint| write!(out, "; {complaint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::stream::Outgoing;

    /// What is heard by two who come back, of a storm in which one message was said.
    fn log() -> Log {
        let server = super::super::Server::Unix("/nowhere".into());
        let subject = Subject { server, outgoing: Outgoing::from(crate::net::socket::Options::client()), pid: None };
        let plan = Storm { subject, room: "r".into(), name: "s".into(), connections: 2, messages: 1 };
        let mut log = Weather::new(plan).log;
        (log.said, log.due) = (1, 2);
        log
    }

    #[test]
    fn one_who_resumes_twice_is_not_two_who_resumed() {
        let mut log = log();
        log.line(1, b"- end resume");
        log.line(1, b"- end resume");
        assert_eq!(log.back, 1);
        log.line(2, b"- end resume");
        assert_eq!(log.back, 2);
    }

    #[test]
    fn a_number_that_was_never_said_is_wrong_and_settles_nothing() {
        let mut log = log();
        for number in [0, 2, u32::MAX] {
            let text = log.texts.write(SPEAKER, number).to_vec();
            log.text(1, &text);
        }
        assert_eq!((log.ledger.faults.wrong, log.ledger.faults.lost, log.due), (3, 0, 2));
        let text = log.texts.write(SPEAKER, 1).to_vec();
        log.line(1, &[b"- #r 1 2026-11-20T18:46:03.120Z <s0> ", &text[..]].concat());
        assert_eq!((log.ledger.faults.wrong, log.heard, log.due), (3, 1, 1));
    }
}

//! A run of fan-out or echo: everybody comes, knocks until all are heard, warms up, is measured.

use std::time::Duration;

use super::Outcome;
use super::course::{Measurement, NOTHING, Next, REST, Watch};
use super::crowd::{BETWEEN, Crowd, Crowded, Server};
use super::desk::Desk;
use super::exchange::{Exchange, Length, Pace};
use super::process::{Meter, Process};
use super::report::{Report, Verdict, per_second};
use crate::hub::{Cx, Moment, Sent};

/// Before the measurement speakers knock until everybody hears them; so often.
const KNOCK: Duration = Duration::from_millis(100);
/// Longer than any measurement that counts messages.
const ENDLESS: Duration = Duration::from_secs(1_000_000);
/// Messages said in one turn in the open loop at most, when it lags behind its own plan.
const CATCH_UP: usize = 4096;

/// What of the run is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Gathering,
    /// The next knock comes then.
    Knocking(Moment),
    /// Until then nothing is said.
    Resting(Moment),
    /// Until then speakers begin new messages.
    Speaking(Moment),
    /// What was said is still to be heard.
    Draining,
}

/// The generator: a service that opens its connections itself.
#[derive(Debug)]
pub(super) struct Run {
    plan: Exchange,
    crowd: Crowd,
    desk: Desk,
    phase: Phase,
    /// Parts that are over: the warm-up, the measurement.
    parts: usize,
    /// When the part began.
    began: Moment,
    own: Meter,
}

impl Run {
    pub(super) fn new(server: Server, plan: Exchange) -> std::io::Result<Self> {
        let (language, parts) = (plan.language(), plan.parts());
        let desk = Desk::new(&plan, &language);
        let crowd = Crowd::new(server, language, plan.size, parts, plan.at_once);
        let (phase, began, own) = (Phase::Gathering, Moment::START, Meter::new(Process::this()?)?);
        Ok(Self { plan, crowd, desk, phase, parts: 0, began, own })
    }

    fn rest(&mut self, now: Moment) {
        self.phase = Phase::Resting(now + REST);
    }

    fn knock(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) {
        self.desk.knock_again();
        for speaker in 0..self.plan.speakers {
            send(cx, &self.crowd, speaker, self.desk.knocking(speaker), watch);
        }
        self.phase = Phase::Knocking(now + KNOCK);
    }

    fn begin_part(&mut self, cx: &mut Cx<'_>, watch: &mut Watch) {
        watch.start();
        if let Err(error) = self.own.start() {
            watch.complain(&error.to_string());
        }
        let interval = match self.plan.pace {
            Pace::Window(_) => None,
            Pace::Rate(rate) => Some(1.0 / rate),
        };
        let time = match self.plan.length {
            _ if self.parts == 0 => self.plan.warm_up,
            Length::Time(time) => time,
            Length::Messages(_) => ENDLESS,
        };
        // Looking at processes took time that is not the server's.
        let now = watch.now();
        self.began = now;
        self.desk.begin(now, interval);
        self.phase = Phase::Speaking(now + time);
        if !time.is_zero() {
            self.speak(cx, now, now + time, watch);
        }
    }

    /// Is all said that the part is to bring? In the open loop that is the plan, however late: what would have been
    /// said while the generator or the machine was busy counts most of all.
    fn has_said_all(&self, now: Moment, until: Moment) -> bool {
        let is_time_over = match self.plan.pace {
            Pace::Window(_) => now >= until,
            Pace::Rate(_) => {
                let (speaker, due) = self.desk.next_due();
                due >= until || self.left(speaker) == 0
            }
        };
        is_time_over || self.desk.said_by_all >= self.count().saturating_mul(self.plan.speakers as u64)
    }

    /// How many messages each speaker says in this part, if they are counted.
    fn count(&self) -> u64 {
        match self.plan.length {
            Length::Messages(count) if self.parts == 1 => count.into(),
            _ => u64::MAX,
        }
    }

    /// How many messages a speaker may still say.
    fn left(&self, speaker: usize) -> usize {
        let left = self.count().saturating_sub(self.desk.said(speaker).into());
        usize::try_from(left.min(self.desk.numbers_left(speaker).into())).unwrap_or(usize::MAX)
    }

    fn speak(&mut self, cx: &mut Cx<'_>, now: Moment, until: Moment, watch: &mut Watch) {
        match self.plan.pace {
            Pace::Window(window) => {
                let speakers = self.plan.speakers;
                for speaker in self.desk.take_free() {
                    let share = window / speakers + usize::from(speaker < window % speakers);
                    let count = share.min(self.left(speaker));
                    send(cx, &self.crowd, speaker, self.desk.say(speaker, count, now), watch);
                }
            }
            Pace::Rate(_) => {
                for _ in 0..CATCH_UP {
                    let (speaker, due) = self.desk.next_due();
                    if due > now || due >= until || self.left(speaker) == 0 {
                        break;
                    }
                    send(cx, &self.crowd, speaker, self.desk.say_due(speaker, due, now), watch);
                }
            }
        }
    }

    /// When something is due.
    fn next(&self, now: Moment) -> Moment {
        match self.phase {
            Phase::Speaking(until) if matches!(self.plan.pace, Pace::Rate(_)) => self.desk.next_due().1.min(until),
            Phase::Knocking(next) => next,
            Phase::Resting(until) | Phase::Speaking(until) => until,
            Phase::Gathering => now + BETWEEN,
            Phase::Draining => Moment::NEVER,
        }
    }
}

fn send(cx: &mut Cx<'_>, crowd: &Crowd, speaker: usize, wire: &[u8], watch: &mut Watch) {
    if let Some(id) = crowd.id(speaker)
        && cx.send_wire(id, wire) == Sent::Gone
    {
        watch.complain("the server does not read any more");
    }
}

impl Crowded for Run {
    type Ear = Desk;

    fn crowd(&mut self) -> (&mut Crowd, &mut Desk) {
        (&mut self.crowd, &mut self.desk)
    }
}

impl Measurement for Run {
    const PATIENCE: Duration = Duration::from_secs(10);

    fn go_on(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next {
        match self.phase {
            Phase::Gathering if self.crowd.is_complete() => self.phase = Phase::Knocking(now),
            Phase::Gathering => self.crowd.gather(cx),
            Phase::Knocking(_) if self.desk.silent == 0 => self.rest(now),
            Phase::Knocking(next) if now >= next => self.knock(cx, now, watch),
            Phase::Resting(until) if now >= until && self.parts == 2 => return Next::Over,
            Phase::Resting(until) if now >= until => self.begin_part(cx, watch),
            Phase::Speaking(until) if self.has_said_all(now, until) => self.phase = Phase::Draining,
            Phase::Speaking(until) => self.speak(cx, now, until, watch),
            Phase::Draining if self.desk.due == 0 => {
                self.parts += 1;
                self.rest(now);
            }
            _ => {}
        }
        Next::At(self.next(now))
    }

    fn sign(&self) -> Option<u64> {
        let waits = matches!(self.phase, Phase::Gathering | Phase::Knocking(_)) || self.desk.due > 0;
        waits.then_some(self.crowd.ready() as u64 + self.desk.sign())
    }

    fn progress(&self) -> String {
        format!("{} connected, {} heard", self.crowd.ready(), self.desk.heard)
    }

    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome {
        // Without an end in order the last that was heard is not the end.
        let end = if self.desk.due == 0 { self.desk.now } else { now };
        let seconds = (end - self.began).as_secs_f64();
        let (messages, deliveries) = (self.desk.said_by_all, self.desk.heard);
        if deliveries == 0 {
            watch.complain(NOTHING);
        }
        let server = watch.cost(deliveries);
        let generator_cpu_ns = self.own.stop(1.0).map_or(0, |cost| cost.cpu_ns);
        let (window, rate, pacing) = match self.plan.pace {
            Pace::Window(window) => (Some(window), None, "closed"),
            Pace::Rate(rate) => (None, Some(rate), "open"),
        };
        let report = Report {
            bench: if self.plan.echo { "echo" } else { "fanout" },
            pacing,
            speakers: self.plan.speakers,
            connections: self.crowd.len(),
            size: self.plan.size,
            window,
            rate,
            seconds,
            messages,
            deliveries,
            per_second: per_second(deliveries, seconds),
            behind_us: self.desk.behind().map(|behind| behind.as_secs_f64() * 1e6),
            latency_us: (deliveries > 0).then(|| self.desk.percentiles()),
            server,
            generator_cpu_ns,
        };
        Outcome::of(&report, Verdict::on_deliveries(self.desk.faults(), watch.complaint()))
    }
}

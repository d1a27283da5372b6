//! A run of fan-out or echo: everybody comes, knocks until all are heard, warms up, is measured.

use std::time::Duration;

use super::crowd::{BETWEEN, Crowd};
use super::desk::Desk;
use super::exchange::{Exchange, Length, Pace};
use super::process::{Meter, Process};
use super::progress::{Progress, Stillness, TICK};
use super::report::Report;
use crate::hub::{ConnId, Cx, Fault, Moment, Reason, Sent, Service};
use crate::net::Clock;

/// Before the measurement speakers knock until everybody hears them; so often.
const KNOCK: Duration = Duration::from_millis(100);
/// Between two parts nothing is said for so long, and the server comes to rest: only then its CPU time is all booked.
const REST: Duration = Duration::from_millis(50);
/// Nothing is heard for so long: what is missing will not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than any measurement that counts messages.
const ENDLESS: Duration = Duration::from_secs(1_000_000);
/// A poll sleeps for whole milliseconds. What is due sooner is waited for awake.
const AWAKE: Duration = Duration::from_millis(2);
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
    Over,
}

/// The generator: a service that opens its connections itself.
#[derive(Debug)]
pub(super) struct Run {
    plan: Exchange,
    crowd: Crowd,
    desk: Desk,
    clock: Clock,
    phase: Phase,
    /// Parts that are over: the warm-up, the measurement.
    parts: usize,
    /// When the part began.
    began: Moment,
    meter: Option<Meter>,
    own: Meter,
    stillness: Stillness,
    progress: Progress,
    pub(super) report: Option<Report>,
}

impl Run {
    pub(super) fn new(plan: Exchange, progress: Progress) -> std::io::Result<Self> {
        let (language, parts) = (plan.language(), plan.parts());
        let (connections, hearers) = (parts.len(), plan.hearers_of_each());
        let desk = Desk::new(&plan, connections, hearers, language.around(plan.size));
        let crowd = Crowd::new(plan.server.clone(), language, plan.size, parts, plan.at_once);
        let meter = plan.pid.map(|pid| Meter::new(Process::new(pid))).transpose()?;
        let (own, clock) = (Meter::new(Process::this())?, Clock::default());
        let (phase, began) = (Phase::Gathering, clock.now());
        Ok(Self {
            plan,
            crowd,
            desk,
            clock,
            phase,
            parts: 0,
            began,
            meter,
            own,
            stillness: Stillness::default(),
            progress,
            report: None,
        })
    }

    /// Opens the first connections.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        self.crowd.gather(cx);
    }

    /// Does what is due. Called at the end of each turn, so that everything heard in it was looked at.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let now = self.clock.now();
        match self.phase {
            Phase::Gathering if self.crowd.is_complete() => self.phase = Phase::Knocking(now),
            Phase::Gathering => self.crowd.gather(cx),
            Phase::Knocking(_) if self.desk.silent == 0 => self.rest(now),
            Phase::Knocking(next) if now >= next => self.knock(cx, now),
            Phase::Resting(until) if now >= until => self.begin_part(cx, now),
            Phase::Speaking(until) if now >= until || self.has_said_all() => self.phase = Phase::Draining,
            Phase::Speaking(until) => self.speak(cx, now, until),
            Phase::Draining if self.desk.due == 0 => {
                self.parts += 1;
                self.rest(now);
            }
            _ => {}
        }
        let sign = (self.crowd.ready() + self.desk.silent) as u64 + self.desk.heard;
        let waits = matches!(self.phase, Phase::Gathering | Phase::Knocking(_)) || self.desk.due > 0;
        if self.stillness.lasts(sign, now) > PATIENCE && waits {
            self.crowd.complain("what is missing did not come");
        }
        if self.crowd.complaint.is_some() && self.phase != Phase::Over {
            self.finish(cx, now);
        }
        self.progress.show(now, || format!("{} connected, {} heard", self.crowd.ready(), self.desk.heard));
        self.wake(cx);
    }

    fn rest(&mut self, now: Moment) {
        self.phase = Phase::Resting(now + REST);
    }

    fn knock(&mut self, cx: &mut Cx<'_>, now: Moment) {
        for speaker in 0..self.plan.speakers {
            send(cx, &mut self.crowd, speaker, self.desk.knocking(speaker));
        }
        self.phase = Phase::Knocking(now + KNOCK);
    }

    fn begin_part(&mut self, cx: &mut Cx<'_>, now: Moment) {
        if self.parts == 2 {
            return self.finish(cx, now);
        }
        if let Err(error) = self.meter.as_mut().map_or(Ok(()), Meter::start).and_then(|()| self.own.start()) {
            self.crowd.complain(&error.to_string());
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
        self.began = now;
        self.desk.begin(now, interval);
        self.phase = Phase::Speaking(now + time);
        self.speak(cx, now, now + time);
    }

    fn has_said_all(&self) -> bool {
        self.left(self.plan.speakers - 1) == 0
    }

    /// How many messages a speaker has still to say, if they are counted.
    fn left(&self, speaker: usize) -> usize {
        match self.plan.length {
            Length::Messages(count) if self.parts == 1 => count.saturating_sub(self.desk.said(speaker)) as usize,
            _ => usize::MAX,
        }
    }

    fn speak(&mut self, cx: &mut Cx<'_>, now: Moment, until: Moment) {
        match self.plan.pace {
            Pace::Window(window) => {
                let speakers = self.plan.speakers;
                for speaker in self.desk.take_free() {
                    let share = window / speakers + usize::from(speaker < window % speakers);
                    let count = share.min(self.left(speaker));
                    send(cx, &mut self.crowd, speaker, self.desk.say(speaker, count, now));
                }
            }
            Pace::Rate(_) => {
                for _ in 0..CATCH_UP {
                    let (speaker, due) = self.desk.next_due();
                    if due > now || due >= until || self.left(speaker) == 0 {
                        break;
                    }
                    send(cx, &mut self.crowd, speaker, self.desk.say(speaker, 1, now));
                }
            }
        }
    }

    /// Has the alarm ring when something is due. A poll sleeps for whole milliseconds, which is too coarse for a plan.
    fn wake(&self, cx: &mut Cx<'_>) {
        let now = self.clock.now();
        let due = match self.phase {
            Phase::Speaking(until) if matches!(self.plan.pace, Pace::Rate(_)) => self.desk.next_due().1.min(until),
            Phase::Knocking(next) => next,
            Phase::Resting(until) | Phase::Speaking(until) => until,
            Phase::Gathering => now + BETWEEN,
            Phase::Draining | Phase::Over => Moment::NEVER,
        };
        let sleep = (due - now).min(TICK);
        cx.set_alarm(cx.now() + if sleep < AWAKE { Duration::ZERO } else { sleep.saturating_sub(AWAKE / 2) });
    }

    fn finish(&mut self, cx: &mut Cx<'_>, now: Moment) {
        self.phase = Phase::Over;
        self.progress.end();
        cx.stop();
        // Without an end in order the last that was heard is not the end.
        let end = if self.desk.due == 0 { self.desk.now } else { now };
        let seconds = (end - self.began).as_secs_f64();
        let (messages, deliveries) = (self.desk.said_by_all(), self.desk.heard);
        let server = self.meter.as_ref().map(|meter| meter.stop(deliveries as f64)).transpose();
        let server = server.unwrap_or_else(|error| {
            self.crowd.complain(&format!("the server's process: {error}"));
            None
        });
        let generator_cpu_ns = self.own.stop(1.0).map_or(0, |cost| cost.cpu_ns);
        let (faults, complaint) = (self.desk.faults(), self.crowd.complaint.clone());
        let (window, rate, pacing) = match self.plan.pace {
            Pace::Window(window) => (Some(window), None, "closed"),
            Pace::Rate(rate) => (None, Some(rate), "open"),
        };
        self.report = Some(Report {
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
            per_second: deliveries as f64 / seconds,
            ok: faults.is_none() && complaint.is_none(),
            faults,
            latency_us: (deliveries > 0).then(|| self.desk.percentiles()),
            server,
            generator_cpu_ns,
            complaint,
        });
    }
}

fn send(cx: &mut Cx<'_>, crowd: &mut Crowd, speaker: usize, wire: &[u8]) {
    if let Some(id) = crowd.id(speaker)
        && cx.send_wire(id, wire) == Sent::Gone
    {
        crowd.complain("the server does not read any more");
    }
}

impl Service for Run {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.crowd.opened(cx, id);
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.desk.now = self.clock.now();
        self.crowd.chunk(cx, id, bytes, &mut self.desk);
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

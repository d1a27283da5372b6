//! The course that every measurement takes: begun once, looked at after each turn, given up when something is wrong or
//! nothing moves any more, reported at its end.

use std::time::Duration;
use std::{fmt, io};

use super::process::{Meter, Process};
use super::progress::{Progress, Stillness, TICK};
use super::report::ServerCost;
use super::{Outcome, Subject};
use crate::hub::{ConnId, Cx, Fault, Moment, News, Reason, Service};
use crate::net::Clock;
use crate::net::stream::Outgoing;

/// A poll sleeps for whole milliseconds. What is due sooner is waited for awake.
const AWAKE: Duration = Duration::from_millis(2);

/// When everything was heard nothing is said for so long. The server comes to rest, and only then its CPU time is all
/// booked; what is heard meanwhile came twice.
pub(super) const REST: Duration = Duration::from_millis(50);

/// The complaint of a run in which nothing happened.
pub(super) const NOTHING: &str = "nothing was measured";

/// What one measurement does with its connections. Where they are a crowd, [`Crowded`](super::crowd::Crowded) says it all.
pub(super) trait Connections: fmt::Debug + 'static {
    /// Opens the first connections.
    fn begin(&mut self, cx: &mut Cx<'_>, now: Moment);

    /// A connection stands.
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId);

    /// Bytes came.
    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8], watch: &mut Watch);

    /// The server will say no more on this connection.
    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId, _watch: &mut Watch) {
        cx.close(id);
    }

    /// A connection is gone.
    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason, watch: &mut Watch);
}

/// What one measurement does, and no other.
pub(super) trait Measurement: Connections {
    /// Nothing moves for so long: what is missing will not come.
    const PATIENCE: Duration;

    /// Does what is due, when everything that a turn brought was looked at.
    fn go_on(&mut self, cx: &mut Cx<'_>, now: Moment, watch: &mut Watch) -> Next;

    /// A number that changes as long as the server does what is waited for; `None` while nothing is.
    fn sign(&self) -> Option<u64>;

    /// How it goes, in a line.
    fn progress(&self) -> String;

    /// What came of it.
    fn report(&mut self, now: Moment, watch: &mut Watch) -> Outcome;
}

/// When a measurement has something to do if nothing happens before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    At(Moment),
    /// It is over.
    Over,
}

/// What measurements look at besides their connections: the time, the server's process, the first thing that was wrong.
#[derive(Debug)]
pub(super) struct Watch {
    clock: Clock,
    meter: Option<Meter>,
    outgoing: Outgoing,
    complaint: Option<String>,
}

impl Watch {
    /// Looks at the server's process before anybody comes.
    pub(super) fn new(subject: &Subject) -> io::Result<Self> {
        let meter = subject.pid.map(|pid| {
            Process::new(pid)
                .and_then(Meter::new)
                .map_err(|error| io::Error::new(error.kind(), format!("process {pid}: {error}")))
        });
        let (clock, outgoing) = (Clock::default(), subject.outgoing.clone());
        Ok(Self { clock, meter: meter.transpose()?, outgoing, complaint: None })
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// From here on the server's processor time counts.
    pub(super) fn start(&mut self) {
        if let Some(Err(error)) = self.meter.as_mut().map(Meter::start) {
            self.complain_of_process(&error);
        }
    }

    /// What the server took since then, for so many things done; `None` where nothing was.
    pub(super) fn cost(&mut self, things: u64) -> Option<ServerCost> {
        let cost = self.cost_of(things as f64).filter(|_| things > 0)?;
        if cost.cpu_ns == 0 && self.meter.as_ref().is_some_and(Meter::is_idle) {
            self.complain("the process took no time at all: it is not the server's");
        }
        Some(cost)
    }

    /// What it took since then while nothing was to be done, for a number of seconds.
    pub(super) fn cost_of(&mut self, amount: f64) -> Option<ServerCost> {
        match self.meter.as_ref()?.stop(amount) {
            Ok(cost) => Some(cost),
            Err(error) => {
                self.complain_of_process(&error);
                None
            }
        }
    }

    fn complain_of_process(&mut self, error: &io::Error) {
        self.complain(&format!("the server's process: {error}"));
    }

    /// Something is wrong, and the measurement comes to nothing. What was wrong first is told.
    pub(super) fn complain(&mut self, about: &str) {
        self.complaint.get_or_insert_with(|| match self.outgoing.complaint() {
            Some(more) => format!("{about}: {more}"),
            None => about.to_owned(),
        });
    }

    /// What was wrong first, in words.
    pub(super) fn complaint(&self) -> Option<String> {
        self.complaint.clone()
    }
}

/// A measurement on its way, as a service.
#[derive(Debug)]
pub(super) struct Course<M> {
    measurement: M,
    watch: Watch,
    stillness: Stillness,
    progress: Progress,
    pub(super) outcome: Option<Outcome>,
}

impl<M: Measurement> Course<M> {
    pub(super) fn new(measurement: M, subject: &Subject) -> io::Result<Self> {
        let watch = Watch::new(subject)?;
        Ok(Self { measurement, watch, stillness: Stillness::default(), progress: Progress::new(), outcome: None })
    }

    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        self.measurement.begin(cx, self.watch.now());
    }

    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let now = self.watch.now();
        let next = self.measurement.go_on(cx, now, &mut self.watch);
        if self.stillness.lasts(self.measurement.sign(), now) > M::PATIENCE {
            self.watch.complain("what is missing did not come");
        }
        self.progress.show(now, || self.measurement.progress());
        match next {
            Next::At(due) if self.watch.complaint.is_none() => {
                let sleep = (due - self.watch.now()).min(TICK);
                cx.set_alarm(cx.now() + if sleep < AWAKE { Duration::ZERO } else { sleep.saturating_sub(AWAKE / 2) });
            }
            Next::At(_) | Next::Over => {
                self.progress.end();
                cx.stop();
                self.outcome = Some(self.measurement.report(now, &mut self.watch));
            }
        }
    }
}

impl<M: Measurement> Service for Course<M> {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.measurement.opened(cx, id);
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.measurement.chunk(cx, id, bytes, &mut self.watch);
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.measurement.ended(cx, id, &mut self.watch);
    }

    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, fault: Fault) {
        self.watch.complain(fault.code());
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping && self.outcome.is_none() {
            self.watch.complain("it was stopped before it was over");
            self.go_on(cx);
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if self.outcome.is_none() {
            self.go_on(cx);
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.measurement.closed(cx, id, why, &mut self.watch);
    }
}

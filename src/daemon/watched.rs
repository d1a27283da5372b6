//! A service that is watched: it serves as it would alone, and whoever watches hears who comes and goes.

use std::rc::Rc;
use std::time::Duration;

use crate::hub::{ConnId, Cx, Done, Fault, JobId, News, Reason, Service};
use crate::net::{Misdeeds, Watcher, report};

/// A service, and who watches it.
pub(super) struct Watched<S> {
    pub(super) service: S,
    name: &'static str,
    watcher: Rc<dyn Watcher>,
    misdeeds: Option<Misdeeds>,
}

/// What is reported of somebody who broke the framing: as much as for a wrong password where no program that speaks the
/// protocol would have done it, as much as for coming and going where a line may have broken.
const NONSENSE: Duration = Duration::from_secs(5);
const CUT: Duration = Duration::from_secs(1);

impl<S> Watched<S> {
    /// The door hears of those who break the framing, if it is to.
    pub(super) fn new(name: &'static str, service: S, watcher: Rc<dyn Watcher>, misdeeds: Option<Misdeeds>) -> Self {
        Self { service, name, watcher, misdeeds }
    }

    fn note(&self, cx: &Cx<'_>, id: ConnId, fault: Fault) {
        let weight = match fault {
            Fault::TooLong { .. } | Fault::Http | Fault::Tls => NONSENSE,
            Fault::Partial => CUT,
            // Slow or asleep is nobody on purpose.
            Fault::Silent { .. } | Fault::Slow => return,
        };
        if let (Some(misdeeds), Some(about)) = (&self.misdeeds, cx.about(id)) {
            report(misdeeds, about.peer, weight);
        }
    }
}

impl<S: Service> Service for Watched<S> {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.watcher.opened(self.name, cx, id);
        self.service.opened(cx, id);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        self.service.frame(cx, id, frame);
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.service.chunk(cx, id, bytes);
    }

    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        self.note(cx, id, fault);
        self.service.fault(cx, id, fault);
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.service.ended(cx, id);
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.service.drained(cx, id);
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.service.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.service.alarm(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.service.done(cx, job, result);
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        self.service.told(cx, news);
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.service.turn_end(cx);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.watcher.closed(self.name, id, why);
        self.service.closed(cx, id, why);
    }
}

//! Stands before a service and checks every call that the hub makes.

use parlor::hub::{ConnId, Cx, Done, Fault, JobId, Moment, News, Reason, Service};

use crate::chance::digest;
use crate::desk::Desk;

/// A service under watch.
#[derive(Debug)]
pub(crate) struct Watch<S> {
    pub(crate) inner: S,
    desk: Desk,
    /// It asks for things through the desk, so the book knows its holds and deadlines.
    asks: bool,
    stopping: bool,
}

impl<S> Watch<S> {
    pub(crate) fn new(inner: S, desk: &Desk, asks: bool) -> Self {
        Self { inner, desk: desk.clone(), asks, stopping: false }
    }
}

impl<S: Service> Service for Watch<S> {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.book().opened(id);
        self.inner.opened(cx, id);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        self.desk.chronicle.note("bytes", id.to_bits(), digest(frame));
        self.desk.book().heard("frame", id);
        self.inner.frame(cx, id, frame);
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.desk.chronicle.note("bytes", id.to_bits(), digest(bytes));
        self.desk.book().heard("chunk", id);
        if bytes.is_empty() {
            self.desk.book().wrong(id, "an empty chunk");
        }
        self.inner.chunk(cx, id, bytes);
    }

    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        self.desk.chronicle.count(fault.code());
        self.desk.book().fault(id, fault == Fault::Slow);
        if fault == Fault::Slow {
            self.desk.book().slow.insert(Desk::client(cx, id));
        }
        self.inner.fault(cx, id, fault);
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.book().heard("ended", id);
        self.inner.ended(cx, id);
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.book().drained(id, self.asks);
        self.inner.drained(cx, id);
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.book().timer(id, cx.now());
        self.inner.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.desk.chronicle.moved();
        self.desk.chronicle.count("alarm");
        self.desk.book().unfinished = true;
        self.inner.alarm(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.desk.book().done(job);
        self.inner.done(cx, job, result);
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if std::mem::replace(&mut self.stopping, news == News::Stopping) {
            self.desk.chronicle.wrong("told to stop twice".to_owned());
        }
        self.inner.told(cx, news);
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.desk.book().unfinished = false;
        let (now, wall) = (self.desk.chronicle.now.get(), self.desk.chronicle.wall.get());
        if cx.now() != Moment::from_nanos(now) || cx.wall().millis() != wall {
            self.desk.chronicle.wrong("the hub's time is not the turn's".to_owned());
        }
        self.inner.turn_end(cx);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.desk.chronicle.count(match why {
            Reason::Closed => "closed: closed",
            Reason::Ended => "closed: ended",
            Reason::Fault(_) => "closed: fault",
            Reason::Lost(_) => "closed: lost",
            Reason::Unreachable(_) => "closed: unreachable",
            Reason::Stalled => "closed: stalled",
            Reason::Stopping => "closed: stopping",
        });
        self.desk.book().closed(id);
        self.inner.closed(cx, id, why);
    }
}

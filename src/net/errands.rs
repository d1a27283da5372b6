//! What services asked for, carried out at the end of a turn, and the answers of helpers, brought in the next.

use std::io::ErrorKind;

use mio::Interest;

use super::pump::Readiness;
use super::reactor::{Reactor, token};
use super::socket::{self, Role};
use super::stream::Stream;
use crate::hub::{ConnId, Inspection, Reason, Request, Target};

impl Reactor {
    pub(super) fn answers(&mut self) {
        if std::mem::take(&mut self.jobs.rang) {
            while let Some((job, result)) = self.jobs.answered() {
                self.hub.done(job, result);
            }
        }
    }

    pub(super) fn requests(&mut self) {
        for request in self.hub.take_requests() {
            match request {
                Request::Open(id, to) => self.open(id, to),
                Request::Job(job, lane, work) => self.jobs.start(job, lane, work),
                Request::Inspect(job, id) => {
                    let facts = self.inspect(id);
                    self.jobs.answer(job, Ok(Box::new(facts)));
                }
            }
        }
    }

    fn open(&mut self, id: ConnId, to: Target) {
        // Closed again before it was opened, or too late to begin anything: there is nothing to connect.
        let opened = match self.hub.about(id) {
            Some(_) if self.ending.limit.is_none() => Stream::open(to, &self.outgoing),
            _ => Err(ErrorKind::Interrupted.into()),
        };
        let registered = opened.and_then(|mut stream| {
            let registered = self.poll.registry().register(&mut stream, token(id), Interest::READABLE);
            let always_ready = registered.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
            if always_ready { Ok((stream, true)) } else { registered.map(|()| (stream, false)) }
        });
        match registered {
            Err(error) => self.hub.fail(id, Reason::Unreachable(error.kind())),
            Ok((stream, always_ready)) => {
                self.pump.connecting(id, stream);
                if always_ready {
                    // A plain file can't be watched, for it never blocks.
                    self.pump.mark(&mut self.hub, id, Readiness { readable: true, ..Readiness::default() });
                }
            }
        }
    }

    fn inspect(&self, id: ConnId) -> Inspection {
        let listener = self.hub.about(id).and_then(|about| about.listener);
        let options = listener.and_then(|id| self.listeners.iter().find(|listener| listener.id == id));
        let (options, role) =
            options.map_or((&self.outgoing.options, Role::Client), |found| (&found.options, Role::Accepted));
        let Some(stream) = self.pump.wire(id) else { return Vec::new() };
        let mut facts = stream.facts();
        facts.extend(stream.socket().map_or_else(Vec::new, |socket| socket::inspect(&socket, options, role)));
        facts
    }
}

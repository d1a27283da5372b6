//! What a service may ask for from inside a call.

use std::rc::Rc;
use std::time::Duration;

use super::address::{About, Target};
use super::core::Core;
use super::frame::Framing;
use super::limits::Limits;
use super::service::{Busy, ConnId, Hold, JobId, Lane, Reason, Sent, ServiceId};
use super::time::{Moment, Wall};

/// The hub as a service sees it. No call does I/O, frees a connection or calls back into a service.
#[derive(Debug)]
pub struct Cx<'a> {
    pub(super) core: &'a mut Core,
    pub(super) service: ServiceId,
}

impl Cx<'_> {
    /// Sends one frame, in the connection's own framing. Written at the end of the turn.
    pub fn send(&mut self, id: ConnId, frame: &[u8]) -> Sent {
        self.core.enqueue(id, frame.len(), |framing, out, pool| framing.encode(frame, out.tail(pool)))
    }

    /// Sends bytes as they are: several frames encoded once for many receivers, or a raw stretch.
    pub fn send_wire(&mut self, id: ConnId, bytes: &[u8]) -> Sent {
        self.core.enqueue(id, bytes.len(), |_, out, pool| out.tail(pool).extend_from_slice(bytes))
    }

    /// The same for bytes that many are sent: they are copied only for those who lag.
    pub fn send_shared(&mut self, id: ConnId, bytes: &Rc<Vec<u8>>) -> Sent {
        self.core.enqueue(id, bytes.len(), |_, out, pool| out.share(bytes, pool))
    }

    /// How many bytes may be sent before the high mark.
    #[must_use]
    pub fn room(&self, id: ConnId) -> usize {
        self.core.link(id).map_or(0, |link| link.limits.high.saturating_sub(link.outbox.len()))
    }

    /// Do so many bytes fit below the high mark? After a no, `drained` will come.
    #[must_use]
    pub fn fits(&mut self, id: ConnId, size: usize) -> bool {
        let room = self.room(id);
        if let Some(link) = self.core.link_mut(id).filter(|link| size > room && !link.outbox.is_empty()) {
            link.owes_drained = true;
            return false;
        }
        true
    }

    /// How many bytes wait for the wire.
    #[must_use]
    pub fn unsent(&self, id: ConnId) -> usize {
        self.core.link(id).map_or(0, |link| link.outbox.len())
    }

    /// How many bytes its stream has taken since it stands.
    #[must_use]
    pub fn taken(&self, id: ConnId) -> u64 {
        self.core.link(id).map_or(0, |link| link.taken)
    }

    /// Closes: what was sent before still goes out, nothing more is heard or taken.
    pub fn close(&mut self, id: ConnId) {
        self.core.close(id, Reason::Closed);
    }

    /// Shuts the write side once what was sent is out; the peer may go on speaking.
    pub fn end(&mut self, id: ConnId) {
        self.core.end(id);
    }

    /// How the connection's frames stand on the wire.
    #[must_use]
    pub fn framing(&self, id: ConnId) -> Option<Framing> {
        self.core.link(id).map(|link| link.decoder.framing())
    }

    /// From the next byte on, and for all that is sent from now on, frames stand so.
    pub fn set_framing(&mut self, id: ConnId, framing: Framing) {
        if let Some(link) = self.core.link_mut(id) {
            link.decoder.set_framing(framing);
            self.core.reframe(id);
        }
    }

    /// The next `count` bytes come as chunks; after them the framing goes on as before.
    pub fn set_raw(&mut self, id: ConnId, count: u64) {
        if let Some(link) = self.core.link_mut(id) {
            link.decoder.set_raw(count);
            self.core.reframe(id);
        }
    }

    /// Neither reads nor frames this connection until `why` is released, and every other reason too.
    pub fn hold(&mut self, id: ConnId, why: Hold) {
        if let Some(link) = self.core.link_mut(id) {
            link.holds |= why.0;
        }
    }

    /// Takes a hold back. What is buffered is framed first, from the loop's next read on.
    pub fn release(&mut self, id: ConnId, why: Hold) {
        self.core.release(id, why);
    }

    /// Calls `timer` at `when`, instead of when it was asked for before; [`Moment::NEVER`] cancels.
    pub fn set_timer(&mut self, id: ConnId, when: Moment) {
        self.core.set_timer(id, when);
    }

    /// Calls `alarm` at `when`, instead of when it was asked for before; [`Moment::NEVER`] cancels.
    pub fn set_alarm(&mut self, when: Moment) {
        self.core.alarms[self.service.0 as usize] = when;
    }

    /// Closes the connection when nothing was heard for so long; `None`: never.
    pub fn set_silence(&mut self, id: ConnId, limit: Option<Duration>) {
        self.core.set_silence(id, limit);
    }

    /// Holds the connection to other bounds from now on.
    pub fn set_limits(&mut self, id: ConnId, limits: &Rc<Limits>) {
        self.core.set_limits(id, limits);
    }

    /// Opens a connection. It may be sent to at once; `opened` or `closed` tells how it went.
    pub fn open(&mut self, to: Target, framing: Framing) -> ConnId {
        self.core.open(self.service, to, framing)
    }

    /// Runs `work` off the loop and brings its result to `done`: exactly one answer for every job that was taken.
    ///
    /// # Errors
    /// [`Busy`] when too many wait.
    pub fn job<T: Send + 'static>(
        &mut self,
        lane: Lane,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JobId, Busy> {
        self.core.job(self.service, lane, Box::new(move || Box::new(work())))
    }

    /// Asks for the kernel's view of a connection: an [`Inspection`](super::Inspection) for `done`, empty when the connection is gone.
    ///
    /// # Errors
    /// [`Busy`] when too many questions wait.
    pub fn inspect(&mut self, id: ConnId) -> Result<JobId, Busy> {
        self.core.inspect(self.service, id)
    }

    /// What is known of a connection.
    #[must_use]
    pub fn about(&self, id: ConnId) -> Option<About<'_>> {
        self.core.about(id)
    }

    /// When the last byte came from it. While it is not read, that is now: a peer that we do not listen to can't be
    /// blamed for silence.
    #[must_use]
    pub fn heard(&self, id: ConnId) -> Option<Moment> {
        self.core.link(id).map(|link| if link.is_paused() { self.core.now } else { link.heard })
    }

    /// The time of this turn.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.core.now
    }

    /// The calendar time of this turn.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.core.wall
    }

    /// Fills `bytes` with what nobody can guess (in a simulation: what the seed says).
    pub fn random(&mut self, bytes: &mut [u8]) {
        (self.core.random)(bytes);
    }

    /// Asks whoever drives the hub to stop; a client does this when it has finished.
    pub fn stop(&mut self) {
        self.core.stop_wanted = true;
    }
}

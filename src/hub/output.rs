//! Bytes out: from an outbox to a stream, and what follows from their having left, or not.

use std::{io, mem};

use super::link::State;
use super::{Act, ConnId, Hub, Moment, Reason, WRITE_PER_TURN};

impl Hub {
    /// Takes the connections that have output to write. What is sent from now on waits for the next turn.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        into.append(&mut self.core.dirty);
    }

    /// The stream takes bytes again.
    pub fn writable(&mut self, id: ConnId) {
        self.core.touch(id);
    }

    /// What to write now, at most one turn's share.
    pub fn output(&mut self, id: ConnId) -> &[u8] {
        let Some(link) = self.core.link_mut(id) else { return &[] };
        link.dirty = false;
        if link.state == State::Opening {
            return &[];
        }
        let waiting = link.outbox.waiting();
        &waiting[..waiting.len().min(WRITE_PER_TURN)]
    }

    /// The stream took `count` bytes of [`Hub::output`]; 0 when it takes none for now.
    pub fn wrote(&mut self, id: ConnId, count: usize) {
        let now = self.core.now;
        self.core.tally.bytes_out += count as u64;
        let Some((link, pool)) = self.core.link_and_pool(id) else { return };
        link.tear(count);
        link.taken += count as u64;
        link.outbox.consume(count, pool);
        let is_empty = link.outbox.is_empty();
        let is_over = is_empty && (link.state == State::Closing || link.ending);
        let moves = is_empty || count > 0 || link.stalled == Moment::NEVER;
        if moves {
            link.stalled = if is_empty { Moment::NEVER } else { now };
        }
        let was_waited_for = link.full || link.owes_drained || link.lagging != Moment::NEVER;
        if is_over {
            self.core.change(id);
        }
        if moves && !is_empty {
            self.core.schedule(id);
        }
        if count > 0 && !is_empty {
            // The stream took a part, or the turn's share was written: the next flush takes up the rest.
            self.core.touch(id);
        }
        if was_waited_for {
            self.relieve(id);
        }
    }

    /// The output fell: who was waiting for that?
    fn relieve(&mut self, id: ConnId) {
        let Some(link) = self.core.link_mut(id) else { return };
        let waiting = link.outbox.len();
        if waiting < link.limits.lag {
            link.lagging = Moment::NEVER;
        }
        if waiting > link.limits.low {
            return;
        }
        let service = link.service;
        let owed = mem::replace(&mut link.owes_drained, false) && link.is_live();
        if mem::replace(&mut link.full, false) {
            self.core.resume(id);
        }
        if owed {
            self.core.again = true;
            self.call(service, |service, cx| service.drained(cx, id));
        }
    }

    /// The stream failed in a write, or said that it has failed: nobody reads our output any more. What the peer said
    /// before is still heard, until the stream is dry.
    pub fn write_failed(&mut self, id: ConnId, kind: io::ErrorKind) {
        let now = self.core.now;
        let Some((link, pool)) = self.core.link_and_pool(id) else { return };
        if link.state != State::Open {
            return self.core.lose(id, Reason::Lost(kind));
        }
        if mem::replace(&mut link.deaf, true) {
            return;
        }
        link.why = Reason::Lost(kind);
        link.stalled = now;
        link.outbox.clear(pool);
        if link.ended {
            return self.core.lose(id, Reason::Lost(kind));
        }
        self.core.schedule(id);
        self.relieve(id);
    }

    /// Nobody reads our output any more, but the peer may go on speaking: a pipe whose reader is gone. As if `end` had
    /// been called with nothing left to write.
    pub fn unheard(&mut self, id: ConnId, kind: io::ErrorKind) {
        let Some((link, pool)) = self.core.link_and_pool(id) else { return };
        if link.state != State::Open {
            return self.core.lose(id, Reason::Lost(kind));
        }
        (link.ending, link.stalled) = (true, Moment::NEVER);
        link.outbox.clear(pool);
        self.core.change(id);
        self.relieve(id);
    }

    /// The stream failed in a read: nothing more will come. What is buffered is still delivered.
    pub fn read_failed(&mut self, id: ConnId, kind: io::ErrorKind) {
        self.write_failed(id, kind);
        self.input_over(id);
    }

    /// Has the stream failed? Then it is read until it is dry, and given up.
    #[must_use]
    pub fn is_deaf(&self, id: ConnId) -> bool {
        self.core.link(id).is_some_and(|link| link.deaf)
    }

    /// Takes the connections whose state asks for an act; [`Hub::settle`] says which.
    pub fn take_changed(&mut self, into: &mut Vec<ConnId>) {
        into.append(&mut self.core.changed);
    }

    /// What is to be done to the stream now that the turn's writes are done. The one place that frees a slot.
    pub fn settle(&mut self, id: ConnId) -> Act {
        let Some(link) = self.core.link_mut(id) else { return Act::Keep };
        link.changed = false;
        if link.overrun && link.is_live() {
            self.core.again = true;
            self.give_up_slow(id);
            return Act::Keep;
        }
        self.tell_closed(id);
        let now = self.core.now;
        let Some(link) = self.core.link_mut(id) else { return Act::Keep };
        match link.state {
            State::Lost => {
                self.core.remove(id);
                Act::Free
            }
            State::Closing if !link.outbox.is_empty() => Act::Keep,
            State::Closing if link.input_over => {
                self.core.remove(id);
                Act::Free
            }
            State::Closing => {
                link.state = State::Lingering;
                link.timer = now + link.limits.linger;
                link.linger_left = u32::try_from(link.limits.linger_bytes).unwrap_or(u32::MAX);
                self.core.schedule(id);
                self.core.wake(id);
                Act::Linger
            }
            State::Open if link.ending && !link.write_shut && link.outbox.is_empty() => {
                link.write_shut = true;
                if link.ended {
                    self.core.close(id, Reason::Ended);
                }
                Act::ShutWrite
            }
            State::Opening | State::Open | State::Lingering => Act::Keep,
        }
    }

    fn tell_closed(&mut self, id: ConnId) {
        let Some(link) = self.core.link_mut(id).filter(|link| !link.is_live()) else { return };
        let (service, why) = (link.service, link.why);
        if !mem::replace(&mut link.told, true) {
            self.core.again = true;
            self.call(service, |service, cx| service.closed(cx, id, why));
        }
    }
}

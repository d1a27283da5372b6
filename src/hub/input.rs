//! Bytes in: from what a stream brought to the frames that a service is given.

use std::mem;

use super::link::State;
use super::{ConnId, FRAMES_PER_TURN, Fault, Hub, Moment, Reason, Step};

impl Hub {
    /// How many bytes may be read for this connection now. After 0, [`Hub::take_woken`] names it when that changes.
    pub fn intake(&mut self, id: ConnId) -> usize {
        let Some(link) = self.core.link_mut(id) else {
            return 0;
        };
        let room = link.intake();
        link.parked = room == 0;
        room
    }

    /// Bytes came. They are framed where they lie; only what is left over is copied.
    pub fn receive(&mut self, id: ConnId, bytes: &[u8]) {
        let now = self.core.now;
        self.core.tally.bytes_in += bytes.len() as u64;
        let Some(link) = self.core.link_mut(id) else { return };
        match link.state {
            State::Open => {}
            State::Lingering if link.linger_left as usize > bytes.len() => {
                link.linger_left -= u32::try_from(bytes.len()).expect("it is the smaller of the two");
                return;
            }
            State::Lingering => return self.core.lose(id, Reason::Closed),
            State::Opening | State::Closing | State::Lost => return,
        }
        link.heard = now;
        if link.unread.is_empty() {
            let used = self.deliver(id, bytes);
            self.keep(id, &bytes[used..]);
        } else {
            self.keep(id, bytes);
            self.frame_unread(id);
        }
    }

    /// The stream's input is over.
    pub fn input_over(&mut self, id: ConnId) {
        let Some(link) = self.core.link_mut(id) else { return };
        link.input_over = true;
        match link.state {
            State::Open if link.is_paused() || link.runnable => {}
            State::Open => self.frame_unread(id),
            // Nothing can arrive any more that a reset would be sent for.
            State::Lingering => self.core.lose(id, Reason::Ended),
            State::Opening | State::Closing | State::Lost => {}
        }
    }

    /// Frames what is buffered for connections that were released, or had spent their budget.
    pub fn frame_buffered(&mut self) {
        for id in mem::take(&mut self.core.runnable) {
            if let Some(link) = self.core.link_mut(id) {
                link.runnable = false;
                if !link.is_paused() {
                    self.frame_unread(id);
                    self.core.wake(id);
                }
            }
        }
    }

    /// Takes the connections that can be read again, after [`Hub::intake`] answered 0.
    pub fn take_woken(&mut self, into: &mut Vec<ConnId>) {
        into.append(&mut self.core.woken);
    }

    /// Buffers input that could not be framed yet.
    fn keep(&mut self, id: ConnId, rest: &[u8]) {
        if let Some((link, pool)) = self.core.link_and_pool(id)
            && link.state == State::Open
            && !rest.is_empty()
        {
            link.unread.tail(pool).extend_from_slice(rest);
        }
    }

    /// Frames a connection's buffer. It is taken out of the link while the service runs, so a frame can be sent on
    /// without a copy of its own.
    fn frame_unread(&mut self, id: ConnId) {
        let Some(link) = self.core.link_mut(id) else { return };
        let mut unread = mem::take(&mut link.unread);
        let used = self.deliver(id, unread.waiting());
        unread.consume(used, &mut self.core.pool);
        match self.core.link_mut(id).filter(|link| link.state == State::Open) {
            Some(link) => link.unread = unread,
            None => unread.clear(&mut self.core.pool),
        }
    }

    /// Delivers frames from the front of `bytes` until there is none whole, the connection is paused or closed, or
    /// its budget for the turn is spent. Answers how many bytes were used.
    fn deliver(&mut self, id: ConnId, bytes: &[u8]) -> usize {
        let mut used = 0;
        for _ in 0..FRAMES_PER_TURN {
            let Some(link) = self.core.link_mut(id).filter(|link| link.state == State::Open) else {
                return bytes.len();
            };
            if link.is_paused() {
                return used;
            }
            let (service, rest) = (link.service, &bytes[used..]);
            let mut step = link.decoder.next(rest);
            if step == Step::More && link.input_over && !link.deaf {
                step = link.decoder.finish(rest);
            }
            if link.guard
                && let Some(fault) = link.stranger(rest, &step)
            {
                step = Step::Broken(fault);
            }
            match step {
                Step::Frame(frame, size) => {
                    used += size;
                    self.core.tally.frames += 1;
                    self.call(service, |service, cx| service.frame(cx, id, frame));
                }
                Step::Chunk(piece) => {
                    used += piece.len();
                    self.call(service, |service, cx| service.chunk(cx, id, piece));
                }
                Step::Broken(fault) => {
                    self.break_off(id, fault);
                    return bytes.len();
                }
                Step::More => {
                    if link.input_over {
                        self.end_input(id);
                    }
                    return used;
                }
            }
        }
        self.core.run(id);
        used
    }

    /// Everything that came was delivered, and no more will come.
    fn end_input(&mut self, id: ConnId) {
        let Some(link) = self.core.link_mut(id) else { return };
        let (service, deaf, write_shut) = (link.service, link.deaf, link.write_shut);
        if deaf {
            self.core.lose(id, Reason::Ended);
        } else if !mem::replace(&mut link.ended, true) {
            self.call(service, |service, cx| service.ended(cx, id));
            if write_shut {
                self.core.close(id, Reason::Ended);
            }
        }
    }

    /// Drops what waits, so that the last words come next, and closes.
    pub fn give_up_slow(&mut self, id: ConnId) {
        if let Some((link, pool)) = self.core.link_and_pool(id).filter(|(link, _)| link.is_live()) {
            link.outbox.truncate(link.torn as usize, pool);
            (link.overrun, link.lagging) = (false, Moment::NEVER);
        }
        self.break_off(id, Fault::Slow);
    }

    pub(super) fn break_off(&mut self, id: ConnId, fault: Fault) {
        let Some(service) = self.core.link(id).map(|link| link.service) else { return };
        self.call(service, |service, cx| service.fault(cx, id, fault));
        self.core.close(id, Reason::Fault(fault));
        let Some(link) = self.core.link_mut(id).filter(|link| link.state == State::Closing) else { return };
        link.why = Reason::Fault(fault); // also where the service has closed
    }
}

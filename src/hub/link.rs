//! One connection as the hub sees it.

use super::address::{Address, Identity};
use super::buffer::Buffer;
use super::frame::{Decoder, Framing, Step, is_http_request, is_tls_hello};
use super::limits::Limits;
use super::service::{Fault, ListenerId, Reason, ServiceId};
use super::time::Moment;
use std::rc::Rc;
use std::time::Duration;

/// Where a connection is in its life. `docs/architecture.md` draws the way from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Asked for; the loop has not said yet that it stands.
    Opening,
    /// Read, framed, written.
    Open,
    /// No more is heard; what was sent goes out.
    Closing,
    /// Our write side is shut; what still arrives is dropped.
    Lingering,
    /// To be freed without ceremony.
    Lost,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) generation: u32,
    pub(super) service: ServiceId,
    pub(super) listener: Option<ListenerId>,
    pub(super) state: State,
    /// Why it closes, once it does.
    pub(super) why: Reason,
    /// The service was told `closed`.
    pub(super) told: bool,
    /// It was never let in: it only hears why.
    pub(super) refused: bool,
    pub(super) limits: Rc<Limits>,

    pub(super) decoder: Decoder,
    /// Input that was not framed yet; taken out while the service runs.
    pub(super) unread: Buffer,
    /// The first frame is still to come, and must not be a browser's request.
    pub(super) guard: bool,
    /// The peer's input is over: no more bytes will come.
    pub(super) input_over: bool,
    /// The service was told `ended`.
    pub(super) ended: bool,
    /// Reasons of the service not to read it.
    pub(super) holds: u16,
    /// Not read while its output is full. So for whoever came to us; if both ends of a connection that we opened did
    /// so, two full outboxes would wait for each other for ever.
    pub(super) paced: bool,
    /// The output reached the high mark and has not yet fallen to the low one.
    pub(super) full: bool,
    /// `send` answered `Full`, or `fits` answered no, so `drained` is owed.
    pub(super) owes_drained: bool,
    /// `intake` answered 0, so whoever reads must be woken when that changes.
    pub(super) parked: bool,
    /// Stands in the list of links with buffered input to frame.
    pub(super) runnable: bool,

    /// Encoded output that was not written yet.
    pub(super) outbox: Buffer,
    /// Bytes that the stream has taken in all.
    pub(super) taken: u64,
    /// How many bytes at the front of the outbox belong to a frame of which a part was written.
    pub(super) torn: u32,
    /// More was sent than may wait: the peer goes in this turn's flush.
    pub(super) overrun: bool,
    /// Stands in the list of links to be written.
    pub(super) dirty: bool,
    /// The stream failed: output is dropped, what the peer said before is still heard.
    pub(super) deaf: bool,
    /// The service wants the write side shut once the output is out.
    pub(super) ending: bool,
    /// It was shut.
    pub(super) write_shut: bool,
    /// Stands in the list of links whose state asks for an act.
    pub(super) changed: bool,

    /// When the last byte came, or reading began again after a pause.
    pub(super) heard: Moment,
    /// The longest silence; zero: none is too long.
    pub(super) silence: u32,
    /// The service's own deadline; once the link closes, when that has lasted long enough.
    pub(super) timer: Moment,
    /// Since when output waits that the stream would not take, or the stream is known to have failed.
    pub(super) stalled: Moment,
    /// Since when more output waits than may wait for long.
    pub(super) lagging: Moment,
    /// How many more bytes may be dropped while lingering.
    pub(super) linger_left: u32,

    pub(super) peer: Address,
    /// Boxed: most connections have none.
    pub(super) identity: Option<Box<Identity>>,
}

impl Link {
    pub(super) fn new(service: ServiceId, decoder: Decoder, peer: Address, limits: Rc<Limits>, now: Moment) -> Self {
        Self {
            generation: 0,
            service,
            listener: None,
            state: State::Open,
            why: Reason::Closed,
            told: false,
            refused: false,
            limits,
            decoder,
            unread: Buffer::default(),
            guard: false,
            input_over: false,
            ended: false,
            holds: 0,
            paced: false,
            full: false,
            owes_drained: false,
            parked: false,
            runnable: false,
            outbox: Buffer::default(),
            taken: 0,
            torn: 0,
            overrun: false,
            dirty: false,
            deaf: false,
            ending: false,
            write_shut: false,
            changed: false,
            heard: now,
            silence: 0,
            timer: Moment::NEVER,
            stalled: Moment::NEVER,
            lagging: Moment::NEVER,
            linger_left: 0,
            peer,
            identity: None,
        }
    }

    /// Is the service's side still there: may frames be delivered, deadlines fire?
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Opening)
    }

    /// Will what is sent to it reach a stream?
    pub(super) fn takes_output(&self) -> bool {
        self.is_live() && !self.deaf && !self.ending && !self.overrun
    }

    /// Neither read nor framed for now.
    pub(super) fn is_paused(&self) -> bool {
        self.holds != 0 || self.full && self.paced
    }

    /// How many bytes may be read from its stream now. A whole frame always fits.
    pub(super) fn intake(&self) -> usize {
        match self.state {
            _ if self.input_over => 0,
            State::Open if self.is_paused() || self.runnable => 0,
            State::Open => self.limits.unread.max(self.decoder.framing().longest()).saturating_sub(self.unread.len()),
            State::Lingering => self.linger_left as usize,
            State::Opening | State::Closing | State::Lost => 0,
        }
    }

    /// Whoever speaks another protocol is known by what they say first.
    pub(super) fn stranger(&mut self, bytes: &[u8], step: &Step<'_>) -> Option<Fault> {
        if is_tls_hello(bytes) {
            return Some(Fault::Tls);
        }
        let Step::Frame(frame, _) = step else { return None };
        self.guard = false;
        // No browser can write a length that anybody takes.
        let is_possible = !matches!(self.decoder.framing(), Framing::Length { .. });
        (is_possible && is_http_request(frame)).then_some(Fault::Http)
    }

    /// When something must be done about this link if nothing happens before.
    pub(super) fn deadline(&self) -> Moment {
        match self.state {
            State::Opening | State::Lingering => self.timer,
            State::Open => self.timer.min(self.stalled_at()).min(self.lagging_at()).min(self.silent_at()),
            // Nothing is added any more, so how much waits does not matter.
            State::Closing => self.timer.min(self.stalled_at()),
            State::Lost => Moment::NEVER,
        }
    }

    /// When its output has made no progress for too long.
    pub(super) fn stalled_at(&self) -> Moment {
        self.stalled + self.limits.stall
    }

    /// When too much output has waited for too long.
    pub(super) fn lagging_at(&self) -> Moment {
        self.lagging + self.limits.lag_for
    }

    /// When its silence becomes too long. Stands still while we do not read it, and once its input is over.
    pub(super) fn silent_at(&self) -> Moment {
        if self.silence == 0 || self.is_paused() || self.input_over {
            return Moment::NEVER;
        }
        self.heard + Duration::from_secs(self.silence.into())
    }

    /// So much output is written now: how many bytes behind it belong to a frame of which the peer has a part? Through
    /// TLS it may have one byte more than is reported, so a frame that begins right there counts as torn.
    pub(super) fn tear(&mut self, written: usize) {
        let (waiting, framing) = (self.outbox.waiting(), self.decoder.framing());
        if written == waiting.len() {
            self.torn = 0; // the usual case
            return;
        }
        let mut end = self.torn as usize;
        while end <= written && written > 0 && framing != Framing::Raw {
            end += framing.first_on_wire(&waiting[end..]);
        }
        self.torn = u32::try_from(end.saturating_sub(written)).expect("an outbox is far below 4 GiB");
    }
}

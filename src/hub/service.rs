//! The contract between whoever drives the hub and a service.
//!
//! A service is told what happens and answers through [`Cx`]. Neither touches a socket: `Cx` notes what is wanted, and
//! the loop carries it out at its own places in the turn.

use std::any::Any;
use std::fmt;
use std::io;

use super::cx::Cx;

/// What a program does with frames. Every call but `frame` has a default, so an echo is three lines.
///
/// For one connection: `opened` (unless it never stood), then any of the others, then `closed` exactly once, then
/// nothing.
pub trait Service: Any {
    /// A connection was accepted, or one that this service opened stands.
    fn opened(&mut self, _cx: &mut Cx<'_>, _id: ConnId) {}
    /// One whole frame, without its delimiter. Any bytes, also none.
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]);
    /// A piece of a raw stretch, in order.
    fn chunk(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _bytes: &[u8]) {}
    /// The peer broke a rule of the hub and is closed after this call: here the service says so.
    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        let _ = cx.send(id, fault.to_string().as_bytes());
    }
    /// The input is over and all of it was delivered; answers may still go out.
    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
    }
    /// Room again: once after [`Sent::Full`], or a no from [`Cx::fits`], when the output has fallen to the low mark.
    fn drained(&mut self, _cx: &mut Cx<'_>, _id: ConnId) {}
    /// The deadline set by [`Cx::set_timer`].
    fn timer(&mut self, _cx: &mut Cx<'_>, _id: ConnId) {}
    /// The deadline set by [`Cx::set_alarm`].
    fn alarm(&mut self, _cx: &mut Cx<'_>) {}
    /// The answer to [`Cx::job`] or [`Cx::inspect`].
    fn done(&mut self, _cx: &mut Cx<'_>, _job: JobId, _result: Done) {}
    /// News for every service.
    fn told(&mut self, _cx: &mut Cx<'_>, _news: News) {}
    /// Once a turn: all input of the turn was delivered, nothing of it was written yet.
    fn turn_end(&mut self, _cx: &mut Cx<'_>) {}
    /// The connection is gone for this service.
    fn closed(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _why: Reason) {}
}

/// A connection. The generation tells a newcomer from whoever had the slot before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl ConnId {
    /// The place of this connection in tables that run beside the hub's.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// Both halves in one number, at least 2³²: what is below is free for tokens of other kinds.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The reverse of [`ConnId::to_bits`]; `None` for a number below 2³².
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the halves are 32 bits each")]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match (bits >> 32) as u32 {
            0 => None,
            generation => Some(Self { slot: bits as u32, generation }),
        }
    }
}

/// A service of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub(super) u16);

/// A listener of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(super) u16);

/// A job or an inspection that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    pub(super) service: ServiceId,
    pub(super) number: u64,
}

/// What became of bytes that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a sender that ignores Full will see its peer given up"]
pub enum Sent {
    /// They will be written at the end of the turn.
    Queued,
    /// They will be written when the stream has taken what waits already.
    Waiting,
    /// Taken too, but the peer lags: whoever can wait sends no more until `drained`.
    Full,
    /// Nobody will hear them.
    Gone,
}

/// Why a connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The service closed it.
    Closed,
    /// The peer's input was over, and the service closed it then.
    Ended,
    /// The peer broke a rule of the hub.
    Fault(Fault),
    /// The stream failed.
    Lost(io::ErrorKind),
    /// An outgoing connection could not be made.
    Unreachable(io::ErrorKind),
    /// It did not read at all for too long.
    Stalled,
    /// The server stops.
    Stopping,
}

/// A rule of the hub that a peer broke. Its text is an error frame: a code, what was wrong, what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A frame longer than the listener takes.
    TooLong {
        /// The longest that it takes.
        max: u32,
    },
    /// The input ended in the middle of a length-prefixed or fixed frame.
    Partial,
    /// The first line was a web browser's request.
    Http,
    /// The first bytes were the beginning of TLS, which this listener does not speak.
    Tls,
    /// Nothing came for too long.
    Silent {
        /// The longest silence that the listener bears, in seconds.
        seconds: u32,
    },
    /// It did not read what it was sent: too much waited, or waited too long. What waited was dropped, so that the
    /// last words come next.
    Slow,
}

impl Fault {
    /// One word for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::Partial => "partial-frame",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Silent { .. } => "silent",
            Self::Slow => "slow",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "! {}: ", self.code())?;
        match self {
            Self::TooLong { max } => write!(out, "a frame here has at most {max} bytes; goodbye"),
            Self::Partial => write!(out, "the input ended inside a frame; nothing of it was used"),
            Self::Http => write!(out, "this is no web server; goodbye"),
            Self::Tls => write!(out, "this address does not speak TLS; goodbye"),
            Self::Silent { seconds } => write!(out, "nothing came for {seconds} seconds; goodbye"),
            Self::Slow => write!(out, "too much waited to be read here; what is missing was dropped; goodbye"),
        }
    }
}

/// A reason not to read a connection for now. Several can stand at once; each stands once, however often it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold(pub(super) u16);

impl Hold {
    /// It speaks too fast.
    pub const FLOOD: Self = Self(1);
    /// A job for it is under way.
    pub const JOB: Self = Self(2);
    /// Somebody else must catch up first.
    pub const PEER: Self = Self(4);
    /// The service's own reason, a small number of its choice (0 to 12).
    #[must_use]
    pub const fn own(number: u8) -> Self {
        assert!(number < 13, "three of the sixteen bits have names");
        Self(8 << number)
    }
}

/// Where a job waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// With the others, for whichever helper is free; finished in any order.
    Any,
    /// One at a time, in the order asked for, with a helper of their own: a hundred passwords to check must not
    /// stand before the one sync that everybody's receipts wait for.
    Ordered,
    /// What keeps a processor busy (passwords, digests of files): one at a time, by a helper that lets the loop go first.
    Heavy,
}

/// What runs off the loop. It returns whatever the service will know how to use.
pub type Work = Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>;

/// What a job returned.
pub type Done = Result<Box<dyn Any + Send>, Panicked>;

/// The job panicked, which is a mistake of ours; the loop and the service go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

/// So many jobs wait that no more are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// What concerns every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The server stops: the last chance to say something. Connections are closed after it.
    Stopping,
    /// Configuration, accounts and certificates are to be read again.
    Reload,
}

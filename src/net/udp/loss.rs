//! Why a datagram, or the answer to one, was dropped.

use std::rc::Rc;

use crate::net::counts::Counts;

/// What became of a datagram that no service heard of, or of an answer that did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nobody may be answered there: it is a service's port, our own, or a whole network.
    NoAnswer,
    /// It is past the pace of its address.
    TooFast,
    /// It is longer than a datagram may be here.
    TooLong,
    /// Our own words came back, oftener than a question would.
    Echo,
    /// Its source has left no room for it.
    NoRoom,
    /// The answer is longer than its question.
    LongerAnswer,
    /// The network did not take the answer.
    Unsent,
}

impl Loss {
    const KINDS: [Self; 7] =
        [Self::NoAnswer, Self::TooFast, Self::TooLong, Self::Echo, Self::NoRoom, Self::LongerAnswer, Self::Unsent];

    /// The word for programs.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::TooFast => "too-fast",
            Self::TooLong => "too-long",
            Self::Echo => "echo",
            Self::NoRoom => "no-room",
            Self::LongerAnswer => "longer-answer",
            Self::Unsent => "unsent",
        }
    }

    pub(super) fn counts() -> Rc<Counts> {
        Counts::of(Self::KINDS.map(Self::code))
    }
}

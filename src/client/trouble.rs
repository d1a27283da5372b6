//! Why a connection could not be made, or broke, in words for people.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use super::address::ServerAddress;
use crate::hub::{Fault, Reason};

/// What went wrong with the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody knows the name.
    Unknown(String),
    /// This can't be done here.
    Impossible(String),
    /// The name is known and means no place.
    Nowhere,
    /// It did not come to a connection.
    Unreachable(ErrorKind),
    /// Neither a connection nor a first word came in time.
    NoAnswer,
    /// It broke.
    Broken(ErrorKind),
    /// The server closed it.
    Ended,
    /// The server closed it, and said why.
    Told(String),
    /// It is not as it should be, and may be another time.
    Wrong(String),
    /// Nothing came after our own PING.
    Silent,
    /// A line of the server was longer than lines are.
    TooLong,
}

impl Trouble {
    /// What the hub calls so.
    #[must_use]
    pub fn of(why: Reason) -> Self {
        match why {
            Reason::Unreachable(kind) => Self::Unreachable(kind),
            Reason::Lost(kind) => Self::Broken(kind),
            Reason::Stalled => Self::Broken(ErrorKind::TimedOut),
            Reason::Fault(Fault::TooLong { .. }) => Self::TooLong,
            Reason::Ended | Reason::Closed | Reason::Fault(_) | Reason::Stopping => Self::Ended,
        }
    }

    /// What the user is told if that was the end, and behind it what to do if nobody is there.
    #[must_use]
    pub fn ended(&self, at: &ServerAddress, advice: &str) -> String {
        let nobody = matches!(self, Self::Unreachable(ErrorKind::ConnectionRefused | ErrorKind::NotFound));
        if nobody && !advice.is_empty() { format!("{at}: {self} ({advice})") } else { format!("{at}: {self}") }
    }

    /// What the user is told if it is tried again.
    #[must_use]
    pub fn paused(&self, at: &ServerAddress, pause: Duration) -> String {
        format!("{at}: {self}; trying again in {:.1} s", pause.as_secs_f32())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => {
                let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(why);
                write!(out, "the name could not be looked up: {why}")
            }
            Self::Impossible(why) => write!(out, "{why}"),
            Self::Nowhere => write!(out, "the name means no address"),
            Self::Unreachable(ErrorKind::ConnectionRefused) => write!(out, "connection refused: nobody listens there"),
            Self::Unreachable(ErrorKind::NotFound) => write!(out, "there is no such socket"),
            Self::Unreachable(ErrorKind::TimedOut) | Self::NoAnswer => write!(out, "no answer within 10 seconds"),
            Self::Unreachable(kind) => write!(out, "it can't be reached: {kind}"),
            Self::Broken(ErrorKind::ConnectionReset) => write!(out, "the connection was reset by the other side"),
            Self::Broken(ErrorKind::BrokenPipe) => write!(out, "the connection is broken: the other side is gone"),
            Self::Broken(kind) => write!(out, "the connection broke: {kind}"),
            Self::Ended => write!(out, "the server closed the connection"),
            Self::Told(words) => write!(out, "the server closed the connection: {words}"),
            Self::Wrong(words) => write!(out, "{words}"),
            Self::Silent => write!(out, "nothing came for 5 seconds after a PING, the line is dead"),
            Self::TooLong => write!(out, "the server sent a line that is longer than lines are"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d14_reset_and_broken_pipe_are_told_from_a_refused_and_an_unknown_address() {
        let words = [
            Trouble::of(Reason::Lost(ErrorKind::ConnectionReset)),
            Trouble::of(Reason::Lost(ErrorKind::BrokenPipe)),
            Trouble::of(Reason::Unreachable(ErrorKind::ConnectionRefused)),
            Trouble::Unknown("no such name".to_owned()),
            Trouble::of(Reason::Ended),
        ]
        .map(|trouble| trouble.to_string());
        for (index, word) in words.iter().enumerate() {
            assert!(words[..index].iter().all(|other| other != word), "{word}");
        }
    }
}

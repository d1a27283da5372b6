//! Bounds of the chat, each with its reason. An operator can choose others.

use std::time::Duration;

use super::language::{Command, Complaint, MAX_NAME, MAX_SAID, MAX_TOPIC};

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Silence after which a peer that knows about it is asked whether it is there (ergo 90 s, ngircd 120 s).
    pub ping_after: Duration,
    /// Silence after which it is gone.
    pub gone_after: Duration,
    /// Whoever was slowed down without a break for so long is closed.
    pub flooding: Duration,
    /// Rooms that can have members at once.
    pub rooms: usize,
    /// Rooms that one person can be in.
    pub rooms_each: usize,
    /// Rooms that may be opened from one address in an hour.
    pub rooms_per_hour: u32,
    /// Sessions of broken lines that are remembered; the oldest go.
    pub sessions: usize,
    /// For how long a session is.
    pub session_age: Duration,
    /// For how long the name of somebody whose line broke is kept for them.
    pub name_held: Duration,
    /// What can be said at once, in bytes; at most [`MAX_SAID`].
    pub said: usize,
    /// A topic, or parting words, in bytes; at most [`MAX_TOPIC`].
    pub topic: usize,
    /// Characters of a name that somebody takes, or that a room has; at most [`MAX_NAME`].
    pub name: usize,
    /// Ids of what a session said that are remembered; older ones are new again.
    pub ids: usize,
    /// Objects without a receipt yet; whoever waits for so many is not read.
    pub unreceipted: u16,
}

/// The most ids that can be remembered of a session: a restart finds so many in the history.
pub const MAX_IDS: usize = 1024;

impl Bounds {
    /// What is wrong with a command that is longer than it may be here.
    pub(super) fn exceeded(&self, command: &Command<'_>) -> Option<Complaint> {
        match command {
            Command::Say { text, .. } | Command::Msg { text, .. } if text.len() > self.said => {
                Some(Complaint::too_long("what is said", text.len(), self.said))
            }
            Command::Topic(Some(text)) if text.len() > self.topic => {
                Some(Complaint::too_long("a topic", text.len(), self.topic))
            }
            Command::Quit(Some(text)) if text.len() > self.topic => {
                Some(Complaint::too_long("a goodbye", text.len(), self.topic))
            }
            _ => None,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            ping_after: Duration::from_secs(60),
            gone_after: Duration::from_secs(150),
            flooding: Duration::from_secs(600),
            rooms: 10_000,
            rooms_each: 32,
            rooms_per_hour: 10,
            sessions: 10_000,
            session_age: Duration::from_secs(24 * 60 * 60),
            name_held: Duration::from_secs(60),
            said: MAX_SAID,
            topic: MAX_TOPIC,
            name: MAX_NAME,
            ids: MAX_IDS,
            unreceipted: 256,
        }
    }
}

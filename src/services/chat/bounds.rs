//! Bounds of the chat, each with its reason. An operator can choose others.

use std::time::Duration;

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
        }
    }
}

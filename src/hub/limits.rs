//! Every bound of the hub, with its reason. Nothing here is unbounded; each can be set through [`Limits`].

use std::time::Duration;

/// The longest line, without its end. Nobody types 8 KiB; Redis allows 64 KiB inline, ergo 16 KiB.
pub const LINE: u32 = 8 * 1024;

/// The longest length-prefixed frame: programs speak it, and a program's message may be a document.
pub const LENGTH_FRAME: u32 = 64 * 1024;

/// A frame of the fixed framing: the size the documents chose, part of the wire.
pub const FIXED_FRAME: usize = 1024;

/// Bytes that one read may bring, and one turn may read from one connection. Larger saves nothing measurable:
/// the copy out of the kernel is by then the whole cost.
pub const READ_PER_TURN: usize = 64 * 1024;

/// Bytes that one write may take, and one turn may write to one connection. A turn can queue more than 64 KiB for a
/// member of a busy room; if a turn wrote less than that, members would be found slow whose sockets are empty.
pub const WRITE_PER_TURN: usize = 256 * 1024;

/// Frames of one connection in one turn. 64 KiB of two-byte lines are 32,768 frames, some 3 ms in which nobody
/// else is heard; 1,024 are a tenth of one.
pub const FRAMES_PER_TURN: usize = 1024;

/// What idle connections have given back is kept up to this sum, for the next that needs a buffer.
pub const POOL_BYTES: usize = 1024 * 1024;

/// A buffer that grew past this is given to the allocator instead of the pool: one burst must not set the size
/// of every later buffer.
pub const POOLED_BUFFER: usize = 64 * 1024;

/// Jobs and inspections that were asked for and not yet answered.
pub const JOBS: usize = 1024;

/// How many more may wait in the lane that keeps order: however much people ask for, promises wait on that one.
pub const ORDERED_JOBS: usize = 16;

/// Newcomers that are being told why they were refused. Beyond it they are closed without a word.
pub const REFUSED: usize = 64;

/// The bounds that a connection is held to. Each listener has its own, and a service can change a connection's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Unread input kept for a connection; it is not read while there is this much. A whole length frame must fit.
    pub unread: usize,
    /// Output at which a connection's input is no longer read and `send` answers `Full`.
    pub high: usize,
    /// Output at which it is read again and `drained` is called.
    pub low: usize,
    /// Output that a connection may owe for at most `lag_for` (Redis: 8 MiB for 60 s; we have smaller messages).
    pub lag: usize,
    /// How long a connection may stay above `lag`.
    pub lag_for: Duration,
    /// Output that is never passed: the peer goes (ergo 96 KiB, Redis 32 MiB).
    pub output: usize,
    /// How long a write may make no progress (nginx's `send_timeout`).
    pub stall: Duration,
    /// How long a closed connection may take what was sent before. Without it, a peer that reads a byte a minute
    /// would stay for years.
    pub farewell: Duration,
    /// How long a closed connection's remaining input is read and dropped, so that no reset destroys our last words.
    pub linger: Duration,
    /// How much of it.
    pub linger_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unread: 64 * 1024 + 4,
            high: 64 * 1024,
            low: 16 * 1024,
            lag: 256 * 1024,
            lag_for: Duration::from_secs(30),
            output: 1024 * 1024,
            stall: Duration::from_secs(60),
            farewell: Duration::from_secs(120),
            linger: Duration::from_secs(2),
            linger_bytes: 64 * 1024,
        }
    }
}

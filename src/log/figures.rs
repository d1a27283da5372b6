//! How the history stands, in numbers.

use super::Log;

/// How the history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Batches written since the start.
    pub commits: u64,
    /// Syncs made since the start, those of one commit or of many.
    pub syncs: u64,
    /// When the oldest write without a sync was made, in milliseconds since 1970.
    pub unsynced_since: Option<u64>,
    /// Files.
    pub segments: usize,
    /// What they take.
    pub bytes: u64,
    /// Rooms of which something is kept, or was.
    pub rooms: usize,
    /// Places that could not be read.
    pub damaged: usize,
    /// Nothing more is taken.
    pub stopped: bool,
}

impl Log {
    /// How it stands.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            commits: self.commits,
            syncs: self.syncs,
            unsynced_since: self.unsynced_since,
            segments: self.segments.len(),
            bytes: self.segments.iter().map(|segment| segment.size).sum(),
            rooms: self.rooms.iter().count(),
            damaged: self.noted.len(),
            stopped: self.stopped.is_some(),
        }
    }
}

//! What is kept, and how.

/// When what was written is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// Before anybody sees it.
    Always = 1,
    /// Once a second, while something is written.
    Second = 2,
    /// When the system likes.
    Never = 3,
}

/// Every limit holds at least so many segments.
const SEGMENTS: u64 = 4;

/// What is kept, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A segment of this size is closed.
    pub segment_bytes: u64,
    /// A segment whose first message is this old is closed. Ages are in milliseconds.
    pub segment_age: u64,
    /// Older messages are not shown.
    pub keep_age: u64,
    /// The most that is kept of one room, in bytes.
    pub keep_room: u64,
    /// The most that is kept in all.
    pub keep_total: u64,
    /// When to sync.
    pub sync: SyncMode,
    /// Names this start of the machine; `None`: ask the kernel.
    pub boot: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        const MIB: u64 = 1024 * 1024;
        Self {
            segment_bytes: 64 * MIB,
            segment_age: DAY,
            keep_age: 30 * DAY,
            keep_room: 256 * MIB,
            keep_total: 1024 * MIB,
            sync: SyncMode::Second,
            boot: None,
        }
    }
}

impl Settings {
    /// The same, with segments that are small enough for its limits.
    pub(super) fn fitted(mut self) -> Self {
        self.segment_bytes = self.segment_bytes.min(self.keep_room.min(self.keep_total) / SEGMENTS);
        self.segment_age = self.segment_age.min(self.keep_age / SEGMENTS);
        self
    }
}

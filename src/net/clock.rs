//! The one place that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::hub::{Moment, Wall};

/// Monotonic time since it was made.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock {
    /// The time now, to the nanosecond.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::START + self.start.elapsed()
    }
}

/// The calendar time.
#[must_use]
pub fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

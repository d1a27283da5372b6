//! What an operator can choose.

use std::time::Duration;

use super::putting::MAX_UPLOADS;

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The largest file.
    pub file: u64,
    /// All files and parts together.
    pub total: u64,
    /// Those of one owner: an account, a user of this machine, a certificate.
    pub each: u64,
    /// Those of all guests together.
    pub guests: u64,
    /// Files that one owner may put at once.
    pub uploads_each: usize,
    /// How long a part is kept after its last byte.
    pub keep: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let gibibytes = |count: u64| count * 1024 * 1024 * 1024;
        // Nobody fills all of it alone.
        let (file, total, each) = (gibibytes(1), gibibytes(4), gibibytes(2));
        Self { file, total, each, guests: each, uploads_each: MAX_UPLOADS / 2, keep: Duration::from_secs(24 * 60 * 60) }
    }
}

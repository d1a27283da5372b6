//! `--since`: a number, a date, or a time.

use std::str::FromStr;

use crate::calendar;
use crate::hub::Wall;

/// From where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// After this number.
    Seq(u64),
    /// Since this time.
    Time(Wall),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(seq));
        }
        calendar::time(text)
            .map(Self::Time)
            .ok_or_else(|| "expected a number, a date, or a time as 2026-11-20T18:46:03Z".to_owned())
    }
}

//! How it goes, on standard error, and whether it goes at all.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use crate::hub::Moment;

/// How often it is looked at.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A line each second; on a terminal always the same one.
#[derive(Debug)]
pub(super) struct Progress {
    next: Moment,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { next: Moment::START + TICK, is_terminal: stderr().is_terminal() }
    }

    /// Shows the line, if it is time.
    pub(super) fn show(&mut self, now: Moment, line: impl FnOnce() -> String) {
        if now < self.next {
            return;
        }
        self.next = now + TICK;
        let (begin, end) = if self.is_terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        // Nobody reads it: then nobody misses it.
        let _ = write!(stderr(), "{begin}{}{end}", line());
    }

    /// Leaves the line behind.
    pub(super) fn end(&self) {
        if self.is_terminal && self.next > Moment::START + TICK {
            let _ = writeln!(stderr());
        }
    }
}

/// For how long nothing has come of what is waited for.
#[derive(Debug, Default)]
pub(super) struct Stillness(Option<(u64, Moment)>);

impl Stillness {
    /// `sign` changes whenever something comes of what is waited for; `None` while nothing is.
    pub(super) fn lasts(&mut self, sign: Option<u64>, now: Moment) -> Duration {
        match self.0 {
            Some((seen, since)) if Some(seen) == sign => now - since,
            _ => {
                self.0 = sign.map(|sign| (sign, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stillness_counts_from_when_something_is_waited_for() {
        let second = |count| Moment::START + Duration::from_secs(count);
        let mut stillness = Stillness::default();
        let lasts = [(None, 1), (Some(7), 60), (Some(7), 63), (Some(8), 64), (Some(8), 65), (None, 66), (Some(8), 90)]
            .map(|(sign, at)| stillness.lasts(sign, second(at)).as_secs());
        assert_eq!(lasts, [0, 0, 3, 0, 1, 0, 0]);
    }
}

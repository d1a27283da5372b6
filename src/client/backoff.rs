//! When to try again: 1 s, then 2, 4 … 30, each with some chance in it.

use std::time::Duration;

/// The first pause: the documents' number.
const FIRST: Duration = Duration::from_secs(1);
/// The longest: somebody who waits for a server to come back looks at the screen about so often.
const LONGEST: Duration = Duration::from_secs(30);

/// How many times it was tried in vain.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The pause before the next try. `chance` is any number: of each pause up to a quarter is left to it, so that a
    /// thousand clients of one server do not come back in the same moment.
    pub fn next(&mut self, chance: u8) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX));
        self.tries = self.tries.saturating_add(1);
        let longest = doubled.min(LONGEST);
        longest.saturating_sub(longest / 4 * u32::from(chance) / u32::from(u8::MAX))
    }

    /// It stands again: the next pause is a short one.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d14_pauses_double_up_to_thirty_seconds_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..7).map(|_| backoff.next(0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        for _ in 0..100 {
            assert_eq!(backoff.next(0), LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.next(0), FIRST);
    }

    #[test]
    fn d14_chance_takes_up_to_a_quarter_of_a_pause_and_never_adds_to_it() {
        for chance in 0..=u8::MAX {
            let pause = Backoff { tries: 3 }.next(chance);
            assert!(pause <= Duration::from_secs(8) && pause >= Duration::from_secs(6), "{pause:?}");
        }
        assert_ne!(Backoff::default().next(10), Backoff::default().next(200));
    }
}

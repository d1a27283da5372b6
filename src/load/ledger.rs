//! Who has heard what: every message of every speaker at every hearer, once and in order, or else it is counted.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// Pairs of speaker and hearer that are watched at most: four bytes each.
pub(super) const PAIRS: usize = 16 * 1024 * 1024;
/// Gaps that are remembered at most, to tell what comes late from what comes twice.
const GAPS: usize = 64 * 1024;

/// What went wrong; all zero when nothing did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Faults {
    /// Never heard.
    pub(super) lost: u64,
    /// Heard again.
    pub(super) repeated: u64,
    /// Heard after a later one.
    pub(super) reordered: u64,
    /// Heard, and never said so.
    pub(super) wrong: u64,
}

impl Faults {
    /// Was everything as it should be?
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, repeated, reordered, wrong } = self;
        write!(out, "lost {lost}, repeated {repeated}, reordered {reordered}, wrong {wrong}")
    }
}

/// The next number that each hearer expects of each speaker. Numbers begin with 1.
#[derive(Debug)]
pub(super) struct Ledger {
    speakers: usize,
    next: Vec<u32>,
    gaps: BTreeMap<usize, Vec<Range<u32>>>,
    gap_count: usize,
    /// Messages that need not be waited for any more: what comes again is no progress.
    pub(super) settled: u64,
    pub(super) faults: Faults,
}

impl Ledger {
    pub(super) fn new(speakers: usize, hearers: usize) -> Self {
        let next = vec![1; speakers * hearers];
        Self { speakers, next, gaps: BTreeMap::new(), gap_count: 0, settled: 0, faults: Faults::default() }
    }

    /// A message was heard. Answers how many messages need not be waited for any more: those that it jumped over are
    /// lost until they come.
    pub(super) fn hear(&mut self, hearer: usize, speaker: usize, number: u32) -> u32 {
        let pair = hearer * self.speakers + speaker;
        let expected = self.next[pair];
        if number < expected {
            self.late(pair, number);
            return 0;
        }
        self.next[pair] = number + 1;
        let settled = number - expected + 1;
        self.settled += u64::from(settled);
        if settled == 1 {
            return 1;
        }
        self.faults.lost += u64::from(number - expected);
        if self.gap_count < GAPS {
            self.gap_count += 1;
            self.gaps.entry(pair).or_default().push(expected..number);
        }
        settled
    }

    /// What went wrong if so many more deliveries will not come any more.
    pub(super) fn faults_without(&self, due: u64) -> Faults {
        Faults { lost: self.faults.lost + due, ..self.faults }
    }

    fn late(&mut self, pair: usize, number: u32) {
        let gaps = self.gaps.entry(pair).or_default();
        let Some(at) = gaps.iter().position(|gap| gap.contains(&number)) else {
            self.faults.repeated += 1;
            return;
        };
        let gap = gaps.swap_remove(at);
        gaps.extend([gap.start..number, number + 1..gap.end].into_iter().filter(|rest| !rest.is_empty()));
        self.faults.reordered += 1;
        self.faults.lost -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(numbers: &[u32]) -> Faults {
        let mut ledger = Ledger::new(2, 3);
        for &number in numbers {
            ledger.hear(2, 1, number);
        }
        ledger.faults
    }

    #[test]
    fn what_comes_once_and_in_order_is_no_fault() {
        assert_eq!(after(&[1, 2, 3]), Faults::default());
    }

    #[test]
    fn a_gap_is_lost_until_it_comes_and_then_out_of_order() {
        assert_eq!(after(&[1, 4]), Faults { lost: 2, ..Faults::default() });
        assert_eq!(after(&[1, 4, 3]), Faults { lost: 1, reordered: 1, ..Faults::default() });
        assert_eq!(after(&[1, 4, 3, 2]), Faults { reordered: 2, ..Faults::default() });
    }

    #[test]
    fn what_comes_again_is_repeated_whether_it_was_late_or_not() {
        assert_eq!(after(&[1, 1]), Faults { repeated: 1, ..Faults::default() });
        assert_eq!(after(&[1, 3, 2, 2]), Faults { repeated: 1, reordered: 1, ..Faults::default() });
    }

    #[test]
    fn what_comes_again_and_again_settles_nothing() {
        let mut ledger = Ledger::new(1, 1);
        for number in [1, 3, 3, 3, 2, 2, 1] {
            ledger.hear(0, 0, number);
        }
        assert_eq!(ledger.settled, 3);
    }

    #[test]
    fn one_pair_knows_nothing_of_another() {
        let mut ledger = Ledger::new(2, 2);
        assert_eq!(
            [ledger.hear(0, 0, 1), ledger.hear(0, 1, 1), ledger.hear(1, 0, 1), ledger.hear(1, 0, 3)],
            [1, 1, 1, 2]
        );
        assert_eq!(ledger.faults.lost, 1);
    }
}

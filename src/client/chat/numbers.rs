//! Which numbers of a room have been heard: the highest in a row without a hole, and what came beyond a hole.
//!
//! A hole is no loss by itself: the number of what we say comes with its receipt, which may be later than what
//! others said after it.

use std::collections::BTreeMap;

/// Stretches kept beyond a hole. Our own words that have no receipt yet make at most 64 holes; far more of them
/// are a server's mistake, and then the oldest hole is written off.
const MAX_STRETCHES: usize = 1024;

/// What is known of one room.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The room's last number when it was joined, from its history. Not heard by itself.
    base: Option<u64>,
    /// Everything up to here was heard, or is not to be had.
    row: Option<u64>,
    /// Stretches heard beyond it: first and last number.
    beyond: BTreeMap<u64, u64>,
    /// A replay was asked for and has not come to its end.
    pub catching_up: bool,
    /// The row's end when a hole was last asked for.
    asked: Option<u64>,
}

/// What becomes of a line with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    New,
    /// It was heard before.
    Again,
    /// It is live while a replay is on its way, which will bring it again.
    Early,
}

impl Numbers {
    /// The room's last number is known; what comes behind it is for us.
    pub fn begin(&mut self, last: u64) {
        self.base = self.base.max(Some(last));
    }

    /// The history is another one: nothing of it was heard.
    pub fn begin_anew(&mut self) {
        *self = Self { base: Some(0), ..Self::default() };
    }

    /// After which number to resume.
    #[must_use]
    pub fn resume_after(&self) -> Option<u64> {
        self.row.or(self.base)
    }

    /// A line with a number came.
    pub fn hear(&mut self, seq: u64, replayed: bool) -> Fate {
        let known = self.row.is_some_and(|row| seq <= row) || self.is_beyond(seq);
        if known {
            return Fate::Again;
        }
        let next = self.resume_after().is_none_or(|row| seq == row.saturating_add(1));
        if self.catching_up && !replayed && !next {
            return Fate::Early;
        }
        if replayed || self.row.is_none() {
            // A replay names what it leaves out, so what it jumps over was ours or is gone.
            self.up_to(seq);
        } else {
            self.note(seq, seq);
        }
        Fate::New
    }

    /// These numbers need no more waiting for: said by ourselves, or not to be had.
    pub fn note(&mut self, first: u64, last: u64) {
        match self.row {
            None => {}
            Some(row) if first <= row.saturating_add(1) => self.up_to(last),
            Some(_) => {
                self.beyond.entry(first).and_modify(|end| *end = (*end).max(last)).or_insert(last);
                if self.beyond.len() > MAX_STRETCHES
                    && let Some((_, end)) = self.beyond.pop_first()
                {
                    self.up_to(end);
                }
            }
        }
        if self.row.is_none() && self.base.is_some_and(|base| first <= base.saturating_add(1)) {
            self.up_to(last);
        }
    }

    fn up_to(&mut self, seq: u64) {
        self.row = self.row.max(Some(seq));
        while let (Some(row), Some(stretch)) = (self.row, self.beyond.first_entry()) {
            if *stretch.key() > row.saturating_add(1) {
                break;
            }
            self.row = Some(row.max(stretch.remove()));
        }
    }

    fn is_beyond(&self, seq: u64) -> bool {
        self.beyond.range(..=seq).next_back().is_some_and(|(_, &last)| seq <= last)
    }

    /// Is something missing that nobody will bring by itself? Answers after which number to ask for it, once; asked in
    /// vain, it is written off.
    pub fn missing(&mut self) -> Option<u64> {
        let row = self.row.filter(|_| !self.beyond.is_empty() && !self.catching_up)?;
        if self.asked == Some(row) {
            let (_, end) = self.beyond.pop_first()?;
            self.up_to(end);
            return None;
        }
        self.asked = Some(row);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(numbers: &[u64]) -> Numbers {
        let mut room = Numbers::default();
        for &seq in numbers {
            assert_eq!(room.hear(seq, false), Fate::New, "{seq}");
        }
        room
    }

    #[test]
    fn the_row_ends_before_the_first_hole_and_goes_on_when_it_is_filled() {
        let mut room = heard(&[5, 6, 8, 9, 11]);
        assert_eq!(room.resume_after(), Some(6));
        room.note(7, 7);
        assert_eq!(room.resume_after(), Some(9));
        room.note(10, 10);
        assert_eq!(room.resume_after(), Some(11));
    }

    #[test]
    fn nothing_is_heard_twice_neither_in_the_row_nor_beyond_a_hole() {
        let mut room = heard(&[1, 2, 4]);
        for seq in [1, 2, 4] {
            assert_eq!((room.hear(seq, false), room.hear(seq, true)), (Fate::Again, Fate::Again));
        }
        assert_eq!(room.hear(3, true), Fate::New);
        assert_eq!(room.resume_after(), Some(4));
    }

    #[test]
    fn a_gap_is_written_off_also_beyond_a_hole() {
        let mut room = heard(&[1]);
        room.note(3, 1_000_000);
        assert_eq!(room.hear(1_000_001, false), Fate::New);
        assert_eq!(room.resume_after(), Some(1));
        assert_eq!(room.hear(2, false), Fate::New);
        assert_eq!(room.resume_after(), Some(1_000_001));
    }

    #[test]
    fn live_lines_before_the_replay_that_will_bring_them_are_early() {
        let mut room = heard(&[1, 2]);
        room.catching_up = true;
        assert_eq!(room.hear(5, false), Fate::Early);
        for seq in [3, 4, 5] {
            assert_eq!(room.hear(seq, true), Fate::New);
        }
        assert_eq!(room.hear(6, false), Fate::New);
    }

    #[test]
    fn what_was_there_on_joining_is_where_to_resume_and_was_not_heard() {
        let mut room = Numbers::default();
        assert_eq!(room.resume_after(), None);
        room.begin(7);
        assert_eq!(room.resume_after(), Some(7));
        assert_eq!(room.hear(7, false), Fate::New, "the history may be quicker than what is live");
        assert_eq!(room.resume_after(), Some(7));
        room.begin_anew();
        assert_eq!(room.resume_after(), Some(0));
    }

    #[test]
    fn something_missing_is_asked_for_once_and_then_written_off() {
        let mut room = heard(&[1, 3]);
        assert_eq!(room.missing(), Some(1));
        room.catching_up = true;
        assert_eq!(room.missing(), None, "it is on its way");
        room.catching_up = false;
        assert_eq!(room.missing(), None);
        assert_eq!(room.resume_after(), Some(3));
        assert_eq!(room.missing(), None);
    }

    #[test]
    fn holes_without_end_are_bounded() {
        let mut room = heard(&[0]);
        for hole in 1..5000 {
            room.note(2 * hole, 2 * hole);
        }
        assert!(room.beyond.len() <= MAX_STRETCHES);
    }
}

//! What happened in a world: a transcript's hash, counts, and the first thing that was wrong.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

/// Lines of the transcript that are shown when a world fails.
const SHOWN: usize = 60;

/// Written by everybody in the world.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// Nanoseconds since the world began.
    pub(crate) now: Cell<u64>,
    /// The calendar's time of this turn, in milliseconds.
    pub(crate) wall: Cell<u64>,
    hash: Cell<u64>,
    moved: Cell<u64>,
    wrong: RefCell<Option<String>>,
    counts: RefCell<BTreeMap<&'static str, u64>>,
    last_lines: Option<RefCell<VecDeque<String>>>,
}

impl Chronicle {
    /// `told` keeps the last lines of the transcript, which costs time.
    pub(crate) fn new(told: bool) -> Self {
        Self { last_lines: told.then(RefCell::default), ..Self::default() }
    }

    /// One line of the transcript.
    pub(crate) fn note(&self, what: &'static str, who: u64, how: u64) {
        let words = [self.now.get(), what.len() as u64, u64::from(what.as_bytes()[0]), who, how];
        let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
        self.hash.set(words.into_iter().fold(self.hash.get(), mix));
        if let Some(lines) = &self.last_lines {
            let mut lines = lines.borrow_mut();
            if lines.len() == SHOWN {
                lines.pop_front();
            }
            let (seconds, nanos) = (self.now.get() / 1_000_000_000, self.now.get() % 1_000_000_000);
            lines.push_back(format!("{seconds:4}.{nanos:09} {what} {who:x} {how:x}"));
        }
    }

    /// Something went forward; a world in which nothing does must sleep.
    pub(crate) fn moved(&self) {
        self.moved.set(self.moved.get() + 1);
    }

    pub(crate) fn moves(&self) -> u64 {
        self.moved.get()
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.counts.borrow_mut().entry(what).or_default() += 1;
    }

    /// A promise was broken. The first one counts; what follows may only follow from it.
    pub(crate) fn wrong(&self, why: String) {
        self.wrong.borrow_mut().get_or_insert(why);
    }

    pub(crate) fn take_wrong(&self) -> Option<String> {
        self.wrong.borrow_mut().take()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.get()
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.borrow().clone()
    }

    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.last_lines.as_ref().map(|lines| lines.borrow().iter().cloned().collect()).unwrap_or_default()
    }
}

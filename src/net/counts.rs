//! What was not taken, counted by why.

use std::cell::Cell;
use std::rc::Rc;

/// So often for each reason, in the order in which they are shown. Shared by whoever counts and whoever shows.
#[derive(Debug)]
pub struct Counts(Box<[(&'static str, Cell<u64>)]>);

impl Counts {
    /// Of these reasons none was seen yet.
    pub(super) fn of<const N: usize>(reasons: [&'static str; N]) -> Rc<Self> {
        Rc::new(Self(reasons.map(|reason| (reason, Cell::default())).into()))
    }

    /// Once more.
    pub(super) fn count(&self, reason: &'static str) {
        if let Some((_, count)) = self.0.iter().find(|(known, _)| *known == reason) {
            count.set(count.get() + 1);
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(reason, count)| (*reason, count.get()))
    }
}

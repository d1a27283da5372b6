//! What comes from one person, brought back into its order.

use std::collections::BTreeMap;

use super::wire::{Ack, WINDOW};

/// Numbers that came out of order wait here for those before them.
#[derive(Debug)]
pub struct Incoming<T> {
    /// The number that is due.
    next: u64,
    early: BTreeMap<u64, T>,
}

impl<T> Default for Incoming<T> {
    fn default() -> Self {
        Self { next: 1, early: BTreeMap::new() }
    }
}

impl<T> Incoming<T> {
    /// Something with a number came. What came before is dropped, and so is what is too far ahead to be kept; what is
    /// now due goes to `deliver`, in order.
    pub fn take(&mut self, number: u64, what: T, mut deliver: impl FnMut(T)) {
        if number < self.next || number - self.next >= WINDOW {
            return;
        }
        self.early.entry(number).or_insert(what);
        while let Some(due) = self.early.remove(&self.next) {
            self.next += 1;
            deliver(due);
        }
    }

    /// What has arrived.
    #[must_use]
    pub fn ack(&self) -> Ack {
        let some = self.early.keys().map(|number| 1 << (number - self.next)).fold(0, |some, bit: u128| some | bit);
        Ack { all: self.next - 1, some }
    }
}

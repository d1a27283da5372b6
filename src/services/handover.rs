//! A value on its way to a service, from whoever may not call it: put there at any time, taken at the turn's end.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Where it is put, and where it is taken: clones are the same place. What is put over another takes its place.
pub struct Handover<T>(Rc<Cell<Option<T>>>);

impl<T> Handover<T> {
    /// Puts it there.
    pub fn put(&self, value: T) {
        self.0.set(Some(value));
    }

    /// Takes it, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Default for Handover<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> Clone for Handover<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Handover<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Handover")
    }
}

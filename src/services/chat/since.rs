//! From where on somebody hears a room.

/// The bits of a place within a batch. A turn's events are far fewer (see `ASKED_PER_TURN`), and what is left of 64 bits
/// counts batches for longer than any server runs.
const PLACE_BITS: u32 = 24;
const LAST_PLACE: u32 = (1 << PLACE_BITS) - 1;

/// A place in the order of everything that a room hears: a batch, and the first event of it. Eight bytes, for every
/// member of every room has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(u64);

impl Since {
    /// From an event of a batch on.
    pub(super) fn event(batch: u64, event: u32) -> Self {
        Self(batch << PLACE_BITS | u64::from(event.min(LAST_PLACE)))
    }

    /// From the batch behind this one on.
    pub(super) fn after(batch: u64) -> Self {
        Self::event(batch, LAST_PLACE)
    }

    /// The first event of a batch, which is this one or a later one, that is heard; perhaps one behind its last.
    pub(super) fn first_of(self, batch: u64) -> u32 {
        let is_this = self.0 >> PLACE_BITS == batch;
        if is_this { u32::try_from(self.0 & u64::from(LAST_PLACE)).unwrap_or(LAST_PLACE) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_hears_a_batch_from_their_coming_on_and_all_of_the_next() {
        let since = Since::event(7, 3);
        assert_eq!((since.first_of(7), since.first_of(8)), (3, 0));
        assert_eq!((Since::after(7).first_of(7), Since::after(7).first_of(8)), (LAST_PLACE, 0));
        assert_eq!(Since::event(7, u32::MAX), Since::after(7));
    }
}

//! Deadlines: one per connection, in a binary heap that knows where each entry stands.
//!
//! A plain heap would keep an entry for every change of mind; this one has exactly one per connection, so memory is
//! bounded by the connections. A timing wheel would be O(1), but a deadline here is lazy: bytes that arrive do not
//! move it. It fires at its old time, is found to be early, and is set again, so changes are rare.

use super::time::Moment;

/// The deadlines of all slots, earliest first.
#[derive(Debug, Default)]
pub struct Timers {
    heap: Vec<(Moment, u32)>,
    /// Where a slot's entry stands in the heap, plus one; 0 when it has none.
    place: Vec<u32>,
}

impl Timers {
    /// The earliest deadline.
    #[must_use]
    pub fn first(&self) -> Option<Moment> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// The deadline of `slot`, [`Moment::NEVER`] when it has none.
    #[must_use]
    pub fn of(&self, slot: u32) -> Moment {
        match self.place.get(slot as usize) {
            Some(&place) if place > 0 => self.heap[place as usize - 1].0,
            _ => Moment::NEVER,
        }
    }

    /// Makes `at` the deadline of `slot`; [`Moment::NEVER`] takes it out.
    pub fn set(&mut self, slot: u32, at: Moment) {
        if self.place.len() <= slot as usize {
            self.place.resize(slot as usize + 1, 0);
        }
        let place = self.place[slot as usize] as usize;
        match (place, at) {
            (0, Moment::NEVER) => {}
            (0, _) => {
                self.heap.push((at, slot));
                self.rise(self.heap.len() - 1);
            }
            (_, Moment::NEVER) => self.remove(place - 1),
            (_, _) => {
                let earlier = at < self.heap[place - 1].0;
                self.heap[place - 1].0 = at;
                if earlier { self.rise(place - 1) } else { self.sink(place - 1) }
            }
        }
    }

    /// Takes out one slot whose deadline is not after `now`.
    pub fn expired(&mut self, now: Moment) -> Option<u32> {
        let &(_, slot) = self.heap.first().filter(|&&(at, _)| at <= now)?;
        self.remove(0);
        Some(slot)
    }

    fn remove(&mut self, at: usize) {
        let (_, slot) = self.heap.swap_remove(at);
        self.place[slot as usize] = 0;
        if at < self.heap.len() {
            // The last entry came here; it may belong above or below.
            self.rise(at);
            self.sink(at);
        }
    }

    fn rise(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 && entry.0 < self.heap[(at - 1) / 2].0 {
            self.put(at, self.heap[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        self.put(at, entry);
    }

    fn sink(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let mut child = 2 * at + 1;
            if child + 1 < self.heap.len() && self.heap[child + 1].0 < self.heap[child].0 {
                child += 1;
            }
            if child >= self.heap.len() || entry.0 <= self.heap[child].0 {
                break;
            }
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, entry);
    }

    fn put(&mut self, at: usize, entry: (Moment, u32)) {
        self.heap[at] = entry;
        self.place[entry.1 as usize] = u32::try_from(at + 1).expect("slots are counted in 32 bits, so are entries");
    }
}

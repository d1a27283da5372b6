//! What is kept, and what goes: by age, by room, in all.

use super::segment::Span;
use super::{Log, Settings};

impl Log {
    /// From now on so much is kept. What is past a new limit is not shown any more, and goes with the next chores; what
    /// went already does not come back. How it is synced stays as it was.
    pub fn keep(&mut self, wanted: Settings) {
        let sync = self.settings.sync;
        self.settings = Settings { sync, ..wanted.fitted() };
        self.unsorted = true;
    }

    /// The first number of a room that is kept; above the last one when nothing is.
    pub(super) fn first_kept(&self, place: u32) -> u64 {
        let room = self.rooms.get(place);
        self.kept_from(place, room.floor).map_or(room.given + 1, |span| span.first.max(room.floor))
    }

    fn kept_from(&self, place: u32, seq: u64) -> Option<&Span> {
        self.segments.iter().filter_map(|segment| segment.spans.get(&place)).find(|span| span.last >= seq)
    }

    /// Raises floors where limits were passed. Room for one more segment is made beforehand, so that a limit is not
    /// passed while the next one fills.
    pub(super) fn retire(&mut self, now: u64) {
        if !self.unsorted && self.next_expiry().is_none_or(|expiry| now < expiry) {
            return;
        }
        self.unsorted = false;
        let spare = self.settings.segment_bytes;
        let mut total: u64 = self.segments.iter().map(|segment| segment.size).sum();
        let mut index = 0;
        // The open segment stays.
        while index + 1 < self.segments.len() {
            let segment = &self.segments[index];
            let expired = segment.last_at.saturating_add(self.settings.keep_age) <= now;
            let over = total + spare > self.settings.keep_total;
            if segment.sealed && (expired || over || segment.is_empty()) {
                total -= segment.size;
                self.drop_segment(index);
            } else {
                index += 1;
            }
        }
        self.trim_rooms(self.settings.keep_room.saturating_sub(spare));
    }

    /// When the next sealed segment expires.
    pub(super) fn next_expiry(&self) -> Option<u64> {
        let sealed = self.segments.iter().filter(|segment| segment.sealed);
        sealed.map(|segment| segment.last_at.saturating_add(self.settings.keep_age)).min()
    }

    fn drop_segment(&mut self, index: usize) {
        let segment = self.segments.remove(index).expect("the caller counted");
        for (place, span) in &segment.spans {
            self.lose(*place, span);
        }
        self.files.retain(|(number, _)| *number != segment.number);
        self.doomed.push(segment.number);
    }

    fn lose(&mut self, place: u32, span: &Span) {
        let room = self.rooms.get_mut(place);
        room.bytes -= span.bytes;
        room.floor = room.floor.max(span.last + 1);
    }

    /// Takes from rooms that have more than `most` bytes what is oldest, a segment's share at a time.
    fn trim_rooms(&mut self, most: u64) {
        let large: Vec<u32> = self.rooms.iter().filter(|(_, room)| room.bytes > most).map(|(place, _)| place).collect();
        for place in large {
            for index in 0..self.segments.len() {
                if self.rooms.get(place).bytes <= most || !self.segments[index].sealed {
                    break;
                }
                if let Some(span) = self.segments[index].spans.remove(&place) {
                    self.lose(place, &span);
                }
            }
        }
        for index in (0..self.segments.len()).rev() {
            if self.segments[index].sealed && self.segments[index].is_empty() {
                self.drop_segment(index);
            }
        }
    }
}

//! Every room's numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::format::{kind, put_name, put_pieces};

/// Rooms whose numbers are kept one by one. Beyond, those without messages share one number, [`Rooms::base`]: a server
/// that runs for years must not remember every room that ever was.
const KEPT: usize = 20_000;

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: Arc<str>,
    /// The last number given.
    pub(super) given: u64,
    /// The last number that readers may see.
    pub(super) shown: u64,
    /// Nothing below this number is served.
    pub(super) floor: u64,
    /// The bytes of its messages that are kept.
    pub(super) bytes: u64,
    /// What the last table says.
    written: u64,
}

/// All rooms, by place and by name.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    places: BTreeMap<Arc<str>, u32>,
    all: Vec<Room>,
    free: Vec<u32>,
    /// A room that is not among them may have been given numbers up to this one.
    pub(super) base: u64,
}

impl Rooms {
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// The place of a room; a new one gets one.
    pub(super) fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.find(name) {
            return place;
        }
        let name: Arc<str> = name.into();
        let base = self.base;
        let room = Room { name: Arc::clone(&name), given: base, shown: base, floor: base + 1, bytes: 0, written: 0 };
        let place = if let Some(place) = self.free.pop() {
            self.all[place as usize] = room;
            place
        } else {
            self.all.push(room);
            u32::try_from(self.all.len() - 1).expect("memory ends before")
        };
        self.places.insert(name, place);
        place
    }

    pub(super) fn get(&self, place: u32) -> &Room {
        &self.all[place as usize]
    }

    pub(super) fn get_mut(&mut self, place: u32) -> &mut Room {
        &mut self.all[place as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// In the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Room)> {
        self.places.values().map(|place| (*place, self.get(*place)))
    }

    /// A room was given numbers up to `last`, says a file.
    pub(super) fn raise(&mut self, name: &str, last: u64, floor: u64) -> u32 {
        let place = self.place(name);
        let room = self.get_mut(place);
        room.given = room.given.max(last);
        room.shown = room.given;
        room.floor = room.floor.max(floor);
        place
    }

    /// No room is in the table of the segment that is read next.
    pub(super) fn no_table(&mut self) {
        self.all.iter_mut().for_each(|room| room.written = 0);
    }

    /// The segment that is read says this itself: it need not be told again.
    pub(super) fn in_table(&mut self, place: u32, last: u64) {
        let room = self.get_mut(place);
        room.written = room.written.max(last);
    }

    /// The highest last number of all.
    pub(super) fn highest(&self) -> u64 {
        self.iter().map(|(_, room)| room.given).fold(self.base, u64::max)
    }

    /// Leaves numbers out that may have been given, also in rooms that were lost altogether.
    pub(super) fn jump(&mut self, by: u64) {
        self.base += by;
        for place in self.places.values() {
            let room = &mut self.all[*place as usize];
            room.given += by;
            room.shown = room.given;
        }
    }

    /// Forgets rooms without messages when there are too many rooms.
    pub(super) fn forget(&mut self) {
        if self.len() <= KEPT {
            return;
        }
        let Self { places, all, free, base } = self;
        places.retain(|_, place| {
            let room = &all[*place as usize];
            let empty = room.bytes == 0 && room.given == room.shown;
            if empty {
                *base = room.given.max(*base);
                free.push(*place);
            }
            !empty
        });
    }

    /// Appends the table of all rooms, or of those whose number has changed since the last table.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, base: u64, every: bool) {
        let mut changed = self.iter().filter(|(_, room)| every || room.given != room.written).peekable();
        if changed.peek().is_some() {
            put_pieces(out, base, kind::ROOMS, |out| {
                let Some((_, room)) = changed.next() else { return false };
                put_name(out, &room.name);
                out.extend_from_slice(&room.given.to_le_bytes());
                out.extend_from_slice(&room.floor.to_le_bytes());
                true
            });
        }
        drop(changed);
        for room in &mut self.all {
            room.written = room.given;
        }
    }
}

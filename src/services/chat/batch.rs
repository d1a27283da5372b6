//! What rooms are to hear: gathered in order while commands are carried out, made known in one go. Every member of a
//! room hears the same events in the same order.

use std::mem;
use std::ops::Range;

use super::rooms::{PersonId, RoomId};
use super::sessions::Digest;
use super::since::Since;
use crate::hub::{ConnId, Wall};

/// A piece of the batch's text.
pub(super) type Span = Range<u32>;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Said,
    Acted,
    Joined,
    Back,
    Left,
    Renamed,
    Topic,
    /// It was promised to be kept, and could not be: nobody hears it. It stays in its place, which others count on.
    Struck,
}

/// One thing that a room hears.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) what: What,
    /// Does not hear it: they did it.
    pub(super) author: PersonId,
    /// The number of what was said; 0 where there is none.
    pub(super) seq: u64,
    pub(super) from: Span,
    /// What was said, the reason, the new name, the topic.
    pub(super) text: Span,
    /// It was said with an id: refused, not heard, when it can't be kept.
    pub(super) promised: bool,
}

/// Somebody who left in the middle of the batch, and what of it was still for them.
#[derive(Debug, Clone)]
pub(super) struct Departed {
    pub(super) person: PersonId,
    /// Their connection: by the time of hearing, a newcomer may have their place.
    pub(super) conn: ConnId,
    pub(super) heard: Range<u32>,
}

/// What one room hears.
#[derive(Debug)]
pub(super) struct RoomEvents {
    pub(super) room: RoomId,
    pub(super) events: Vec<Event>,
    pub(super) departed: Vec<Departed>,
}

/// A receipt that is owed.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    pub(super) person: PersonId,
    /// Who waits for it, whoever that is by then.
    pub(super) conn: ConnId,
    /// Whose it is: by the time of giving, a newcomer may have that person's place.
    pub(super) session: Digest,
    pub(super) room: Span,
    pub(super) seq: u64,
    pub(super) id: Span,
}

/// What rooms are to hear.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Counts the batches.
    pub(super) number: u64,
    pub(super) at: Option<Wall>,
    rooms: Vec<RoomEvents>,
    /// How many of `rooms` belong to this batch; the others are kept for their memory.
    used: usize,
    /// By room: its place in `rooms`, plus one, if the place is of this batch.
    places: Vec<u32>,
    text: String,
    pub(super) owed: Vec<Owed>,
    /// Something in it is to be kept: what has a number, or somebody's goodbye.
    pub(super) kept: bool,
}

impl Batch {
    /// Its number, as voices remember it.
    #[expect(clippy::cast_possible_truncation, reason = "four billion batches later it may be the same again")]
    pub(super) fn short_number(&self) -> u32 {
        self.number as u32
    }

    /// Is there nothing to be heard, nothing owed and nothing kept?
    pub(super) fn is_empty(&self) -> bool {
        self.used == 0 && self.owed.is_empty() && !self.kept
    }

    /// Keeps a text for as long as the batch lasts.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        span(start, self.text.len())
    }

    pub(super) fn text(&self, span: &Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// Adds an event to what a room hears.
    pub(super) fn push(&mut self, room: RoomId, event: Event) {
        self.kept |= event.seq > 0;
        self.events_of(room).events.push(event);
    }

    /// How many events a room hears so far.
    pub(super) fn count(&self, room: RoomId) -> u32 {
        self.place(room).map_or(0, |place| len(&self.rooms[place].events))
    }

    /// The number before the first one that a room hears in this batch.
    pub(super) fn before(&self, room: RoomId) -> Option<u64> {
        let events = &self.rooms[self.place(room)?].events;
        events.iter().find(|event| event.seq > 0).map(|event| event.seq - 1)
    }

    /// Somebody leaves a room, and hears what was said until now.
    pub(super) fn depart(&mut self, room: RoomId, person: PersonId, conn: ConnId, since: Since) {
        let first = since.first_of(self.number);
        let last = self.count(room);
        if first < last {
            self.events_of(room).departed.push(Departed { person, conn, heard: first..last });
        }
    }

    /// The rooms that hear something.
    pub(super) fn rooms(&self) -> &[RoomEvents] {
        &self.rooms[..self.used]
    }

    /// What could not be kept: numbers are taken back, what was promised is taken out. Answers who is refused what.
    pub(super) fn unkeep(&mut self) -> Vec<Owed> {
        self.kept = false;
        for room in &mut self.rooms[..self.used] {
            for event in &mut room.events {
                event.seq = 0;
            }
            for event in room.events.iter_mut().filter(|event| event.promised) {
                event.what = What::Struck;
            }
        }
        mem::take(&mut self.owed)
    }

    /// Begins the next batch.
    pub(super) fn clear(&mut self) {
        for room in &mut self.rooms[..self.used] {
            self.places[room.room.index()] = 0;
            room.events.clear();
            room.departed.clear();
        }
        self.used = 0;
        self.number += 1;
        self.at = None;
        self.kept = false;
        self.text.clear();
        self.owed.clear();
    }

    fn place(&self, room: RoomId) -> Option<usize> {
        match self.places.get(room.index()) {
            None | Some(0) => None,
            Some(&place) => Some(place as usize - 1),
        }
    }

    fn events_of(&mut self, room: RoomId) -> &mut RoomEvents {
        let place = self.place(room).unwrap_or_else(|| self.open_place(room));
        &mut self.rooms[place]
    }

    fn open_place(&mut self, room: RoomId) -> usize {
        if self.rooms.len() == self.used {
            self.rooms.push(RoomEvents { room, events: Vec::new(), departed: Vec::new() });
        }
        self.rooms[self.used].room = room;
        self.used += 1;
        if self.places.len() <= room.index() {
            self.places.resize(room.index() + 1, 0);
        }
        self.places[room.index()] = u32::try_from(self.used).expect("rooms are counted in 32 bits");
        self.used - 1
    }
}

fn span(start: usize, end: usize) -> Span {
    let bound = |at| u32::try_from(at).expect("a turn's text is far below 4 GiB");
    bound(start)..bound(end)
}

fn len<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).expect("a turn's events are far below 4 billion")
}

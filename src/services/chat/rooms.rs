//! Rooms and the people in them: who is where, under which name. No connection, no dialect, no clock: other ways to
//! speak, and other nodes, can share it.

use slab::Slab;
use smallvec::SmallVec;
use std::num::NonZeroU32;

use super::bounds::Bounds;
use super::language::{Name, Roll};
use super::since::Since;

/// Above so many members a room announces no one's coming and going: ten thousand joins would make fifty million
/// lines.
pub(super) const ANNOUNCED: usize = 200;

/// Somebody who is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(NonZeroU32);

impl PersonId {
    /// The place of this person in tables that run beside.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(u32);

impl RoomId {
    /// The place of this room in tables that run beside.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One person's place in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// Hears what is said as it is said. Not so while catching up with what was said before, or left behind.
    pub live: bool,
    /// From where on.
    pub since: Since,
}

/// Why something can't be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody has that name.
    Taken,
    /// Not in that room.
    NotMember,
    /// In too many rooms.
    TooManyRooms,
    /// Too many were opened from where this comes.
    TooManyNew,
    /// There are too many rooms.
    HouseFull,
}

#[derive(Debug)]
struct Person {
    name: Name,
    /// Rooms with the place in each one's list of members. The last one joined or spoken in is current.
    /// Most people are in one room or two, and for those this takes no memory of its own.
    places: SmallVec<[(RoomId, u32); 2]>,
    current: Option<RoomId>,
    /// The lobby was told of this person.
    announced: bool,
}

#[derive(Debug)]
struct Room {
    name: Name,
    topic: Box<str>,
    members: Vec<Member>,
}

/// Who is where.
#[derive(Debug, Default)]
pub struct Rooms {
    people: Slab<Person>,
    names: Roll<PersonId>,
    rooms: Slab<Room>,
    room_names: Roll<RoomId>,
    /// How many rooms have members.
    inhabited: usize,
    pub(super) bounds: Bounds,
}

/// People.
impl Rooms {
    /// Somebody came.
    ///
    /// # Errors
    /// [`Refusal::Taken`]
    pub fn arrive(&mut self, name: Name) -> Result<PersonId, Refusal> {
        let person = PersonId(NonZeroU32::MIN.saturating_add(number(self.people.vacant_key())));
        self.names.claim(&name, person).map_err(|_| Refusal::Taken)?;
        self.people.insert(Person { name, places: SmallVec::new(), current: None, announced: false });
        Ok(person)
    }

    /// Somebody is gone, and in no room any more (see [`Rooms::leave`]).
    pub fn depart(&mut self, person: PersonId) {
        let gone = self.people.remove(person.index());
        debug_assert!(gone.places.is_empty(), "whoever goes has left every room");
        self.names.release(&gone.name, person);
    }

    /// Gives somebody another name; answers the old one.
    ///
    /// # Errors
    /// [`Refusal::Taken`]
    pub fn rename(&mut self, person: PersonId, name: Name) -> Result<Name, Refusal> {
        let known = &mut self.people[person.index()];
        self.names.rename(&known.name, &name, person).map_err(|_| Refusal::Taken)?;
        Ok(std::mem::replace(&mut known.name, name))
    }

    /// What somebody is called.
    pub fn name(&self, person: PersonId) -> &Name {
        &self.people[person.index()].name
    }

    /// Who is called so.
    pub fn person(&self, name: &Name) -> Option<PersonId> {
        self.names.find(name)
    }

    /// How many are here.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// The room that somebody speaks in when they name none.
    pub fn current(&self, person: PersonId) -> Option<RoomId> {
        self.people[person.index()].current
    }

    /// Makes a room the current one.
    pub fn set_current(&mut self, person: PersonId, room: RoomId) {
        self.people[person.index()].current = Some(room);
    }

    /// The rooms that somebody is in.
    pub fn rooms_of(&self, person: PersonId) -> impl Iterator<Item = RoomId> {
        self.people[person.index()].places.iter().map(|&(room, _)| room)
    }

    /// Was the lobby told of this person?
    pub fn is_announced(&self, person: PersonId) -> bool {
        self.people[person.index()].announced
    }

    /// It is told now; answers whether that is new.
    pub fn announce(&mut self, person: PersonId) -> bool {
        !std::mem::replace(&mut self.people[person.index()].announced, true)
    }
}

/// Rooms.
impl Rooms {
    /// The room of that name.
    pub fn room(&self, name: &Name) -> Option<RoomId> {
        self.room_names.find(name)
    }

    /// The room of that name, which begins to exist if it did not.
    ///
    /// # Errors
    /// [`Refusal::HouseFull`]; [`Refusal::Taken`] when another room's name looks like this one.
    pub fn room_or_new(&mut self, name: &Name) -> Result<RoomId, Refusal> {
        if let Some(room) = self.room(name) {
            return Ok(room);
        }
        if self.inhabited >= self.bounds.rooms {
            return Err(Refusal::HouseFull);
        }
        let room = RoomId(number(self.rooms.vacant_key()));
        self.room_names.claim(name, room).map_err(|_| Refusal::Taken)?;
        self.rooms.insert(Room { name: name.clone(), topic: Box::default(), members: Vec::new() });
        Ok(room)
    }

    /// Takes somebody into a room and makes it their current one. Answers whether they are new there.
    ///
    /// # Errors
    /// [`Refusal::TooManyRooms`]
    pub fn join(&mut self, person: PersonId, room: RoomId, since: Since) -> Result<bool, Refusal> {
        let who = &mut self.people[person.index()];
        if who.places.iter().any(|&(there, _)| there == room) {
            who.current = Some(room);
            return Ok(false);
        }
        if who.places.len() >= self.bounds.rooms_each {
            return Err(Refusal::TooManyRooms);
        }
        let members = &mut self.rooms[room.index()].members;
        self.inhabited += usize::from(members.is_empty());
        who.places.push((room, number(members.len())));
        who.current = Some(room);
        members.push(Member { person, live: true, since });
        Ok(true)
    }

    /// Takes somebody out of a room. Another of their rooms becomes current. A room without members, topic and
    /// `kept` is forgotten.
    ///
    /// # Errors
    /// [`Refusal::NotMember`]
    pub fn leave(&mut self, person: PersonId, room: RoomId) -> Result<Member, Refusal> {
        let who = &mut self.people[person.index()];
        let at = who.places.iter().position(|&(there, _)| there == room).ok_or(Refusal::NotMember)?;
        let (_, place) = who.places.remove(at);
        if who.current == Some(room) {
            who.current = who.places.last().map(|&(last, _)| last);
        }
        let members = &mut self.rooms[room.index()].members;
        let member = members.swap_remove(place as usize);
        self.inhabited -= usize::from(members.is_empty());
        if let Some(moved) = members.get(place as usize).copied() {
            // The last member of the list has moved to the place that became free.
            let places = &mut self.people[moved.person.index()].places;
            let entry = places.iter_mut().find(|(there, _)| *there == room).expect("a member knows where");
            entry.1 = place;
        }
        Ok(member)
    }

    /// Forgets a room that nobody is in.
    pub fn forget(&mut self, room: RoomId) {
        if self.rooms[room.index()].members.is_empty() {
            let gone = self.rooms.remove(room.index());
            self.room_names.release(&gone.name, room);
        }
    }

    /// Somebody's place in a room.
    pub fn member_mut(&mut self, person: PersonId, room: RoomId) -> Option<&mut Member> {
        let place = self.people[person.index()].places.iter().find(|(there, _)| *there == room)?.1;
        Some(&mut self.rooms[room.index()].members[place as usize])
    }

    /// Is somebody in a room?
    pub fn is_member(&self, person: PersonId, room: RoomId) -> bool {
        self.people[person.index()].places.iter().any(|&(there, _)| there == room)
    }

    /// Everybody in a room.
    pub fn members(&self, room: RoomId) -> &[Member] {
        &self.rooms[room.index()].members
    }

    /// Does a room of this size say who comes and goes?
    pub fn is_announcing(&self, room: RoomId) -> bool {
        self.members(room).len() <= ANNOUNCED
    }

    /// What a room is called.
    pub fn room_name(&self, room: RoomId) -> &Name {
        &self.rooms[room.index()].name
    }

    /// What a room is called, if it has not been forgotten.
    pub fn room_name_if_any(&self, room: RoomId) -> Option<&Name> {
        self.rooms.get(room.index()).map(|room| &room.name)
    }

    /// What a room is about.
    pub fn topic(&self, room: RoomId) -> &str {
        &self.rooms[room.index()].topic
    }

    /// Says what a room is about.
    pub fn set_topic(&mut self, room: RoomId, topic: &str) {
        self.rooms[room.index()].topic = topic.into();
    }

    /// The first room at this place or behind it, and the place behind that one: for lists given in pieces.
    pub fn room_from(&self, place: usize) -> Option<(RoomId, usize)> {
        let found = (place..self.rooms.capacity()).find(|&at| self.rooms.contains(at))?;
        Some((RoomId(number(found)), found + 1))
    }

    /// How many rooms there are.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("people and rooms are counted in 32 bits")
}

//! Rooms' doors: who made a room, and who may enter. Pure state; `rooms.rs` knows nothing of it.

use std::collections::BTreeMap;

use super::language::Name;
use super::rooms::PersonId;
use crate::hub::Moment;

/// People that may be invited into one room at once; the oldest invitations go.
const INVITED: usize = 1000;

/// Somebody who may enter.
#[derive(Debug, Clone)]
pub(super) enum Invited {
    /// By account: as long as the room is locked.
    Account(Name),
    /// A guest: as long as the connection stands.
    Guest(PersonId),
}

impl Invited {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account(own), Self::Account(other)) => own.key() == other.key(),
            (Self::Guest(own), Self::Guest(other)) => own == other,
            _ => false,
        }
    }
}

/// What keeps others out.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    /// What is kept of the password; none: by invitation only.
    pub(super) hash: Option<Box<str>>,
    pub(super) invited: Vec<Invited>,
    /// Since when. Whoever was inside then and lost their line may come back.
    pub(super) since: Moment,
}

/// One room's door.
#[derive(Debug, Clone, Default)]
pub(super) struct Door {
    /// The room, as it is written.
    pub(super) room: Option<Name>,
    /// The account that made it.
    pub(super) maker: Option<Name>,
    pub(super) lock: Option<Lock>,
    /// Only operators set its topic.
    pub(super) topic_locked: bool,
}

/// How somebody stands before a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// Come in.
    Open,
    /// Not without an invitation.
    Closed,
    /// Not without an invitation or the password of which this is kept.
    Password(Box<str>),
}

/// All doors that have something to them, by the rooms' keys.
#[derive(Debug, Default)]
pub(super) struct Doors {
    known: BTreeMap<Box<str>, Door>,
    /// How many guests were invited anywhere and have not gone.
    guests: usize,
}

impl Doors {
    /// A room begins to exist: whatever door stood there before is gone with the room that it belonged to. Answers
    /// whether there is anything new to be kept.
    pub(super) fn begin(&mut self, room: &Name, maker: Option<&Name>) -> bool {
        let was_known = self.known.remove(room.key()).is_some();
        if let Some(maker) = maker {
            let door = Door { room: Some(room.clone()), maker: Some(maker.clone()), ..Door::default() };
            self.known.insert(room.key().into(), door);
        }
        was_known || maker.is_some()
    }

    /// Puts a door back that was there before a restart.
    pub(super) fn restore(&mut self, room: &Name, door: Door) {
        self.known.insert(room.key().into(), door);
    }

    pub(super) fn get(&self, room: &Name) -> Option<&Door> {
        self.known.get(room.key())
    }

    /// The door of a room that exists.
    pub(super) fn door(&mut self, room: &Name) -> &mut Door {
        self.known.entry(room.key().into()).or_insert_with(|| Door { room: Some(room.clone()), ..Door::default() })
    }

    /// Is a room not for everybody?
    pub(super) fn is_locked(&self, room: &Name) -> bool {
        self.get(room).is_some_and(|door| door.lock.is_some())
    }

    /// Is a room's topic the operators'?
    pub(super) fn is_topic_locked(&self, room: &Name) -> bool {
        self.get(room).is_some_and(|door| door.topic_locked)
    }

    /// Did an account make this room?
    pub(super) fn is_maker(&self, room: &Name, account: Option<&Name>) -> bool {
        let maker = self.get(room).and_then(|door| door.maker.as_ref());
        maker.is_some_and(|maker| account.is_some_and(|account| account.key() == maker.key()))
    }

    /// May somebody enter?
    pub(super) fn entry(&self, room: &Name, person: PersonId, account: Option<&Name>) -> Entry {
        let Some(lock) = self.get(room).and_then(|door| door.lock.as_ref()) else { return Entry::Open };
        let is_invited = lock.invited.iter().any(|invited| match invited {
            Invited::Account(name) => account.is_some_and(|account| account.key() == name.key()),
            Invited::Guest(guest) => *guest == person,
        });
        match &lock.hash {
            _ if is_invited || self.is_maker(room, account) => Entry::Open,
            Some(hash) => Entry::Password(hash.clone()),
            None => Entry::Closed,
        }
    }

    /// Was a room locked before then? Whoever was inside at that time was inside by right.
    pub(super) fn was_locked_by(&self, room: &Name, then: Moment) -> bool {
        self.get(room).and_then(|door| door.lock.as_ref()).is_some_and(|lock| lock.since <= then)
    }

    /// Somebody may enter a locked room.
    pub(super) fn invite(&mut self, room: &Name, whom: Invited) {
        let Some(lock) = self.door(room).lock.as_mut() else { return };
        lock.invited.retain(|invited| !invited.is_same(&whom));
        if lock.invited.len() == INVITED {
            lock.invited.remove(0);
        }
        self.guests += usize::from(matches!(whom, Invited::Guest(_)));
        let Some(lock) = self.door(room).lock.as_mut() else { return };
        lock.invited.push(whom);
    }

    /// A guest is gone: whoever has their place next was not invited.
    pub(super) fn forget_guest(&mut self, person: PersonId) {
        if self.guests == 0 {
            return; // as nearly always, and nobody has to look at every door
        }
        self.guests = 0;
        for lock in self.known.values_mut().filter_map(|door| door.lock.as_mut()) {
            lock.invited.retain(|invited| !invited.is_same(&Invited::Guest(person)));
            self.guests += lock.invited.iter().filter(|invited| matches!(invited, Invited::Guest(_))).count();
        }
    }

    /// Every door that is worth keeping over a restart, in the order of the rooms' keys.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Door> {
        self.known.values().filter(|door| door.maker.is_some() || door.lock.is_some())
    }

    /// Rooms that are not for everybody.
    pub(super) fn locked(&self) -> impl Iterator<Item = &Name> {
        self.known.values().filter(|door| door.lock.is_some()).filter_map(|door| door.room.as_ref())
    }

    /// Drops the doors of rooms that are no more.
    pub(super) fn sweep(&mut self, stands: impl Fn(&Name) -> bool) {
        self.known.retain(|_, door| door.room.as_ref().is_some_and(&stands));
    }
}

//! A person's connection: how they are spoken to, how fast they may speak, what they still have to catch up with.

use std::collections::VecDeque;

use super::batch::Voicing;
use super::language::Form;
use super::pace::{Bucket, Flood, Neighbourhood};
use super::replay::Replay;
use super::returning::Returning;
use super::rooms::{PersonId, RoomId};
use super::sessions::SessionId;
use crate::hub::{ConnId, Framing, Moment};

/// What is known of somebody's connection.
#[derive(Debug)]
pub(super) struct Voice {
    pub(super) conn: ConnId,
    pub(super) voicing: Voicing,
    pub(super) session: Option<SessionId>,
    /// Its session's token, once it was shown.
    pub(super) token: Option<Box<str>>,
    /// It has shown another one, and the history is being asked.
    pub(super) returning: Option<Box<Returning>>,
    /// Has shown that it knows about PINGs.
    pub(super) beats: bool,
    /// When it was asked last.
    pub(super) asked: Moment,
    pub(super) bucket: Bucket,
    /// Where it comes from, if that is beyond this machine; then it shares a bucket with its neighbours.
    pub(super) place: Option<Neighbourhood>,
    /// Held until then for speaking too fast.
    pub(super) paused: Moment,
    /// The batch in which it last did something: what it did is cut out of what it hears.
    pub(super) active: u64,
    /// Named itself, or spoke: its session is worth remembering.
    pub(super) known: bool,
    /// Has said goodbye, and goes when what it asked for before was answered.
    pub(super) leaving: bool,
    /// What most people never have.
    pub(super) rare: Option<Box<Rare>>,
}

/// State of those who catch up or lag behind.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// What it asked to hear again, the first under way.
    pub(super) replays: VecDeque<Replay>,
    /// Rooms that it does not hear while it lags, with the last number that it was sent.
    pub(super) skipped: Vec<(RoomId, u64)>,
    /// What it was sent while it lagged: after so many bytes in all, it has this room up to this number.
    pub(super) sent: VecDeque<(u64, RoomId, u64)>,
}

impl Voice {
    pub(super) fn new(conn: ConnId, framing: Framing, flood: Flood, place: Option<Neighbourhood>, now: Moment) -> Self {
        Self {
            conn,
            voicing: Voicing { form: Form::Plain, framing },
            session: None,
            token: None,
            returning: None,
            beats: false,
            asked: Moment::NEVER,
            bucket: Bucket::full(flood, now),
            place,
            paused: Moment::NEVER,
            active: u64::MAX,
            known: false,
            leaving: false,
            rare: None,
        }
    }

    /// May it be asked whether it is there? A person with `nc` would not answer.
    pub(super) fn is_asked(&self) -> bool {
        self.beats || self.voicing.form == Form::Json
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// Everybody's connection, found from either side.
#[derive(Debug, Default)]
pub(super) struct Voices {
    by_person: Vec<Option<Voice>>,
    by_slot: Vec<Option<PersonId>>,
}

impl Voices {
    pub(super) fn insert(&mut self, person: PersonId, voice: Voice) {
        let (slot, index) = (voice.conn.slot(), person.index());
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, None);
        }
        if self.by_person.len() <= index {
            self.by_person.resize_with(index + 1, || None);
        }
        self.by_slot[slot] = Some(person);
        self.by_person[index] = Some(voice);
    }

    /// Whose connection this is.
    pub(super) fn person(&self, conn: ConnId) -> Option<PersonId> {
        let person = (*self.by_slot.get(conn.slot())?)?;
        self.get(person).filter(|voice| voice.conn == conn).map(|_| person)
    }

    pub(super) fn get(&self, person: PersonId) -> Option<&Voice> {
        self.by_person.get(person.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, person: PersonId) -> Option<&mut Voice> {
        self.by_person.get_mut(person.index())?.as_mut()
    }

    /// Somebody is gone.
    pub(super) fn remove(&mut self, person: PersonId) -> Option<Voice> {
        let voice = self.by_person.get_mut(person.index())?.take()?;
        if self.by_slot[voice.conn.slot()] == Some(person) {
            self.by_slot[voice.conn.slot()] = None;
        }
        Some(voice)
    }

    /// Everybody.
    pub(super) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.by_slot.iter().flatten().copied()
    }
}

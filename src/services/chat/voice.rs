//! A person's connection: how they are spoken to, how fast they may speak, what they still have to catch up with.

use std::collections::VecDeque;

use super::language::Form;
use super::pace::{Bucket, Flood, Neighbourhood, neighbourhood};
use super::recalling::Returning;
use super::replay::Replay;
use super::rooms::{PersonId, RoomId};
use super::sessions::{self, SessionId, Token};
use super::wires::Voicing;
use crate::hub::{ConnId, Cx, Framing, Moment};

/// What is known of somebody's connection.
#[derive(Debug)]
pub(super) struct Voice {
    pub(super) conn: ConnId,
    pub(super) voicing: Voicing,
    /// What it has said is remembered there. Those who only listen have none, though they may have a token.
    pub(super) session: Option<SessionId>,
    /// Its session's token, once it was shown; zeros before.
    pub(super) token: Token,
    /// Objects that it has sent and got no receipt for yet.
    pub(super) unreceipted: u16,
    /// Has shown that it knows about PINGs.
    pub(super) beats: bool,
    /// When it was asked last.
    pub(super) asked: Moment,
    pub(super) bucket: Bucket,
    /// It comes from beyond this machine, and shares a bucket with its neighbours.
    pub(super) is_from_afar: bool,
    /// Held until then for speaking too fast.
    pub(super) paused: Moment,
    /// The batch in which it last did something, if it is not four billion batches ago: what it did is cut out of what
    /// it hears.
    pub(super) active: u32,
    /// Named itself, or spoke: its session is worth remembering.
    pub(super) known: bool,
    /// Says goodbye, to us, to a room or to who it was, and goes when what it asked for before was answered.
    pub(super) leaving: bool,
    /// What most people never have.
    pub(super) rare: Option<Box<Rare>>,
}

/// State of those who come back, catch up or lag behind.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// It has shown another session's token, and the history is being asked.
    pub(super) returning: Option<Returning>,
    /// What it asked to hear again, the first under way.
    pub(super) replays: VecDeque<Replay>,
    /// Rooms that it does not hear while it lags, with the last number that it was sent.
    pub(super) skipped: Vec<(RoomId, u64)>,
    /// What it was sent while it lagged: after so many bytes in all, it has this room up to this number.
    pub(super) sent: VecDeque<(u64, RoomId, u64)>,
}

impl Voice {
    pub(super) fn new(conn: ConnId, framing: Framing, flood: Flood, is_from_afar: bool, now: Moment) -> Self {
        Self {
            conn,
            voicing: Voicing { form: Form::Plain, shape: framing.into() },
            session: None,
            token: Token::default(),
            unreceipted: 0,
            beats: false,
            asked: Moment::NEVER,
            bucket: Bucket::full(flood, now),
            is_from_afar,
            paused: Moment::NEVER,
            active: u32::MAX,
            known: false,
            leaving: false,
            rare: None,
        }
    }

    /// May it be asked whether it is there? A person with `nc` would not answer.
    pub(super) fn is_asked(&self) -> bool {
        self.beats || self.voicing.form == Form::Json
    }

    /// Where it comes from, if that is beyond this machine.
    pub(super) fn place(&self, cx: &Cx<'_>) -> Option<Neighbourhood> {
        self.is_from_afar.then(|| cx.about(self.conn).and_then(|about| neighbourhood(about.peer)))?
    }

    /// Has it shown a token of which the history is to say whose it is?
    pub(super) fn is_returning(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.returning.is_some())
    }

    /// Gives back what most people never have, if it is of no more use.
    pub(super) fn drop_rare(&mut self) {
        let is_idle = |rare: &Rare| {
            rare.returning.is_none() && rare.replays.is_empty() && rare.skipped.is_empty() && rare.sent.is_empty()
        };
        self.rare = self.rare.take().filter(|rare| !is_idle(rare));
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

    /// Who was shown this token, and has said nothing since. After a restart everybody shows one that nobody here has,
    /// so they are not looked for: the token says where they would be.
    pub(super) fn with_token(&self, token: Token) -> Option<PersonId> {
        let person = (*self.by_slot.get(sessions::slot_of(token))?)?;
        self.get(person).filter(|voice| voice.session.is_none() && voice.token == token).map(|_| person)
    }

    /// Everybody.
    pub(super) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.by_slot.iter().flatten().copied()
    }
}

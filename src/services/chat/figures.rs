//! How the chat stands, in numbers.

use super::Chat;
use super::batch::{RoomEvents, What};
use super::rooms::PersonId;
use crate::log;

/// How the chat stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// People, those included of whom nobody has been told.
    pub people: usize,
    /// Rooms that stand.
    pub rooms: usize,
    /// Sessions that are remembered.
    pub sessions: usize,
    /// What was said in rooms since the start.
    pub messages: u64,
    /// What rooms heard since the start, counted for each member that heard it.
    pub deliveries: u64,
    /// The history, if one is kept.
    pub history: Option<log::Figures>,
}

impl Chat {
    /// How it stands.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            people: self.rooms.people(),
            rooms: self.rooms.rooms(),
            sessions: self.sessions.count(),
            history: self.keeper.figures(),
            ..self.counted
        }
    }
}

impl RoomEvents {
    /// How much of it was said.
    pub(super) fn said(&self) -> u64 {
        self.events.iter().filter(|event| matches!(event.what, What::Said | What::Acted)).count() as u64
    }

    /// How much of it, from a place on, is somebody's own.
    pub(super) fn own(&self, person: PersonId, first: u32) -> u64 {
        self.events.iter().skip(first as usize).filter(|event| event.author == person).count() as u64
    }
}

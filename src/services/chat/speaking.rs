//! What people say: to a room, or to one another.

use super::Chat;
use super::batch::{Event, Owed, Span, What};
use super::holds::RECEIPTS;
use super::keeper::New;
use super::language::{Complaint, Speech};
use super::rooms::{PersonId, RoomId};
use super::sessions::SessionId;
use crate::hub::{ConnId, Cx};

/// Something to be said.
pub(super) struct Saying<'a> {
    pub(super) text: &'a str,
    pub(super) room: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) action: bool,
}

impl Chat {
    pub(super) fn say(&mut self, cx: &mut Cx<'_>, person: PersonId, saying: &Saying<'_>) {
        let room = match self.room_of(person, saying.room) {
            Ok(room) => room,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        let session = self.make_known(person);
        if let (Some(id), Some(session)) = (saying.id, session) {
            if let Some(receipt) = self.sessions.receipt(session, id) {
                let (seq, room) = (receipt.seq, self.batch.keep(&receipt.room));
                return self.owe(person, session, room, seq, id);
            }
            if self.keeper.is_stopped() {
                let text = "the history was stopped by a fault, and what is said with an id is to be kept";
                return self.complain(cx, person, "history", text);
            }
        }
        self.show_up(cx, person, room);
        let text = saying.text;
        let name = self.rooms.name(person);
        let seq = self.keeper.push(&New {
            room: self.rooms.room_name(room),
            at: cx.wall(),
            action: saying.action,
            from: name,
            session: session.map(|session| self.sessions.get(session).digest),
            id: saying.id,
            text,
        });
        let (from, text) = (self.batch.keep(name.as_str()), self.batch.keep(text));
        let what = if saying.action { What::Acted } else { What::Said };
        self.hear(cx, room, Event { what, author: person, seq, from, text, promised: saying.id.is_some() });
        if let (Some(id), Some(session)) = (saying.id, session) {
            let name = self.rooms.room_name(room).as_str();
            self.sessions.remember(session, id, name, seq);
            let room = self.batch.keep(name);
            self.owe(person, session, room, seq, id);
        }
    }

    fn owe(&mut self, person: PersonId, session: SessionId, room: Span, seq: u64, id: &str) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let session = self.sessions.get(session).digest;
        let id = self.batch.keep(id);
        self.batch.owed.push(Owed { person, conn, session, room, seq, id });
    }

    /// An object came, which may ask for a receipt. Whoever waits for too many is not read until it has most of them.
    pub(super) fn expect_receipt(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let most = self.settings.bounds.unreceipted;
        let Some(voice) = self.voices.get_mut(person) else { return };
        voice.unreceipted += 1;
        if voice.unreceipted >= most {
            cx.hold(voice.conn, RECEIPTS);
        }
    }

    /// A connection has a receipt, or will get none for this.
    pub(super) fn receipted(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        let enough = self.settings.bounds.unreceipted / 2;
        let Some(voice) = self.voices.person(conn).and_then(|person| self.voices.get_mut(person)) else { return };
        voice.unreceipted = voice.unreceipted.saturating_sub(1);
        if voice.unreceipted == enough {
            cx.release(conn, RECEIPTS);
        }
    }

    /// The room that is meant: the one named, or the current one; only rooms that the speaker is in.
    pub(super) fn room_of(&self, person: PersonId, named: Option<&str>) -> Result<RoomId, Complaint> {
        let complaint = Complaint::new;
        let Some(named) = named else {
            let text = || "you are in no room; /join ROOM brings you into one".to_owned();
            return self.rooms.current(person).ok_or_else(|| complaint("no-room", text()));
        };
        let own = |&room: &RoomId| self.rooms.room_name(room).as_str() == named;
        if let Some(room) = self.rooms.rooms_of(person).find(own) {
            return Ok(room); // as it is written: the usual case, and nothing has to be folded for it
        }
        let name = self.named(named)?;
        let room = self.rooms.room(&name).filter(|&room| self.rooms.is_member(person, room));
        room.ok_or_else(|| complaint("not-member", format!("you are not in #{name}; /join {name} brings you there")))
    }

    /// Adds to what a room will hear.
    pub(super) fn hear(&mut self, cx: &Cx<'_>, room: RoomId, event: Event) {
        if let Some(voice) = self.voices.get_mut(event.author) {
            voice.active = self.batch.short_number();
        }
        self.batch.at = Some(cx.wall());
        self.batch.push(room, event);
    }

    /// Tells a room of somebody's doings, with a text that says more about it.
    pub(super) fn note(&mut self, cx: &Cx<'_>, room: RoomId, person: PersonId, what: What, text: &str) {
        let from = self.batch.keep(self.rooms.name(person).as_str());
        let text = self.batch.keep(text);
        self.hear(cx, room, Event { what, author: person, seq: 0, from, text, promised: false });
    }

    /// A guest who speaks in the lobby for the first time was not announced there yet.
    fn show_up(&mut self, cx: &Cx<'_>, person: PersonId, room: RoomId) {
        if self.is_lobby(room) && self.rooms.announce(person) && self.rooms.is_announcing(room) {
            self.note(cx, room, person, What::Joined, "");
        }
    }

    pub(super) fn whisper(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str, text: &str) {
        let name = match self.named(name) {
            Ok(name) => name,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        let Some(to) = self.rooms.person(&name).filter(|&to| !self.steward.standings.is_stranger(to)) else {
            return self.complain(
                cx,
                person,
                "no-such-name",
                &format!("nobody here is called {name}; /who lists who is"),
            );
        };
        let conn = self.voices.get(to).map(|voice| voice.conn);
        if conn.is_none_or(|conn| cx.room(conn) < text.len() + 256) {
            let text = format!("{name} reads too slowly to be told; try again later");
            return self.complain(cx, person, "too-slow", &text);
        }
        let from = self.rooms.name(person).clone();
        let _ = self.tell(cx, to, &Speech::Private { from: from.as_str(), at: cx.wall(), text });
        self.make_known(person);
    }

    pub(super) fn topic(&mut self, cx: &mut Cx<'_>, person: PersonId, text: Option<&str>) {
        let room = match self.room_of(person, None) {
            Ok(room) => room,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        let name = self.rooms.room_name(room).clone();
        if text.is_some() && !self.may_set_topic(cx, person, &name) {
            return;
        }
        if let Some(text) = text {
            self.show_up(cx, person, room);
            self.rooms.set_topic(room, text);
            self.note(cx, room, person, What::Topic, text);
        }
        let (name, topic) = (self.rooms.room_name(room), self.rooms.topic(room));
        let answer =
            if topic.is_empty() { format!("#{name} has no topic") } else { format!("topic of #{name}: {topic}") };
        self.inform(cx, person, &answer);
    }
}

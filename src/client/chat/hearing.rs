//! What the server's objects mean to a conversation: what is new and shown, what is only taken note of.

use super::conversation::{Conversation, Event, LOBBY, Stage};
use super::heard::{Heard, Said};
use super::naming;
use super::numbers::{Fate, Numbers};

/// Rooms of which anything is kept. A server lets nobody be in more than 32.
const MOST_ROOMS: usize = 64;

impl Conversation {
    pub(super) fn object(&mut self, line: &str, mut heard: Heard) {
        self.respell(&mut heard);
        // The server went on after it, so it is no reason to close.
        self.last_error = None;
        match heard {
            Heard::Ping { token } => self.lines.push_back(format!("PONG {token}").trim_end().to_owned()),
            Heard::Pong { token } => self.events.push_back(Event::Pong(token)),
            Heard::Welcome { ref nick, ref session, ref epoch } if !self.welcomed(nick, session, epoch) => {}
            Heard::Error { ref code, ref text } if self.expected(code, text) => {}
            Heard::Error { ref code, ref text } => {
                self.last_error = Some(format!("{code}: {text}"));
                self.show(line, heard);
            }
            Heard::Message(ref said) | Heard::Action(ref said) if !self.admits(said) => {}
            Heard::Welcome { .. } | Heard::Message(_) | Heard::Action(_) => self.show(line, heard),
            Heard::Receipt { ref room, seq, ref id } => {
                let (room, id) = (room.clone(), id.clone());
                self.received(&room, seq, id);
                self.show(line, heard);
            }
            Heard::Gap { ref room, from_seq, to_seq } => {
                if let Some(numbers) = self.numbers(room) {
                    numbers.note(from_seq, to_seq);
                }
                self.show(line, heard);
            }
            Heard::End { ref of } if of == "history" && !self.histories.is_empty() => self.looked_back(),
            Heard::End { ref of } => {
                if of == "resume" {
                    self.replay_over();
                }
                self.show(line, heard);
            }
            _ if matches!(self.stage, Stage::Entering | Stage::Present) => {
                self.take_note(&heard);
                self.show(line, heard);
            }
            _ => {}
        }
    }

    fn show(&mut self, line: &str, heard: Heard) {
        self.events.push_back(Event::Heard(line.to_owned(), heard));
    }

    fn take_note(&mut self, heard: &Heard) {
        match heard {
            Heard::Info { text } => {
                if let Some(name) = text.strip_prefix("you are ").filter(|name| !name.contains(' ')) {
                    self.me = naming::tidy(name);
                } else if let Some(room) = room_named(text, "you are in #") {
                    self.entered(&naming::tidy(room));
                } else if let Some(room) = room_named(text, "you left #") {
                    let room = self.spelled(room);
                    self.wishes.rooms.retain(|other| *other != room);
                    self.rooms.remove(&room);
                }
            }
            Heard::Nick { from, to, .. } if *from == self.me => self.me = naming::tidy(to),
            _ => {}
        }
    }

    /// Rooms are spelled as we spell them from here on.
    fn respell(&self, heard: &mut Heard) {
        match heard {
            Heard::Message(Said { room, .. })
            | Heard::Action(Said { room, .. })
            | Heard::Join { room, .. }
            | Heard::Leave { room, .. }
            | Heard::Nick { room, .. }
            | Heard::Topic { room, .. }
            | Heard::Receipt { room, .. }
            | Heard::Gap { room, .. } => *room = self.spelled(room),
            _ => {}
        }
    }

    /// A room as we spell it, if it is one of ours.
    #[must_use]
    pub fn spelled(&self, room: &str) -> String {
        let is_ours = self.wishes.rooms.iter().any(|own| own == room);
        let same = || self.wishes.rooms.iter().find(|own| naming::same(own, room));
        if is_ours { None } else { same() }.map_or_else(|| room.to_owned(), Clone::clone)
    }

    /// What was heard of a room. Only of so many, for a server can name as many as it likes.
    fn numbers(&mut self, room: &str) -> Option<&mut Numbers> {
        if !self.rooms.contains_key(room) && self.rooms.len() >= MOST_ROOMS {
            return None;
        }
        Some(self.rooms.entry(room.to_owned()).or_default())
    }

    /// We are in a room: it is one of those to be in from now on.
    fn entered(&mut self, room: &str) {
        let room = &self.spelled(room);
        if self.wishes.rooms.is_empty() && room != LOBBY {
            self.wishes.rooms.push(LOBBY.to_owned());
        }
        let is_new = !self.wishes.rooms.contains(room) && room != LOBBY;
        if is_new && self.wishes.rooms.len() < MOST_ROOMS {
            self.wishes.rooms.push(room.to_owned());
            self.ask_past(room);
        }
    }

    /// Asks for what was said last, at least for one line: it has the room's number.
    pub(super) fn ask_past(&mut self, room: &str) {
        self.lines.push_back(format!("/history #{room} {}", self.wishes.past.max(1)));
        self.histories.push_back(room.to_owned());
    }

    /// Is this to be shown?
    fn admits(&mut self, said: &Said) -> bool {
        if said.old {
            if let (Some(seq), Some(room)) = (said.seq, self.histories.front())
                && *room == said.room
            {
                let past = self.wishes.past;
                if let Some(numbers) = self.numbers(&said.room) {
                    numbers.begin(seq);
                }
                return past > 0;
            }
            return true;
        }
        if let Some(id) = &said.id
            && self.outgoing.recognised(id)
        {
            self.events.push_back(Event::Receipt(id.clone(), said.seq));
        }
        let is_in = matches!(self.stage, Stage::Entering | Stage::Present);
        let Some(seq) = said.seq.filter(|_| is_in) else { return self.stage == Stage::Present };
        // On entering for the first time we are still in the lobby, which is perhaps not ours.
        if !self.been && !self.is_wanted(&said.room) {
            return false;
        }
        let is_new = self.numbers(&said.room).is_none_or(|numbers| numbers.hear(seq, said.replay) == Fate::New);
        self.look_for_holes(&said.room);
        // What we said ourselves nobody tells us, but for a replay.
        is_new && !said.id.as_ref().is_some_and(|id| self.outgoing.is_own(id))
    }

    fn is_wanted(&self, room: &str) -> bool {
        self.wishes.rooms.is_empty() || self.wishes.rooms.iter().any(|wanted| wanted == room)
    }

    /// Something that is missing, and not ours, is asked for again.
    fn look_for_holes(&mut self, room: &str) {
        if !self.is_present() || self.outgoing.concerns(room) {
            return;
        }
        if let Some(numbers) = self.rooms.get_mut(room)
            && let Some(after) = numbers.missing()
        {
            numbers.catching_up = true;
            self.replays += 1;
            self.lines.push_back(format!("/resume #{room} {after}"));
        }
    }

    fn received(&mut self, room: &str, seq: Option<u64>, id: String) {
        for saying in self.outgoing.received(&id) {
            self.events.push_back(Event::Refused(saying));
        }
        if let Some(numbers) = self.numbers(room)
            && let Some(seq) = seq
        {
            numbers.note(seq, seq);
        }
        self.events.push_back(Event::Receipt(id, seq));
    }

    /// The end of a history that nobody but us asked for.
    fn looked_back(&mut self) {
        // If nothing was ever said there, everything will be new.
        if let Some(room) = self.histories.pop_front()
            && let Some(numbers) = self.numbers(&room)
        {
            numbers.begin(0);
        }
    }

    pub(super) fn replay_over(&mut self) {
        self.replays = self.replays.saturating_sub(1);
        if self.replays == 0 {
            self.rooms.values_mut().for_each(|room| room.catching_up = false);
        }
    }
}

/// The room that a text begins with, behind some words.
pub(super) fn room_named<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(before)?;
    rest.split([',', ';', ' ']).next().filter(|room| !room.is_empty())
}

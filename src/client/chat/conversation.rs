//! A conversation with the chat, over as many connections as it takes: what is sent when, what is new, what was said
//! already. Pure: lines come in, lines and events go out.
//!
//! ```text
//! Away --- connected ---> Greeting --- "- parlor chat:" ---> Welcome --- welcome ---> Entering --- welcome ---> Present
//!                                                               |                        ^
//!                                                               '--> Returning ----------'   with the token of before
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::heard::{Heard, Said};
use super::numbers::{Fate, Numbers};
use super::outgoing::{Outgoing, Saying};

/// How the chat names itself in its first line.
const GREETING: &str = "- parlor chat: ";
/// The room in which everybody is put on coming.
pub const LOBBY: &str = "lobby";

/// What somebody wants of the chat.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Rooms to be in; none: where the server puts everybody.
    pub rooms: Vec<String>,
    /// A name to have.
    pub nick: Option<String>,
    /// How much of what was said before is shown on entering a room.
    pub past: u32,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// To be shown: the server's line as it is, and what it says.
    Heard(String, Heard),
    /// In all rooms, under our name; `true` after a broken line.
    Ready(bool),
    /// A receipt came for this id, with its number.
    Receipt(String, Option<u64>),
    /// The server will not say this.
    Refused(Saying),
    /// A PING of ours was answered.
    Pong(String),
    /// It makes no sense to go on.
    Failed(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Away,
    Greeting,
    Welcome,
    Returning,
    Entering,
    Present,
}

/// The conversation.
#[derive(Debug)]
pub struct Conversation {
    pub(super) wishes: Wishes,
    pub(super) stage: Stage,
    /// It was in the rooms once already.
    pub(super) been: bool,
    pub(super) me: String,
    /// The token of the session that is to be kept, and the name of its history.
    pub(super) token: String,
    /// The token of the guest that we are until the server has answered to ours.
    pub(super) fresh: String,
    pub(super) epoch: String,
    pub(super) rooms: BTreeMap<String, Numbers>,
    /// Replays that were asked for, and histories that we asked for ourselves, by room.
    pub(super) replays: usize,
    pub(super) histories: VecDeque<String>,
    /// What is to be said.
    pub outgoing: Outgoing,
    pub(super) lines: VecDeque<String>,
    pub(super) events: VecDeque<Event>,
    /// The error that came last, in case the server closes on it.
    last_error: Option<String>,
}

impl Conversation {
    /// A conversation to be; `chance` makes its ids its own.
    #[must_use]
    pub fn new(wishes: Wishes, chance: [u8; 8]) -> Self {
        let rooms = wishes.rooms.iter().map(|room| folded(room)).collect();
        Self {
            wishes: Wishes { rooms, ..wishes },
            stage: Stage::Away,
            been: false,
            me: String::new(),
            token: String::new(),
            fresh: String::new(),
            epoch: String::new(),
            rooms: BTreeMap::new(),
            replays: 0,
            histories: VecDeque::new(),
            outgoing: Outgoing::new(chance),
            lines: VecDeque::new(),
            events: VecDeque::new(),
            last_error: None,
        }
    }

    /// The name that we have.
    #[must_use]
    pub fn me(&self) -> &str {
        &self.me
    }

    /// The rooms that we are to be in.
    #[must_use]
    pub fn rooms(&self) -> &[String] {
        &self.wishes.rooms
    }

    /// Where something is said for which nobody named a room.
    #[must_use]
    pub fn room(&self) -> &str {
        self.wishes.rooms.first().map_or(LOBBY, String::as_str)
    }

    /// Are we in the rooms, and heard there?
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.stage == Stage::Present
    }

    /// Were we there once?
    #[must_use]
    pub fn has_been(&self) -> bool {
        self.been
    }

    /// The next line to send.
    pub fn line(&mut self) -> Option<String> {
        self.lines.pop_front().or_else(|| if self.is_present() { self.outgoing.take() } else { None })
    }

    /// The next thing that happened.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A connection stands.
    pub fn connected(&mut self) {
        self.stage = Stage::Greeting;
        self.last_error = None;
    }

    /// The connection is gone. Answers the server's last complaint, if it had one.
    pub fn broken(&mut self) -> Option<String> {
        self.stage = Stage::Away;
        self.outgoing.broken();
        self.lines.clear();
        self.histories.clear();
        self.replays = 0;
        for room in self.rooms.values_mut() {
            room.catching_up = false;
        }
        self.last_error.take()
    }

    /// A line came from the server.
    pub fn hear(&mut self, line: &str) {
        match self.stage {
            Stage::Away => {}
            Stage::Greeting => self.greeted(line),
            _ => {
                if let Some(heard) = Heard::read(line) {
                    self.object(line, heard);
                }
            }
        }
    }

    fn greeted(&mut self, line: &str) {
        if line.starts_with(GREETING) {
            self.stage = Stage::Welcome;
            self.lines.push_back("/format json".to_owned());
        } else if let Some(error) = line.strip_prefix("! ") {
            self.last_error = Some(error.to_owned());
        } else {
            self.events.push_back(Event::Failed("something else than a parlor chat answers there".to_owned()));
        }
    }

    fn object(&mut self, line: &str, heard: Heard) {
        match heard {
            Heard::Ping { token } => self.lines.push_back(format!("PONG {token}").trim_end().to_owned()),
            Heard::Pong { token } => self.events.push_back(Event::Pong(token)),
            Heard::Welcome { ref nick, ref session, ref epoch } => {
                let (nick, session, epoch) = (nick.clone(), session.clone(), epoch.clone());
                let is_asked_for = matches!(self.stage, Stage::Entering | Stage::Present);
                self.welcomed(nick, &session, epoch);
                if is_asked_for {
                    self.show(line, heard);
                }
            }
            Heard::Error { ref code, ref text } => {
                self.last_error = Some(format!("{code}: {text}"));
                let code = code.clone();
                if !self.expected(&code) {
                    self.show(line, heard);
                }
            }
            Heard::Message(ref said) | Heard::Action(ref said) if !self.admits(said) => {}
            Heard::Message(_) | Heard::Action(_) => self.show(line, heard),
            Heard::Receipt { ref room, seq, ref id } => {
                let (room, id) = (room.clone(), id.clone());
                self.received(&room, seq, id);
                self.show(line, heard);
            }
            Heard::Gap { ref room, from_seq, to_seq } => {
                self.rooms.entry(room.clone()).or_default().note(from_seq, to_seq);
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
                    name.clone_into(&mut self.me);
                } else if let Some(room) = room_named(text, "you are in #") {
                    self.entered(room);
                } else if let Some(room) = room_named(text, "you left #") {
                    self.wishes.rooms.retain(|other| other != room);
                    self.rooms.remove(room);
                }
            }
            Heard::Nick { from, to, .. } if *from == self.me => to.clone_into(&mut self.me),
            _ => {}
        }
    }

    /// We are in a room: it is one of those to be in from now on.
    fn entered(&mut self, room: &str) {
        if self.wishes.rooms.is_empty() && room != LOBBY {
            self.wishes.rooms.push(LOBBY.to_owned());
        }
        if !self.wishes.rooms.iter().any(|other| other == room) && room != LOBBY {
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
                self.rooms.entry(said.room.clone()).or_default().begin(seq);
                return self.wishes.past > 0;
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
        let is_new = self.rooms.entry(said.room.clone()).or_default().hear(seq, said.replay) == Fate::New;
        self.look_for_holes(&said.room);
        is_new
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
        if let Some(seq) = seq {
            self.rooms.entry(room.to_owned()).or_default().note(seq, seq);
        }
        self.events.push_back(Event::Receipt(id, seq));
    }

    /// The end of a history that nobody but us asked for.
    fn looked_back(&mut self) {
        if let Some(room) = self.histories.pop_front() {
            // If nothing was ever said there, everything will be new.
            self.rooms.entry(room).or_default().begin(0);
        }
    }

    pub(super) fn replay_over(&mut self) {
        self.replays = self.replays.saturating_sub(1);
        if self.replays == 0 {
            self.rooms.values_mut().for_each(|room| room.catching_up = false);
        }
    }
}

/// A room's name as the server writes it.
fn folded(room: &str) -> String {
    room.strip_prefix('#').unwrap_or(room).to_lowercase()
}

fn room_named<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(before)?;
    rest.split([',', ';', ' ']).next().filter(|room| !room.is_empty())
}

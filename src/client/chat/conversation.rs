//! A conversation with the chat, over as many connections as it takes: what is sent when, what is new, what was said
//! already. Pure: lines come in, lines and events go out.
//!
//! ```text
//! Away --- connected ---> Greeting --- "- parlor chat:" ---> Welcome --- welcome ---> Entering --- welcome ---> Present
//!                                                               |                        ^
//!                                                               '--> Returning ----------'   with the token of before
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::heard::Heard;
use super::naming;
use super::numbers::Numbers;
use super::outgoing::{Outgoing, Saying};
use crate::client::login::{INSECURE, Login};
use crate::services::chat::{Command, Secret, parse};

/// How the chat names itself in its first line.
const GREETING: &str = "- parlor chat: ";
/// How that goes on where one has to log in.
const WHO: &str = "who are you?";
/// The room in which everybody is put on coming.
pub const LOBBY: &str = "lobby";

/// Why a line is not sent on.
const OWN: &str = "the client needs that for itself, and does it without being told";
/// Why a line is neither obeyed nor said.
pub const SECRET: &str = "something stands before a command that holds a secret, so it was neither obeyed nor said";

/// What somebody wants of the chat.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Rooms to be in; none: where the server puts everybody.
    pub rooms: Vec<String>,
    /// A name to have.
    pub nick: Option<String>,
    /// Who to log in as.
    pub login: Option<Login>,
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

/// An error came while something had no receipt. What it was about can't be told from it; but what is asked after it, and
/// asked again after that was answered, is answered behind every receipt that was still to come.
#[derive(Debug)]
pub(super) struct Doubt {
    /// The last that was said before.
    pub(super) id: String,
    /// The second question was asked.
    pub(super) again: bool,
    /// Another error came since.
    pub(super) more: bool,
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
    /// A `/login` was sent for whoever is wished for, and has no answer yet.
    pub(super) proves: bool,
    /// Nobody can read on the way what is sent.
    pub(super) is_private: bool,
    /// One that was typed, until it is answered.
    pub(super) typed_login: Option<Login>,
    /// Nobody is let in here who does not log in first.
    pub(super) is_guarded: bool,
    /// Why it makes no sense to go on on this connection; on another it may.
    pub(super) hopeless: Option<String>,
    /// Something may have been refused.
    pub(super) doubt: Option<Doubt>,
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
    pub(super) last_error: Option<String>,
}

impl Conversation {
    /// A conversation to be; `chance` makes its ids its own.
    #[must_use]
    pub fn new(wishes: Wishes, chance: [u8; 8]) -> Self {
        let rooms = wishes.rooms.iter().map(|room| naming::room(room)).collect();
        Self {
            wishes: Wishes { rooms, ..wishes },
            stage: Stage::Away,
            been: false,
            me: String::new(),
            token: String::new(),
            fresh: String::new(),
            proves: false,
            is_private: false,
            typed_login: None,
            is_guarded: false,
            hopeless: None,
            doubt: None,
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

    /// Has the server not even said yet that it will speak our language?
    #[must_use]
    pub fn is_unwelcome(&self) -> bool {
        matches!(self.stage, Stage::Greeting | Stage::Welcome)
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

    /// Why this connection is to be given up, if so.
    pub fn hopeless(&mut self) -> Option<String> {
        self.hopeless.take()
    }

    /// Takes a line that is to be obeyed. What would change how the server speaks with us is not sent.
    ///
    /// # Errors
    /// Why not.
    pub fn obey(&mut self, line: &str) -> Result<(), &'static str> {
        match parse(line) {
            Ok(Command::Format(_) | Command::Session | Command::TakeUp { .. }) => return Err(OWN),
            Ok(Command::Login { .. }) if !self.is_private => return Err(INSECURE),
            Ok(Command::Login { name, password: Secret(password) }) => {
                self.typed_login = Some(Login { name: name.to_owned(), password: password.to_owned() });
            }
            _ => {}
        }
        self.outgoing.command(line);
        Ok(())
    }

    /// A connection stands. Nobody can read on the way what is sent on a private one.
    pub fn connected(&mut self, is_private: bool) {
        self.is_private = is_private;
        self.stage = Stage::Greeting;
        self.last_error = None;
    }

    /// The connection is gone. Answers the server's last complaint, if it had one.
    pub fn broken(&mut self) -> Option<String> {
        self.stage = Stage::Away;
        self.outgoing.broken();
        (self.proves, self.typed_login, self.doubt) = (false, None, None);
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
        if let Some(rest) = line.strip_prefix(GREETING) {
            self.is_guarded = rest.starts_with(WHO);
            if self.is_guarded && self.wishes.login.is_none() {
                let text = "one has to log in there, and --login NAME does that".to_owned();
                return self.events.push_back(Event::Failed(text));
            }
            self.stage = Stage::Welcome;
            self.lines.push_back("/format json".to_owned());
        } else if let Some(error) = line.strip_prefix("! ") {
            self.last_error = Some(error.to_owned());
        } else {
            let text = "something else than a parlor chat answers there".to_owned();
            // Whoever has been there knows better: it may come back to its place.
            if self.been {
                self.hopeless = Some(text);
            } else {
                self.events.push_back(Event::Failed(text));
            }
        }
    }
}

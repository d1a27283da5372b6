//! A line to a command. What is no command is said; what looks like one and is none is an error, never said.

use std::borrow::Cow;
use std::fmt;

use super::args::{Args, person, room, split};
use super::text::neutralise_cow;
use super::{Complaint, Form, Help, Order};

/// The longest thing that can be said, in bytes, whatever the framing: two screens full. More is a document.
pub const MAX_SAID: usize = 4096;

/// The longest topic and the longest parting words, in bytes: they stand on one line of a screen among others.
pub const MAX_TOPIC: usize = 400;

/// The longest token of a PING, in bytes: a peer may not store its data in our answers.
pub const MAX_TOKEN: usize = 64;

/// A wrong command's word is repeated up to this many bytes, and only if it is nothing but letters: what was meant for
/// `/login` and lacks a blank may hold a password.
const MAX_QUOTED: usize = 16;

/// What a client asks for. Texts for others to see are neutralised and within their limits; names are as they came,
/// less one leading `#` or `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// A blank line.
    Nothing,
    /// Say it, or do it.
    Say {
        /// What.
        text: Cow<'a, str>,
        /// Where, if not in the current room.
        room: Option<Cow<'a, str>>,
        /// The speaker's id for it, which asks for a receipt.
        id: Option<Cow<'a, str>>,
        /// `/me`
        action: bool,
    },
    /// Take a name.
    Nick(&'a str),
    /// Enter a room.
    Join(&'a str),
    /// Enter a room that has a password.
    JoinLocked {
        /// The room.
        room: &'a str,
        /// Everything behind the blank after it.
        password: Secret<'a>,
    },
    /// Let nobody into the current room but with a password, or by invitation.
    Lock(Option<Secret<'a>>),
    /// Let everybody in again, into a room or the current one.
    Unlock(Option<&'a str>),
    /// Let somebody into the current room.
    Invite(&'a str),
    /// Show what everybody is told on coming.
    Motd,
    /// Keep order.
    Order(Order<'a>),
    /// Leave a room, or the current one.
    Leave(Option<&'a str>),
    /// List the rooms.
    Rooms,
    /// List a room's members, or the current one's.
    Who(Option<&'a str>),
    /// Show the topic, or set it; an empty one takes it away.
    Topic(Option<Cow<'a, str>>),
    /// A private message.
    Msg {
        /// To whom.
        name: &'a str,
        /// What.
        text: Cow<'a, str>,
    },
    /// Show what was said.
    History {
        /// Where, if not in the current room.
        room: Option<&'a str>,
        /// How many lines.
        count: Option<u32>,
    },
    /// Replay all after a number, then go on live.
    Resume {
        /// The room.
        room: &'a str,
        /// The last number already heard.
        seq: u64,
    },
    /// Show this session's token.
    Session,
    /// Take up an earlier session.
    TakeUp {
        /// Its token.
        token: Secret<'a>,
        /// The rooms to resume, each with the last number already heard.
        rooms: Vec<(&'a str, u64)>,
    },
    /// Prove who one is.
    Login {
        /// The account.
        name: &'a str,
        /// Everything behind the blank after the name.
        password: Secret<'a>,
    },
    /// Speak to me like this.
    Format(Form),
    /// Tell about this connection.
    Info,
    /// Tell about the server.
    Stats,
    /// Explain the commands, or one.
    Help(Option<&'a str>),
    /// Leave, with parting words.
    Quit(Option<Cow<'a, str>>),
    /// Are you there? The token may be empty.
    Ping(&'a str),
    /// Here. The token may be empty.
    Pong(&'a str),
}

/// Something that no log and no error may show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(pub &'a str);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// What a line asks for.
///
/// # Errors
/// `unknown-command`, `usage`, `too-long`, `leading-blank`.
pub fn parse(line: &str) -> Result<Command<'_>, Complaint> {
    if let Some(rest) = line.strip_prefix('/') {
        return if rest.starts_with('/') { say(rest, false) } else { command(rest) };
    }
    if line.trim().is_empty() {
        return Ok(Command::Nothing);
    }
    if let Some(token) = beat(line, "PING") {
        return Ok(Command::Ping(token));
    }
    if let Some(token) = beat(line, "PONG") {
        return Ok(Command::Pong(token));
    }
    if holds_a_secret(line) {
        let wrong = "there are blanks before a command that holds a secret, so it was neither obeyed nor said";
        return Err(Complaint::new("leading-blank", format!("{wrong}; write it again without them")));
    }
    say(line, false)
}

/// A text as others may see it, if it is not too long. Counted is what they get: a replaced control takes three bytes.
pub(super) fn said(text: Cow<'_, str>) -> Result<Cow<'_, str>, Complaint> {
    let text = neutralise_cow(text);
    if text.len() > MAX_SAID { Err(Complaint::too_long("what is said", text.len(), MAX_SAID)) } else { Ok(text) }
}

fn say(text: &str, action: bool) -> Result<Command<'_>, Complaint> {
    Ok(Command::Say { text: said(Cow::Borrowed(text))?, room: None, id: None, action })
}

/// A heartbeat's token, if the line is exactly one.
fn beat<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let token = rest.strip_prefix(' ')?;
    let is_word = !token.is_empty() && token.len() <= MAX_TOKEN && !token.contains(char::is_whitespace);
    is_word.then_some(token)
}

/// Is this a command with a password or a token, perhaps behind something that can't be seen, so that it would be said?
#[must_use]
pub fn holds_a_secret(line: &str) -> bool {
    let is_unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let Some(rest) = line.trim_start_matches(is_unseen).strip_prefix('/') else { return false };
    let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    // A room is entered by its name alone, or with a password behind it.
    let holds_password = word.eq_ignore_ascii_case("join") && rest.split_whitespace().nth(2).is_some();
    holds_password || ["login", "session", "lock"].iter().any(|secret| secret.eq_ignore_ascii_case(word))
}

fn command(line: &str) -> Result<Command<'_>, Complaint> {
    let (word, rest) = split(line);
    let Some(help) = Help::find(word) else { return Err(unknown(word)) };
    let args = Args { help, rest };
    match help.name {
        "nick" => args.one().map(|name| Command::Nick(person(name))),
        "join" => args.join(),
        "leave" => args.some().map(|name| Command::Leave(name.map(room))),
        "rooms" => args.none(Command::Rooms),
        "who" => args.some().map(|name| Command::Who(name.map(room))),
        "topic" => args.topic(),
        "lock" => Ok(args.lock()),
        "unlock" => args.some().map(|name| Command::Unlock(name.map(room))),
        "invite" => args.one().map(|name| Command::Invite(person(name))),
        "motd" => args.motd(),
        "kick" => args.kick().map(Command::Order),
        "ban" => args.ban().map(Command::Order),
        "unban" => args.unban().map(Command::Order),
        "mute" => args.mute().map(Command::Order),
        "unmute" => args.one().map(|name| Command::Order(Order::Unmute(person(name)))),
        "me" => say(args.text()?, true),
        "msg" => {
            let (name, text) = args.name_and_text()?;
            Ok(Command::Msg { name, text: said(Cow::Borrowed(text))? })
        }
        "history" => args.history(),
        "resume" => args.resume(),
        "session" => args.session(),
        "login" => args.login(),
        "format" => args.form().map(Command::Format),
        "info" => args.none(Command::Info),
        "stats" => args.none(Command::Stats),
        "help" => args.some().map(|name| Command::Help(name.map(|name| name.strip_prefix('/').unwrap_or(name)))),
        "quit" => args.words_of_few("what is said in parting").map(Command::Quit),
        _ => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> Complaint {
    let wrong = match word {
        "" => "a lone / is no command".to_owned(),
        _ if word.len() <= MAX_QUOTED && word.bytes().all(|b| b.is_ascii_alphabetic()) => {
            format!("/{word} is no command")
        }
        _ => "this is no command".to_owned(),
    };
    Complaint::new("unknown-command", format!("{wrong}; /help lists them, and // at the start says a text with one /"))
}

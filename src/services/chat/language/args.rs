//! What stands behind a command's word.

use std::borrow::Cow;
use std::str::FromStr;

use super::text::neutralise;
use super::{Command, Complaint, Form, Help, MAX_TOPIC, Order, Secret};

/// Words stand apart by blanks and tabs, and by nothing else: a CR inside a name is an error of that name.
const BLANKS: [char; 2] = [' ', '\t'];

/// A command's arguments, and how they should be.
pub(super) struct Args<'a> {
    pub(super) help: &'static Help,
    pub(super) rest: &'a str,
}

/// The first word, and what stands behind the one blank after it.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once(BLANKS).unwrap_or((text, ""))
}

/// A room's name without `#`.
pub(super) fn room(word: &str) -> &str {
    word.strip_prefix('#').unwrap_or(word)
}

/// A person's name without `@`.
pub(super) fn person(word: &str) -> &str {
    word.strip_prefix('@').unwrap_or(word)
}

impl<'a> Args<'a> {
    pub(super) fn none(&self, command: Command<'a>) -> Result<Command<'a>, Complaint> {
        match self.words().next() {
            None => Ok(command),
            Some(_) => Err(self.too_many()),
        }
    }

    pub(super) fn some(&self) -> Result<Option<&'a str>, Complaint> {
        let mut words = self.words();
        match (words.next(), words.next()) {
            (word, None) => Ok(word),
            _ => Err(self.too_many()),
        }
    }

    pub(super) fn one(&self) -> Result<&'a str, Complaint> {
        self.some()?.ok_or_else(|| self.missing())
    }

    /// Everything, if it is not blank. Blanks at its end stay, like those at the end of what is said.
    pub(super) fn text(&self) -> Result<&'a str, Complaint> {
        some_text(self.rest).ok_or_else(|| self.missing())
    }

    /// A name, and a text.
    pub(super) fn name_and_text(&self) -> Result<(&'a str, &'a str), Complaint> {
        let (name, rest) = split(self.rest.trim_start_matches(BLANKS));
        let text = some_text(rest).ok_or_else(|| self.missing())?;
        Ok((person(name), text))
    }

    /// A name and a password, which is all that stands behind the one blank after the name: it may have blanks too.
    pub(super) fn login(&self) -> Result<Command<'a>, Complaint> {
        let (name, password) = split(self.rest.trim_start_matches(BLANKS));
        some_text(password).ok_or_else(|| self.missing())?;
        Ok(Command::Login { name: person(name), password: Secret(password) })
    }

    /// Words for all to see, if any.
    pub(super) fn words_of_few(&self, what: &str) -> Result<Option<Cow<'a, str>>, Complaint> {
        let text = neutralise(self.rest.trim_matches(BLANKS));
        if text.len() > MAX_TOPIC {
            return Err(Complaint::too_long(what, text.len(), MAX_TOPIC));
        }
        Ok(if text.is_empty() { None } else { Some(text) })
    }

    /// A room, and its password if it has one: all that stands behind the blank after the room.
    pub(super) fn join(&self) -> Result<Command<'a>, Complaint> {
        let (name, password) = split(self.rest.trim_matches(BLANKS));
        match some_text(password) {
            _ if name.is_empty() => Err(self.missing()),
            None => Ok(Command::Join(room(name))),
            Some(password) => Ok(Command::JoinLocked { room: room(name), password: Secret(password) }),
        }
    }

    /// A password for a room.
    pub(super) fn lock(&self) -> Command<'a> {
        Command::Lock(some_text(self.rest.trim_matches(BLANKS)).map(Secret))
    }

    /// A topic; `-` is none, and `lock` and `unlock` say who may set it.
    pub(super) fn topic(&self) -> Result<Command<'a>, Complaint> {
        let text = self.words_of_few("a topic")?;
        Ok(match text.as_deref() {
            Some("lock") => Command::Order(Order::LockTopic(true)),
            Some("unlock") => Command::Order(Order::LockTopic(false)),
            Some("-") => Command::Topic(Some(Cow::Borrowed(""))),
            _ => Command::Topic(text),
        })
    }

    /// What everybody is told on coming; `-` is nothing.
    pub(super) fn motd(&self) -> Result<Command<'a>, Complaint> {
        let text = self.words_of_few("what everybody is told")?;
        let order = |text| Command::Order(Order::SetMotd(text));
        Ok(text.map_or(Command::Motd, |text| order(if text == "-" { Cow::Borrowed("") } else { text })))
    }

    /// A room, a count, or both in this order. A room whose name is a number is written with `#`.
    pub(super) fn history(&self) -> Result<Command<'a>, Complaint> {
        let mut words = self.words();
        let (first, second) = (words.next(), words.next());
        if words.next().is_some() {
            return Err(self.too_many());
        }
        let (place, count) = match (first, second) {
            (Some(word), None) if is_digits(word) => (None, Some(word)),
            words => words,
        };
        let count = count.map(|word| self.number(word, "COUNT")).transpose()?;
        Ok(Command::History { room: place.map(room), count })
    }

    pub(super) fn resume(&self) -> Result<Command<'a>, Complaint> {
        let mut words = self.words();
        match (words.next(), words.next(), words.next()) {
            (Some(place), Some(seq), None) => Ok(Command::Resume { room: room(place), seq: self.number(seq, "SEQ")? }),
            (_, _, Some(_)) => Err(self.too_many()),
            _ => Err(self.missing()),
        }
    }

    pub(super) fn session(&self) -> Result<Command<'a>, Complaint> {
        let mut words = self.words();
        let Some(token) = words.next() else { return Ok(Command::Session) };
        let mut rooms = Vec::new();
        while let Some(place) = words.next() {
            let seq = words.next().ok_or_else(|| self.missing())?;
            rooms.push((room(place), self.number(seq, "SEQ")?));
        }
        Ok(Command::TakeUp { token: Secret(token), rooms })
    }

    pub(super) fn form(&self) -> Result<Form, Complaint> {
        match self.one()? {
            word if word.eq_ignore_ascii_case("plain") => Ok(Form::Plain),
            word if word.eq_ignore_ascii_case("json") => Ok(Form::Json),
            _ => Err(Complaint::usage(self.help, "there are two forms")),
        }
    }

    fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rest.split(BLANKS).filter(|word| !word.is_empty())
    }

    /// Digits and nothing else; the word itself is not repeated, it might be a token in the wrong place.
    fn number<T: FromStr>(&self, word: &str, what: &str) -> Result<T, Complaint> {
        let number = if is_digits(word) { word.parse().ok() } else { None };
        number.ok_or_else(|| Complaint::usage(self.help, &format!("{what} is a number that is not too large")))
    }

    fn missing(&self) -> Complaint {
        Complaint::usage(self.help, "something is missing")
    }

    fn too_many(&self) -> Complaint {
        Complaint::usage(self.help, "there is too much")
    }
}

fn is_digits(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

/// A text without the blanks before it, if anything is left.
fn some_text(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(BLANKS);
    (!text.trim().is_empty()).then_some(text)
}

//! Objects for programs, written by hand: there are few, and none of them costs an allocation.

use std::io::Write as _;

use super::text::is_unsafe;
use super::{Speech, When};
use crate::hub::Wall;

/// Appends `speech` as one JSON object on one line, without the line's end.
pub fn json(speech: &Speech<'_>, out: &mut Vec<u8>) {
    match *speech {
        Speech::Said { .. } => said(speech, out),
        Speech::Private { from, at, text } => {
            Object::open(out, "private").text("from", from).time(at).text("text", text).close();
        }
        Speech::Joined { room, from, at, back } => {
            Object::news(out, "join", room, from, at).mark("back", back).close();
        }
        Speech::Left { room, from, at, reason } => {
            Object::news(out, "leave", room, from, at).text("reason", reason).close();
        }
        Speech::Renamed { room, from, at, to } => Object::news(out, "nick", room, from, at).text("to", to).close(),
        Speech::Topic { room, from, at, text } => Object::news(out, "topic", room, from, at).text("text", text).close(),
        Speech::Receipt { room, seq, id } => {
            Object::open(out, "receipt").text("room", room).seq(seq).text("id", id).close();
        }
        Speech::Gap { room, from_seq, to_seq } => {
            let object = Object::open(out, "gap").text("room", room);
            object.number("from_seq", from_seq).number("to_seq", to_seq).close();
        }
        Speech::End { of } => Object::open(out, "end").text("of", of).close(),
        Speech::Info { text } => Object::open(out, "info").text("text", text).close(),
        Speech::Error { code, text } => Object::open(out, "error").text("code", code).text("text", text).close(),
        Speech::Ping { token } => Object::open(out, "ping").text("token", token).close(),
        Speech::Pong { token } => Object::open(out, "pong").text("token", token).close(),
        Speech::Welcome { nick, session, epoch } => {
            let object = Object::open(out, "welcome").text("nick", nick);
            object.text("session", session).text("epoch", epoch).close();
        }
    }
}

fn said(speech: &Speech<'_>, out: &mut Vec<u8>) {
    let &Speech::Said { room, seq, at, from, text, action, when, id } = speech else { return };
    let kind = if action { "action" } else { "message" };
    let object = Object::open(out, kind).text("room", room).seq(seq).time(at).text("from", from).text("text", text);
    let object = match id {
        Some(id) => object.text("id", id),
        None => object,
    };
    object.mark("replay", when == When::Replay).mark("old", when == When::Old).close();
}

/// An object that is being written. The names of its fields are ours and need no escapes.
struct Object<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>, kind: &str) -> Self {
        out.extend_from_slice(b"{\"type\":");
        string(out, kind);
        Self { out }
    }

    /// What the news of a room begin with.
    fn news(out: &'o mut Vec<u8>, kind: &str, room: &str, from: &str, at: Wall) -> Self {
        Self::open(out, kind).text("room", room).text("from", from).time(at)
    }

    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        string(self.out, value);
        self
    }

    fn number(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        let _ = write!(self.out, "{value}");
        self
    }

    fn seq(self, seq: Option<u64>) -> Self {
        match seq {
            Some(seq) => self.number("seq", seq),
            None => self,
        }
    }

    fn time(mut self, at: Wall) -> Self {
        self.name("at");
        let _ = write!(self.out, "\"{at}\"");
        self
    }

    /// `true`, or no field at all.
    fn mark(mut self, name: &str, is: bool) -> Self {
        if is {
            self.name(name);
            self.out.extend_from_slice(b"true");
        }
        self
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

/// Appends a JSON string that parses back to `text` to the byte. More is escaped than JSON asks for: who looks at the
/// raw line on a terminal must not be led astray by it either.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if needs_no_look(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        let mut written = 0;
        for (at, c) in text.char_indices().filter(|&(_, c)| matches!(c, '"' | '\\' | '\t') || is_unsafe(c)) {
            out.extend_from_slice(&text.as_bytes()[written..at]);
            escape(out, c);
            written = at + c.len_utf8();
        }
        out.extend_from_slice(&text.as_bytes()[written..]);
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, c: char) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        // All of them lie below U+10000, so one escape is enough.
        _ => drop(write!(out, "\\u{:04x}", u32::from(c))),
    }
}

/// ASCII without anything to escape: most of what is said.
fn needs_no_look(bytes: &[u8]) -> bool {
    let is_simple = |b: u8| matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    bytes.chunks(64).all(|piece| piece.iter().fold(true, |good, &b| good & is_simple(b)))
}

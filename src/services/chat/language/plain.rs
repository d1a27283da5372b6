//! Lines for people.
//!
//! The first character tells the kind: `#` a room, `@` a private message, `-` an answer or news, `!` an error, `P` a
//! heartbeat. What others wrote stands only behind a name in angle brackets, a `*`, a `--` with a name, or an `@` with
//! a name, and can't begin a line, because everything that could end one is replaced once more on its way out.
//!
//! The text of a [`Speech::Info`] is the server's own and begins with a word of its own; `- #room` followed by a
//! number or by `gap` belongs to [`Speech::Said`] and [`Speech::Gap`].

use std::borrow::Cow;
use std::io::Write as _;

use super::text::{is_printable_ascii, neutralise};
use super::{Speech, When};

/// Appends `speech` as one line, without its end.
///
/// What comes in is clean already. It is made clean again here, where a line is a line: an old history, or a mistake
/// elsewhere, must not become a forged one.
pub fn plain(speech: &Speech<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    line(speech, out);
    if !is_printable_ascii(&out[start..])
        && let Cow::Owned(clean) = neutralise(str::from_utf8(&out[start..]).unwrap_or_default())
    {
        out.truncate(start);
        out.extend_from_slice(clean.as_bytes());
    }
}

fn line(speech: &Speech<'_>, out: &mut Vec<u8>) {
    match *speech {
        Speech::Said { .. } => said(speech, out),
        Speech::Private { from, text, .. } => put(out, &["@", from, " ", text]),
        Speech::Joined { room, from, back, .. } => news(out, room, from, if back { "joined (back)" } else { "joined" }),
        Speech::Left { room, from, reason: "", .. } => news(out, room, from, "left"),
        Speech::Left { room, from, reason, .. } => {
            news(out, room, from, "left (");
            put(out, &[reason, ")"]);
        }
        Speech::Renamed { room, from, to, .. } => {
            news(out, room, from, "is now ");
            put(out, &[to]);
        }
        Speech::Topic { room, from, text, .. } => {
            news(out, room, from, "topic:");
            word(out, text);
        }
        Speech::Receipt { room, seq, id } => {
            put(out, &["- #", room, " receipt "]);
            number(out, seq);
            put(out, &["for ", id]);
        }
        Speech::Gap { room, from_seq, to_seq } => {
            put(out, &["- #", room, " gap "]);
            number(out, Some(from_seq));
            let _ = write!(out, "{to_seq}");
        }
        Speech::End { of } => put(out, &["- end ", of]),
        Speech::Info { text } => {
            put(out, &["-"]);
            word(out, text);
        }
        Speech::Error { code, text } => {
            put(out, &["! ", code, ":"]);
            word(out, text);
        }
        Speech::Ping { token } => {
            put(out, &["PING"]);
            word(out, token);
        }
        Speech::Pong { token } => {
            put(out, &["PONG"]);
            word(out, token);
        }
        // The token is for programs, and for `/session`: a person's screen is seen by others.
        Speech::Welcome { nick, epoch: "", .. } => put(out, &["- you are ", nick]),
        Speech::Welcome { nick, epoch, .. } => put(out, &["- you are ", nick, "; this history is ", epoch]),
    }
}

/// What was said. The reader of an older line is told its number, for `/resume`, and its time.
fn said(speech: &Speech<'_>, out: &mut Vec<u8>) {
    let &Speech::Said { room, seq, at, from, text, action, when, .. } = speech else { return };
    if when == When::Live {
        put(out, &["#", room, " "]);
    } else {
        put(out, &["- #", room, " "]);
        number(out, seq);
        let _ = write!(out, "{at} ");
    }
    if action {
        put(out, &["* ", from, " ", text]);
    } else {
        put(out, &["<", from, "> ", text]);
    }
}

fn news(out: &mut Vec<u8>, room: &str, from: &str, what: &str) {
    put(out, &["#", room, " -- ", from, " ", what]);
}

/// A blank and a text, or nothing at all: no line ends in a blank that nobody wrote.
fn word(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() {
        put(out, &[" ", text]);
    }
}

/// A number, if there is one, and a blank.
fn number(out: &mut Vec<u8>, number: Option<u64>) {
    if let Some(number) = number {
        let _ = write!(out, "{number} ");
    }
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

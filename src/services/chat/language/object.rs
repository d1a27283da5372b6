//! A JSON client's line to a command.

use std::borrow::Cow;

use serde::Deserialize;

use super::command::said;
use super::{Command, Complaint, parse};

/// The longest id of a message: a UUID has 36 bytes, a SHA-256 in hexadecimal 64.
pub const MAX_ID: usize = 64;

/// How much of a parser's words is repeated: they may quote the whole line.
const MAX_QUOTED: usize = 160;

/// What would be right.
const RIGHT: &str = r#"right is {"say": TEXT, "room": ROOM, "id": ID}, with "me" for "say" if it is done"#;

/// What a JSON client's line asks for: an object when it begins with `{`, and what [`parse`] finds in any other.
///
/// # Errors
/// `json` for a malformed object, `empty`, `too-long`, and those of [`parse`].
pub fn parse_json(line: &str) -> Result<Command<'_>, Complaint> {
    if !line.starts_with('{') {
        return parse(line);
    }
    let object: Object<'_> = serde_json::from_str(line).map_err(|error| malformed(&cut(error.to_string())))?;
    let (text, action) = match (object.say, object.me) {
        (Some(text), None) => (text.0, false),
        (None, Some(text)) => (text.0, true),
        (Some(_), Some(_)) => return Err(malformed("there is a \"say\" and a \"me\"")),
        (None, None) => return Err(malformed("there is no \"say\" and no \"me\"")),
    };
    let id = object.id.map(|id| id.0);
    if let Some(id) = &id
        && !(1..=MAX_ID).contains(&id.len())
    {
        return Err(malformed(&format!("an id has 1 to {MAX_ID} bytes, and this has {}", id.len())));
    }
    if text.trim().is_empty() {
        return Err(Complaint::new("empty", "there is nothing in it to be said"));
    }
    Ok(Command::Say { text: said(text)?, room: object.room.map(|room| without_hash(room.0)), id, action })
}

/// What an object may hold. A `null` is as good as no field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'a> {
    #[serde(borrow)]
    say: Option<Text<'a>>,
    #[serde(borrow)]
    me: Option<Text<'a>>,
    #[serde(borrow)]
    room: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// A string, copied only if it has escapes. (Inside an `Option` a bare `Cow` would always be copied.)
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn malformed(wrong: &str) -> Complaint {
    Complaint::new("json", format!("{wrong}; {RIGHT}"))
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_QUOTED {
        text.truncate(text.floor_char_boundary(MAX_QUOTED));
        text.push('…');
    }
    text
}

fn without_hash(room: Cow<'_, str>) -> Cow<'_, str> {
    match room {
        Cow::Borrowed(room) => Cow::Borrowed(room.strip_prefix('#').unwrap_or(room)),
        Cow::Owned(mut room) => {
            if room.starts_with('#') {
                room.remove(0);
            }
            Cow::Owned(room)
        }
    }
}

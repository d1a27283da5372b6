//! What was heard, as a line for people: the first character tells its kind, as in the server's own plain form.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::heard::{Heard, Said};
use crate::services::chat::neutralise;

/// A line of output, without its end; none for what is no concern of people. Servers lie too, so whatever could speak to
/// a terminal is made harmless.
#[must_use]
pub fn plain(heard: &Heard) -> Option<String> {
    let line = match heard {
        Heard::Message(said) => format!("{}<{}> {}", before(said), said.from, said.text),
        Heard::Action(said) => format!("{}* {} {}", before(said), said.from, said.text),
        Heard::Private { from, text, .. } => format!("@{from} {text}"),
        Heard::Join { room, from, back, .. } => {
            format!("#{room} -- {from} joined{}", if *back { " (back)" } else { "" })
        }
        Heard::Leave { room, from, reason, .. } => format!("#{room} -- {from} left ({reason})"),
        Heard::Nick { room, from, to, .. } => format!("#{room} -- {from} is now {to}"),
        Heard::Topic { room, from, text, .. } => format!("#{room} -- {from} topic: {text}").trim_end().to_owned(),
        Heard::Gap { room, from_seq, to_seq } => format!("- #{room} gap {from_seq} {to_seq}"),
        Heard::Info { text } => format!("- {text}"),
        Heard::End { of } => format!("- end {of}"),
        Heard::Error { code, text } => format!("! {code}: {text}"),
        Heard::Welcome { .. } | Heard::Receipt { .. } | Heard::Ping { .. } | Heard::Pong { .. } | Heard::Unknown => {
            return None;
        }
    };
    Some(neutralise(&line).into_owned())
}

/// An object as the server wrote it. What could speak to a terminal is escaped in it, so it says the same: a server that is
/// well never writes such things, and one that lies can put them only into texts, or blanks between them.
#[must_use]
pub fn harmless(line: &str) -> Cow<'_, str> {
    if neutralise(line) == line {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        let mut bytes = [0; 4];
        match &*c.encode_utf8(&mut bytes) {
            own if neutralise(own) == own => out.push(c),
            _ if c.is_ascii() && c != '\u{7f}' => out.push(' '),
            _ => write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes everything"),
        }
    }
    Cow::Owned(out)
}

fn before(said: &Said) -> String {
    match (said.old, said.seq) {
        (true, Some(seq)) => format!("- #{} {seq} {} ", said.room, said.at),
        _ => format!("#{} ", said.room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        plain(&Heard::read(line)?)
    }

    #[test]
    fn the_first_character_tells_the_kind_of_a_line() {
        let line = |kind: &str, rest: &str| shown(&format!(r#"{{"type":"{kind}","room":"r","from":"al"{rest}}}"#));
        assert_eq!(line("message", r#","seq":1,"text":"x"}"#.trim_end_matches('}')).as_deref(), Some("#r <al> x"));
        assert_eq!(line("action", r#","text":"waves""#).as_deref(), Some("#r * al waves"));
        assert_eq!(line("private", r#","text":"x""#).as_deref(), Some("@al x"));
        assert_eq!(line("join", "").as_deref(), Some("#r -- al joined"));
        assert_eq!(line("join", r#","back":true"#).as_deref(), Some("#r -- al joined (back)"));
        assert_eq!(line("leave", r#","reason":"quit""#).as_deref(), Some("#r -- al left (quit)"));
        assert_eq!(line("nick", r#","to":"bo""#).as_deref(), Some("#r -- al is now bo"));
        assert_eq!(line("topic", r#","text":"""#).as_deref(), Some("#r -- al topic:"));
        assert_eq!(line("message", r#","seq":7,"at":"T","text":"x","old":true"#).as_deref(), Some("- #r 7 T <al> x"));
        assert_eq!(shown(r#"{"type":"gap","room":"r","from_seq":1,"to_seq":2}"#).as_deref(), Some("- #r gap 1 2"));
        assert_eq!(shown(r#"{"type":"pong","token":"1"}"#), None);
    }

    #[test]
    fn objects_stay_as_they_are_and_say_the_same_where_they_would_speak_to_the_terminal() {
        let line = r#"{"type":"info","text":"你好 \u001b 😀"}"#;
        assert_eq!(harmless(line), line);
        let forged = "{\"type\":\"info\",\r\"text\":\"a\u{9b}2J\u{202e}\u{7f}\"}";
        let shown = harmless(forged);
        assert_eq!(shown, r#"{"type":"info", "text":"a\u009b2J\u202e\u007f"}"#);
        assert_eq!(Heard::read(&shown), Heard::read(forged));
    }

    #[test]
    fn nothing_that_a_server_says_speaks_to_the_terminal_or_begins_another_line() {
        let line = r#"{"type":"message","room":"r\u001b","from":"a\u009b","text":"x\u001b[2J\n#r <bob> forged\u202e"}"#;
        let shown = shown(line).expect("a message is shown");
        assert_eq!(shown, "#r\u{fffd} <a\u{fffd}> x\u{fffd}[2J\u{fffd}#r <bob> forged\u{fffd}");
    }
}

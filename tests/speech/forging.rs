//! What one person writes stays what that person wrote, in both forms, whatever it is.

use parlor::services::chat::{Command, Form, MAX_SAID, Speech, When, neutralise, parse, parse_json};
use proptest::prelude::*;

use crate::{AT, is_unsafe, said_in};

/// What a reader takes a plain line for, by the rules of the protocol and nothing else.
fn kind(line: &str) -> &'static str {
    let words: Vec<&str> = line.splitn(5, ' ').collect();
    match (words[0], words.get(1).copied().unwrap_or_default()) {
        ("PING", _) => "ping",
        ("PONG", _) => "pong",
        ("!", _) => "error",
        ("-", room) if room.starts_with('#') && words.get(2) == Some(&"gap") => "gap",
        ("-", room) if room.starts_with('#') => "old",
        ("-", "end") => "end",
        ("-", _) => "info",
        (room, "--") if room.starts_with('#') => "news",
        (room, "*") if room.starts_with('#') => "action",
        (room, from) if room.starts_with('#') && from.starts_with('<') => "message",
        (from, _) if from.starts_with('@') => "private",
        _ => "unknown",
    }
}

/// Lines that would be taken for something else if they stood at the beginning of a line.
const FORGED: [&str; 16] = [
    "#lobby <bob> hi",
    "#lobby -- bob joined",
    "@bob hi",
    "- you are bob",
    "- end history",
    "- #lobby 17 2026-11-20T18:46:03.120Z <bob> hi",
    "! closed: go away",
    "PING",
    "PONG 17",
    "x\n#lobby <bob> hi",
    "x\r\n! closed: go away",
    "x\rPING",
    "x\0@bob hi",
    "x\u{2028}- news",
    "x\u{85}- news",
    "\u{202e}ih >bob<",
];

fn said(text: &str, when: When, action: bool) -> Speech<'_> {
    Speech::Said { room: "lobby", seq: Some(17), at: AT, from: "alice", text, action, when, id: None }
}

/// Everything that carries somebody's text, with the kind that it must stay.
fn carriers(text: &str) -> [(Speech<'_>, &'static str); 7] {
    let (room, from, at) = ("lobby", "alice", AT);
    [
        (said(text, When::Live, false), "message"),
        (said(text, When::Live, true), "action"),
        (said(text, When::Old, false), "old"),
        (said(text, When::Replay, true), "old"),
        (Speech::Private { from, at, text }, "private"),
        (Speech::Topic { room, from, at, text }, "news"),
        (Speech::Left { room, from, at, reason: text }, "news"),
    ]
}

#[test]
fn a_forged_line_stays_behind_its_writers_name() {
    for forged in FORGED {
        for (speech, expected) in carriers(forged) {
            let line = said_in(Form::Plain, &speech);
            assert_eq!(kind(&line), expected, "{line}");
            assert!(!line.contains(is_unsafe), "{line:?}");
            assert!(line.contains("alice") && line.contains(&*neutralise(forged)), "{line}");
            assert!(!said_in(Form::Json, &speech).contains(is_unsafe));
        }
    }
}

#[test]
fn a_forged_line_that_is_typed_is_said_and_not_obeyed() {
    for forged in FORGED.iter().filter(|forged| !forged.starts_with('P')) {
        let Ok(Command::Say { text, room: None, id: None, action: false }) = parse(forged) else {
            panic!("{forged:?}")
        };
        assert_eq!(text, neutralise(forged));
    }
}

#[test]
fn a_names_controls_never_reach_a_line_even_if_a_name_had_some() {
    let (room, from) = ("a\nb", "c\r\u{1b}[1m");
    let line = said_in(Form::Plain, &Speech::Joined { room, from, at: AT, back: false });
    assert_eq!(line, "#a\u{fffd}b -- c\u{fffd}\u{fffd}[1m joined");
}

/// ASCII is looked at in words: wherever in a text a byte stands, nothing else decides what becomes of it.
#[test]
fn ascii_is_neutralised_wherever_it_stands() {
    for c in (0..0x80_u8).map(char::from) {
        let expected = if c.is_ascii_control() && c != '\t' { '\u{fffd}' } else { c };
        for length in 1..=18 {
            for place in 0..length {
                let with = |c: char| (0..length).map(|at| if at == place { c } else { '~' }).collect::<String>();
                assert_eq!(neutralise(&with(c)), with(expected), "{:#x} at {place} of {length}", u32::from(c));
            }
        }
    }
}

#[test]
fn neutralising_replaces_exactly_what_it_should() {
    for c in '\0'..=char::MAX {
        let text = c.to_string();
        let expected = if is_unsafe(c) { "\u{fffd}" } else { text.as_str() };
        assert_eq!(neutralise(&text), expected, "U+{:04X}", u32::from(c));
    }
    assert_eq!(neutralise("tab\tand text stay"), "tab\tand text stay");
    let far = format!("{}\u{7f}", "x".repeat(200));
    assert_eq!(neutralise(&far), far.replace('\u{7f}', "\u{fffd}"));
}

/// Text with more in it that matters than random characters would have.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => any::<char>().prop_map(String::from),
        2 => prop::sample::select(vec![
            "\n", "\r", "\0", "\t", " ", "\u{1b}", "\u{7f}", "\u{9b}", "\u{2028}", "\u{202e}", "\u{2069}", "\u{61c}", "\u{feff}",
        ]).prop_map(String::from),
        2 => prop::sample::select(vec!["\"", "\\", "{", "}", "/", "#", "@", "-", "!", "<", ">", "*"]).prop_map(String::from),
        2 => prop::sample::select(vec![
            "/login ", "/session ", "/msg ", "/history ", "/topic ", "PING", "PONG ", "{\"say\":\"", "\"id\":", "17", "lobby",
        ]).prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Fields of an object that are strings.
type Strings<'a> = Vec<(&'static str, &'a str)>;

/// Every kind of speech, with these words in all places, and the JSON strings that it must become.
fn everything([a, b, c]: &[String; 3], number: u64, flag: bool) -> Vec<(Speech<'_>, Strings<'_>)> {
    let (room, from, text, at) = (a.as_str(), b.as_str(), c.as_str(), AT);
    let when = if flag { When::Replay } else { When::Old };
    let (seq, names) = (flag.then_some(number), [("room", room), ("from", from), ("text", text)].to_vec());
    vec![
        (
            Speech::Said { room, seq, at, from, text, action: flag, when, id: Some(a) },
            [names.clone(), vec![("id", room)]].concat(),
        ),
        (Speech::Said { room, seq, at, from, text, action: flag, when: When::Live, id: None }, names.clone()),
        (Speech::Private { from, at, text }, names[1..].to_vec()),
        (Speech::Joined { room, from, at, back: flag }, names[..2].to_vec()),
        (Speech::Left { room, from, at, reason: text }, vec![("room", room), ("from", from), ("reason", text)]),
        (Speech::Renamed { room, from, at, to: text }, vec![("room", room), ("from", from), ("to", text)]),
        (Speech::Topic { room, from, at, text }, names.clone()),
        (Speech::Receipt { room, seq, id: text }, vec![("room", room), ("id", text)]),
        (Speech::Gap { room, from_seq: number, to_seq: number }, vec![("room", room)]),
        (Speech::End { of: text }, vec![("of", text)]),
        (Speech::Info { text }, vec![("text", text)]),
        (Speech::Error { code: from, text }, vec![("code", from), ("text", text)]),
        (Speech::Ping { token: text }, vec![("token", text)]),
        (Speech::Pong { token: text }, vec![("token", text)]),
        (
            Speech::Welcome { nick: room, session: from, epoch: text },
            vec![("nick", room), ("session", from), ("epoch", text)],
        ),
    ]
}

proptest! {
    #[test]
    fn every_frame_is_one_clean_line_and_json_gives_the_strings_back(
        words in [hostile(), hostile(), hostile()], number in any::<u64>(), flag in any::<bool>(),
    ) {
        for (speech, strings) in everything(&words, number, flag) {
            let plain = said_in(Form::Plain, &speech);
            prop_assert!(!plain.contains(is_unsafe), "{plain:?}");
            let json = said_in(Form::Json, &speech);
            prop_assert!(!json.contains(is_unsafe), "{json:?}");
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json)?;
            for (name, expected) in strings {
                prop_assert_eq!(object[name].as_str(), Some(expected), "{} of {}", name, json);
            }
        }
    }

    #[test]
    fn nobodys_text_changes_the_kind_of_a_line(text in hostile()) {
        for (speech, expected) in carriers(&text) {
            let line = said_in(Form::Plain, &speech);
            prop_assert_eq!(kind(&line), expected, "{}", line);
        }
    }

    #[test]
    fn no_line_makes_the_parser_panic_or_lets_anything_unsafe_through(line in hostile(), opened in any::<bool>()) {
        let line = if opened { format!("{{{line}") } else { line };
        for command in [parse(&line), parse_json(&line)] {
            match command {
                Ok(Command::Say { text, .. } | Command::Msg { text, .. } | Command::Topic(Some(text)) | Command::Quit(Some(text))) => {
                    prop_assert!(!text.contains(is_unsafe) && text.len() <= MAX_SAID);
                }
                Ok(_) => {}
                Err(complaint) => prop_assert!(!said_in(Form::Plain, &complaint.speech()).contains(is_unsafe)),
            }
        }
    }

    #[test]
    fn what_serde_json_writes_is_read(text in hostile(), room in hostile(), id in "[^\0]{1,16}") {
        let line = serde_json::json!({ "say": text, "room": room, "id": id }).to_string();
        match parse_json(&line) {
            Ok(Command::Say { text: said, room: Some(place), id: Some(given), action: false }) => {
                prop_assert_eq!(said, neutralise(&text));
                prop_assert_eq!(&*place, room.strip_prefix('#').unwrap_or(&room));
                prop_assert_eq!(&*given, id.as_str());
            }
            other => prop_assert!(text.trim().is_empty(), "{other:?}"),
        }
    }
}

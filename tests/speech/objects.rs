//! What the objects of JSON clients mean.

use std::borrow::Cow;

use parlor::services::chat::{Command, parse, parse_json};

type Told<'a> = (&'a str, Option<&'a str>, Option<&'a str>, bool);

fn means(line: &str, (text, room, id, action): Told<'_>) {
    let expected = Command::Say { text: text.into(), room: room.map(Cow::from), id: id.map(Cow::from), action };
    assert_eq!(parse_json(line), Ok(expected), "{line}");
}

#[test]
fn an_object_says_or_does_something() {
    means(r#"{"say":"hello"}"#, ("hello", None, None, false));
    means(r#"{"me":"waves"}"#, ("waves", None, None, true));
    means(r#"{ "id": "m-1", "room": "rust", "say": "hi" } "#, ("hi", Some("rust"), Some("m-1"), false));
    means(r##"{"me":"waves","room":"#rust"}"##, ("waves", Some("rust"), None, true));
    means(r#"{"me":"waves","room":"\u0023rust"}"#, ("waves", Some("rust"), None, true));
}

#[test]
fn its_text_is_never_a_command() {
    for text in ["/nick bob", "//x", "PING 1", " /login a b", "/frob"] {
        means(&format!(r#"{{"say":"{text}"}}"#), (text, None, None, false));
    }
}

#[test]
fn null_is_as_good_as_no_field() {
    means(r#"{"say":"hi","me":null,"room":null,"id":null}"#, ("hi", None, None, false));
}

#[test]
fn escapes_are_undone_and_then_controls_replaced() {
    means(r#"{"say":"\u00e9\ud83d\ude00\t\"\\"}"#, ("é😀\t\"\\", None, None, false));
    means(
        r#"{"say":"a\nb\r\u0000\u001b\u202e\u2028"}"#,
        ("a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}", None, None, false),
    );
    means("{\"say\":\"a\u{85}\u{202e}\"}", ("a\u{fffd}\u{fffd}", None, None, false));
}

#[test]
fn what_needs_no_change_is_not_copied() {
    let line = r#"{"say":"hello","room":"lobby","id":"m-1"}"#;
    let Ok(Command::Say { text: Cow::Borrowed(_), room: Some(Cow::Borrowed(_)), id: Some(Cow::Borrowed(_)), .. }) =
        parse_json(line)
    else {
        panic!("something was copied")
    };
    assert!(matches!(parse("hello"), Ok(Command::Say { text: Cow::Borrowed(_), .. })));
}

#[test]
fn an_id_may_have_64_bytes() {
    let id = "é".repeat(32);
    means(&format!(r#"{{"say":"hi","id":"{id}"}}"#), ("hi", None, Some(&id), false));
}

#[test]
fn to_a_plain_client_an_object_is_text() {
    let line = r#"{"say":"hello"}"#;
    let said = Command::Say { text: line.into(), room: None, id: None, action: false };
    assert_eq!(parse(line), Ok(said));
}

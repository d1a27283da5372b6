//! One of everything that can be said, byte by byte, in both forms.

use parlor::services::chat::{Form, Speech, When};

use crate::{AT, said_in};

fn holds(speech: Speech<'_>, plain: &str, json: &str) {
    assert_eq!(said_in(Form::Plain, &speech), plain);
    assert_eq!(said_in(Form::Json, &speech), json);
}

const HI: Speech<'_> = Speech::Said {
    room: "lobby",
    seq: Some(17),
    at: AT,
    from: "alice",
    text: "hi",
    action: false,
    when: When::Live,
    id: None,
};

fn changed(when: When, action: bool, seq: Option<u64>, id: Option<&'static str>) -> Speech<'static> {
    let Speech::Said { room, at, from, text, .. } = HI else { unreachable!("it is something said") };
    Speech::Said { room, seq, at, from, text, action, when, id }
}

#[test]
fn what_is_said_now() {
    holds(
        HI,
        "#lobby <alice> hi",
        r#"{"type":"message","room":"lobby","seq":17,"at":"2026-11-20T18:46:03.120Z","from":"alice","text":"hi"}"#,
    );
    holds(
        changed(When::Live, true, Some(18), None),
        "#lobby * alice hi",
        r#"{"type":"action","room":"lobby","seq":18,"at":"2026-11-20T18:46:03.120Z","from":"alice","text":"hi"}"#,
    );
    holds(
        changed(When::Live, false, None, None),
        "#lobby <alice> hi",
        r#"{"type":"message","room":"lobby","at":"2026-11-20T18:46:03.120Z","from":"alice","text":"hi"}"#,
    );
}

#[test]
fn what_is_replayed_or_old_has_its_number_in_both_forms() {
    holds(
        changed(When::Replay, false, Some(17), Some("m-1")),
        "- #lobby 17 2026-11-20T18:46:03.120Z <alice> hi",
        concat!(
            r#"{"type":"message","room":"lobby","seq":17,"at":"2026-11-20T18:46:03.120Z","from":"alice","text":"hi","#,
            r#""id":"m-1","replay":true}"#
        ),
    );
    holds(
        changed(When::Old, true, Some(u64::MAX), None),
        "- #lobby 18446744073709551615 2026-11-20T18:46:03.120Z * alice hi",
        concat!(
            r#"{"type":"action","room":"lobby","seq":18446744073709551615,"at":"2026-11-20T18:46:03.120Z","#,
            r#""from":"alice","text":"hi","old":true}"#
        ),
    );
}

#[test]
fn a_private_message() {
    holds(
        Speech::Private { from: "alice", at: AT, text: "hello" },
        "@alice hello",
        r#"{"type":"private","from":"alice","at":"2026-11-20T18:46:03.120Z","text":"hello"}"#,
    );
}

#[test]
fn who_comes_and_goes() {
    holds(
        Speech::Joined { room: "lobby", from: "alice", at: AT, back: false },
        "#lobby -- alice joined",
        r#"{"type":"join","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z"}"#,
    );
    holds(
        Speech::Joined { room: "lobby", from: "alice", at: AT, back: true },
        "#lobby -- alice joined (back)",
        r#"{"type":"join","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z","back":true}"#,
    );
    holds(
        Speech::Left { room: "lobby", from: "alice", at: AT, reason: "gone home" },
        "#lobby -- alice left (gone home)",
        r#"{"type":"leave","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z","reason":"gone home"}"#,
    );
    holds(
        Speech::Left { room: "lobby", from: "alice", at: AT, reason: "" },
        "#lobby -- alice left",
        r#"{"type":"leave","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z","reason":""}"#,
    );
}

#[test]
fn names_and_topics() {
    holds(
        Speech::Renamed { room: "lobby", from: "guest7", at: AT, to: "alice" },
        "#lobby -- guest7 is now alice",
        r#"{"type":"nick","room":"lobby","from":"guest7","at":"2026-11-20T18:46:03.120Z","to":"alice"}"#,
    );
    holds(
        Speech::Topic { room: "lobby", from: "alice", at: AT, text: "all about Rust" },
        "#lobby -- alice topic: all about Rust",
        r#"{"type":"topic","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z","text":"all about Rust"}"#,
    );
    holds(
        Speech::Topic { room: "lobby", from: "alice", at: AT, text: "" },
        "#lobby -- alice topic:",
        r#"{"type":"topic","room":"lobby","from":"alice","at":"2026-11-20T18:46:03.120Z","text":""}"#,
    );
}

#[test]
fn receipts_gaps_and_ends() {
    holds(
        Speech::Receipt { room: "lobby", seq: Some(17), id: "m-1" },
        "- #lobby receipt 17 for m-1",
        r#"{"type":"receipt","room":"lobby","seq":17,"id":"m-1"}"#,
    );
    holds(
        Speech::Receipt { room: "lobby", seq: None, id: "m-1" },
        "- #lobby receipt for m-1",
        r#"{"type":"receipt","room":"lobby","id":"m-1"}"#,
    );
    holds(
        Speech::Gap { room: "lobby", from_seq: 120, to_seq: 180 },
        "- #lobby gap 120 180",
        r#"{"type":"gap","room":"lobby","from_seq":120,"to_seq":180}"#,
    );
    holds(Speech::End { of: "history" }, "- end history", r#"{"type":"end","of":"history"}"#);
}

#[test]
fn answers_and_errors() {
    holds(Speech::Info { text: "3 rooms" }, "- 3 rooms", r#"{"type":"info","text":"3 rooms"}"#);
    holds(Speech::Info { text: "" }, "-", r#"{"type":"info","text":""}"#);
    holds(
        Speech::Error { code: "name-taken", text: "alice is taken, try another" },
        "! name-taken: alice is taken, try another",
        r#"{"type":"error","code":"name-taken","text":"alice is taken, try another"}"#,
    );
}

#[test]
fn heartbeats() {
    holds(Speech::Ping { token: "17" }, "PING 17", r#"{"type":"ping","token":"17"}"#);
    holds(Speech::Pong { token: "17" }, "PONG 17", r#"{"type":"pong","token":"17"}"#);
    holds(Speech::Pong { token: "" }, "PONG", r#"{"type":"pong","token":""}"#);
}

#[test]
fn a_welcome_shows_the_token_to_programs_alone() {
    holds(
        Speech::Welcome { nick: "alice", session: "5ec2e7", epoch: "e1" },
        "- you are alice; this history is e1",
        r#"{"type":"welcome","nick":"alice","session":"5ec2e7","epoch":"e1"}"#,
    );
    holds(
        Speech::Welcome { nick: "alice", session: "5ec2e7", epoch: "" },
        "- you are alice",
        r#"{"type":"welcome","nick":"alice","session":"5ec2e7","epoch":""}"#,
    );
}

#[test]
fn speech_is_put_behind_what_is_there() {
    let mut out = b"before ".to_vec();
    parlor::services::chat::plain(&HI, &mut out);
    parlor::services::chat::json(&Speech::End { of: "who" }, &mut out);
    assert_eq!(out, br#"before #lobby <alice> hi{"type":"end","of":"who"}"#);
}

#[test]
fn json_escapes_what_must_be_and_what_a_terminal_would_obey() {
    let text = "\"\\/\t\n\r\0\u{1b}\u{7f}\u{85}\u{2028}\u{202e}é漢😀";
    let json = said_in(Form::Json, &Speech::Info { text });
    let escaped = r#"{"type":"info","text":"\"\\/\t\n\r\u0000\u001b\u007f\u0085\u2028\u202eé漢😀"}"#;
    assert_eq!(json, escaped);
}

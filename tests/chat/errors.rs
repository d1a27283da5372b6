//! Every error, in both forms: the code, and that nobody else hears of it.

use crate::people::{Chat, Person};

/// What somebody in the lobby, named, can do wrong.
fn wrong_lines() -> Vec<(String, &'static str)> {
    let long = "x".repeat(4097);
    let pairs: [(&str, &'static str); 27] = [
        ("/frob", "unknown-command"),
        ("/help frob", "unknown-command"),
        (" /login a b", "leading-blank"),
        ("/nick", "usage"),
        ("/nick a b", "usage"),
        ("/join", "usage"),
        ("/leave a b", "usage"),
        ("/rooms now", "usage"),
        ("/me", "usage"),
        ("/msg bob", "usage"),
        ("/history a b c", "usage"),
        ("/resume lobby", "usage"),
        ("/resume lobby x", "usage"),
        ("/session x lobby", "usage"),
        ("/format xml", "usage"),
        ("/nick a.b", "bad-name"),
        ("/nick 0123456789012345678901234567890123", "bad-name"),
        ("/join #", "bad-name"),
        ("/nick bob", "name-taken"),
        ("/leave nowhere", "not-member"),
        ("/who nowhere", "not-member"),
        ("/history nowhere", "not-member"),
        ("/msg nobody hi", "no-such-name"),
        ("/login a b", "no-accounts"),
        ("/session 00000000000000000000000000000000", "no-session"),
        ("/resume lobby 99", "no-such-number"),
        ("/session 5ec2e7 a/b 1", "bad-name"),
    ];
    let mut lines: Vec<(String, &'static str)> = pairs.map(|(line, code)| (line.to_owned(), code)).to_vec();
    lines.push((long.clone(), "too-long"));
    lines.push((format!("/me {long}"), "too-long"));
    lines.push((format!("/msg bob {long}"), "too-long"));
    lines.push((format!("/topic {}", "x".repeat(401)), "too-long"));
    lines.push((format!("/quit {}", "x".repeat(401)), "too-long"));
    lines
}

fn each_is_refused_and_nobody_hears(alice: &mut Person, bob: &mut Person) {
    for (line, code) in wrong_lines() {
        alice.is_refused(&line, code);
        alice.hears_nothing();
    }
    bob.hears_nothing();
}

#[test]
fn every_wrong_line_is_answered_by_its_code_in_plain() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    each_is_refused_and_nobody_hears(&mut alice, &mut bob);
    alice.says("hello");
    bob.hear("#lobby <alice> hello");
}

#[test]
fn every_wrong_line_is_answered_by_its_code_in_json() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    each_is_refused_and_nobody_hears(&mut alice, &mut bob);
    alice.says("hello");
    bob.hear(r#"{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"hello"}"#);
}

#[test]
fn a_wrong_object_is_refused_and_never_said() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    let long_id = format!(r#"{{"say":"a","id":"{}"}}"#, "x".repeat(65));
    let wrong = [
        (r#"{"say""#, "json"),
        ("{}", "json"),
        (r#"{"say":"a","me":"b"}"#, "json"),
        (r#"{"say":"a","to":"bob"}"#, "json"),
        (r#"{"say":7}"#, "json"),
        (r#"{"say":"a"} {"say":"b"}"#, "json"),
        (r#"{"say":"a","id":""}"#, "json"),
        (long_id.as_str(), "json"),
        (r#"{"say":""}"#, "empty"),
        (r#"{"say":"a","room":"tea"}"#, "not-member"),
        (r#"{"say":"a","room":"a b"}"#, "bad-name"),
    ];
    for (line, code) in wrong {
        alice.is_refused(line, code);
    }
    alice.hears_nothing();
    bob.hears_nothing();
}

#[test]
fn an_object_is_text_to_who_speaks_plain() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.says(r#"{"say":"hello"}"#);
    bob.hear(r#"#lobby <alice> {"say":"hello"}"#);
}

#[test]
fn bytes_that_are_no_utf_8_are_refused_in_both_forms() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.client.send(b"caf\xe9\n");
    alice.hear("! not-utf8: these bytes are no UTF-8 text; nobody heard them");
    alice.says("/format json");
    alice.hears();
    alice.client.send(b"/nick \xff\xfe\n");
    alice.hear(r#"{"type":"error","code":"not-utf8","text":"these bytes are no UTF-8 text; nobody heard them"}"#);
    alice.client.send(b"\xed\xa0\x80\n");
    alice.hear(r#"{"type":"error","code":"not-utf8","text":"these bytes are no UTF-8 text; nobody heard them"}"#);
    bob.hears_nothing();
}

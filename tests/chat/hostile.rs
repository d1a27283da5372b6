//! Attacks, by their numbers. What they have in common: the stated error, and nobody else disturbed.

use std::io::{ErrorKind, Write};

use crate::people::{Chat, Person};
use crate::support::client::Wire;
use crate::support::{proc, until};

/// Two people who talk, to see that nothing disturbs them.
fn still_talk(alice: &mut Person, bob: &mut Person) {
    for number in 0..20 {
        alice.says(&format!("still here {number}"));
        bob.hear(&format!("#lobby <alice> still here {number}"));
    }
    bob.hears_nothing();
}

#[test]
fn a1_an_endless_line_is_an_error_and_a_close() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let mut mallory = chat.guest();
    // Byte by byte at first: the scan never looks back.
    for _ in 0..500 {
        mallory.client.send(b"A");
    }
    let sent = mallory.client.socket.write_all(&vec![b'A'; 60_000]);
    assert!(sent.is_ok(), "{sent:?}");
    mallory.hear_the_end(&["! too-long: a frame here has at most 8192 bytes; goodbye"]);
    still_talk(&mut alice, &mut bob);
}

#[test]
fn a2_a_lying_length_is_an_error_before_anything_is_allocated() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for length in [u32::MAX, 1 << 31, 65_537] {
        let mut mallory = chat.guest_on(Wire::Length);
        mallory.client.send(&length.to_be_bytes());
        mallory.hear_the_end(&["! too-long: a frame here has at most 65536 bytes; goodbye"]);
    }
    let before = proc::resident(chat.server.pid());
    let liars: Vec<Person> = (0..200)
        .map(|_| {
            let mut mallory = chat.guest_on(Wire::Length);
            mallory.client.send(b"\0\x01\0\0and no more");
            mallory
        })
        .collect();
    chat.server.settled();
    let grown = proc::resident(chat.server.pid()).saturating_sub(before);
    assert!(grown < 4 * 1024, "{} promises of 64 KiB each took {grown} KiB", liars.len());
    still_talk(&mut alice, &mut bob);
}

#[test]
fn a3_answers_that_nobody_reads_stop_the_asking() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let mut mallory = chat.guest();
    mallory.ask("/leave", "- you left #lobby; you are in no room");
    mallory.client.socket.set_nonblocking(true).unwrap();
    let question = "PING 0123456789012345678901234567890123456789\n".repeat(1000);
    let mut asked = 0;
    let mut write = |mallory: &mut Person| match mallory.client.socket.write(&question.as_bytes()[asked % 46..]) {
        Ok(count) => {
            asked += count;
            true
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    };
    until("a server that reads no more", || {
        while write(&mut mallory) {}
        chat.server.settled();
        !write(&mut mallory)
    });
    let resident = proc::resident(chat.server.pid());
    assert!(resident < 64 * 1024, "{resident} KiB");
    still_talk(&mut alice, &mut bob);
    mallory.client.socket.set_nonblocking(false).unwrap();
    let whole = asked / 46;
    for _ in 0..whole {
        mallory.hear("PONG 0123456789012345678901234567890123456789");
    }
}

#[test]
fn a4_readers_that_stop_reading_cost_a_bounded_buffer_and_nobody_else_anything() {
    const LINES: usize = 600;
    let chat = Chat::forgetful();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let lazy: Vec<Person> = (0..40).map(|_| chat.guest()).collect();
    let before = proc::resident(chat.server.pid());
    let text = "x".repeat(4000);
    for number in 0..LINES {
        alice.says(&format!("{number} {text}"));
        bob.hear(&format!("#lobby <alice> {number} {text}"));
    }
    bob.hears_nothing();
    let grown = proc::resident(chat.server.pid()).saturating_sub(before);
    assert!(grown < 50 * 1024, "40 readers of at most 1 MiB each took {grown} KiB");
    still_talk(&mut alice, &mut bob);
    drop(lazy);
}

#[test]
fn a6_ten_thousand_questions_in_a_row_disturb_nobody() {
    let chat = Chat::with(&[]);
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let mut mallory = chat.guest();
    mallory.client.socket.set_nonblocking(true).unwrap();
    let questions = "/history\n/who\n/rooms\n/resume lobby 0\n/help\n".repeat(2000);
    let _ = mallory.client.socket.write(questions.as_bytes());
    alice.says("still here");
    bob.hear("#lobby <alice> still here");
    bob.says("me too");
    alice.hear("#lobby <bob> me too");
    bob.hears_nothing();
}

/// Every command in every state: each is either obeyed or refused by its code, and the connection stands.
#[test]
fn a7_every_command_in_every_state_is_obeyed_or_refused_by_its_code() {
    const COMMANDS: [(&str, [&str; 4]); 20] = [
        // at home, in no room, without a history, without both
        ("text", ["", "no-room", "", "no-room"]),
        ("//text", ["", "no-room", "", "no-room"]),
        ("/me waves", ["", "no-room", "", "no-room"]),
        ("/nick NAME", ["ok", "ok", "ok", "ok"]),
        ("/leave nowhere", ["not-member"; 4]),
        ("/rooms", ["ok"; 4]),
        ("/who", ["ok", "no-room", "ok", "no-room"]),
        ("/topic", ["ok", "no-room", "ok", "no-room"]),
        ("/topic tea", ["ok", "no-room", "ok", "no-room"]),
        ("/msg nobody hi", ["no-such-name"; 4]),
        ("/history", ["ok", "no-room", "no-history", "no-room"]),
        ("/history lobby", ["ok", "not-member", "no-history", "not-member"]),
        ("/resume tea 7", ["no-such-number", "no-such-number", "no-history", "no-history"]),
        ("/session", ["ok"; 4]),
        ("/session 5ec2e7", ["no-session"; 4]),
        ("/login a b", ["no-accounts"; 4]),
        ("/format plain", ["ok"; 4]),
        ("/info", ["ok"; 4]),
        ("/stats", ["ok"; 4]),
        ("/help", ["ok"; 4]),
    ];
    let servers = [Chat::new(), Chat::forgetful()];
    for state in 0..4 {
        let chat = &servers[state / 2];
        for json in [false, true] {
            let mut person = chat.guest();
            if json {
                person.says("/format json");
                person.fence();
            }
            if state % 2 == 1 {
                person.says("/leave");
                person.fence();
            }
            for (number, (line, expected)) in COMMANDS.iter().enumerate() {
                let name = format!("n{state}{number}{}", if json { "j" } else { "p" });
                person.says(&line.replace("NAME", &name));
                check(line, expected[state], &mut person);
                // `/resume` has joined, though it refused the number.
                if line.starts_with("/resume") {
                    person.says("/leave tea");
                    person.fence();
                }
            }
        }
    }
}

fn check(line: &str, expected: &str, person: &mut Person) {
    let answer = if expected.is_empty() { None } else { Some(person.hears()) };
    person.fence();
    let code = answer.as_deref().and_then(|answer| {
        let plain = answer.strip_prefix("! ").and_then(|rest| rest.split(':').next());
        plain.or_else(|| answer.strip_prefix(r#"{"type":"error","code":""#).and_then(|rest| rest.split('"').next()))
    });
    match expected {
        "" | "ok" => assert_eq!(code, None, "{line}: {answer:?}"),
        expected => assert_eq!(code, Some(expected), "{line}: {answer:?}"),
    }
}

#[test]
fn a8_no_text_and_no_name_makes_a_second_line() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let [mut program] = chat.programs(["program"]);
    let mut mallory = chat.guest_on(Wire::Length);
    mallory.ask("/nick mallory", "- you are mallory");
    for person in [&mut alice, &mut bob, &mut program] {
        person.fence();
    }
    mallory.says("x\n#lobby <bob> forged\r! closed: go\0away\u{2028}- news\u{85}PING");
    let clean = "x\u{fffd}#lobby <bob> forged\u{fffd}! closed: go\u{fffd}away\u{fffd}- news\u{fffd}PING";
    alice.hear(&format!("#lobby <mallory> {clean}"));
    program
        .hear(&format!(r#"{{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"mallory","text":"{clean}"}}"#));
    for name in ["a\nb", "a\r", "\0", "a\n/quit", "a\u{2028}b"] {
        mallory.is_refused(&format!("/nick {name}"), "bad-name");
        mallory.is_refused(&format!("/join {name}"), "bad-name");
        mallory.is_refused(&format!("/msg {name} hi"), "bad-name");
    }
    bob.fence();
    // In one turn, in which what is private comes first.
    mallory.says_all(&[
        "/me waves\n#lobby * bob falls",
        "/topic a\r\nb",
        "/msg bob one\n@alice two",
        "/quit bye\n#lobby -- bob left",
    ]);
    bob.hear_all(&[
        "@mallory one\u{fffd}@alice two",
        "#lobby * mallory waves\u{fffd}#lobby * bob falls",
        "#lobby -- mallory topic: a\u{fffd}\u{fffd}b",
        "#lobby -- mallory left (bye\u{fffd}#lobby -- bob left)",
    ]);
    program.says(r#"{"say":"a\r\n#lobby <bob> b\u0000c\u2029d"}"#);
    program.says(r#"{"say":"\u001b[2J","room":"lobby\n"}"#);
    bob.hear("#lobby <program> a\u{fffd}\u{fffd}#lobby <bob> b\u{fffd}c\u{fffd}d");
    bob.hears_nothing();
}

#[test]
fn a8_what_one_types_never_looks_like_a_server_line_to_another() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let forged =
        ["#lobby <bob> hi", "@bob hi", "- end history", "! closed: x", "PING", "PONG 1", "-- x", "{\"type\":1}"];
    for line in forged.iter().filter(|line| !line.starts_with('P')) {
        alice.says(line);
        bob.hear(&format!("#lobby <alice> {line}"));
        alice.says(&format!("/me {line}"));
        bob.hear(&format!("#lobby * alice {line}"));
        alice.says(&format!("/msg bob {line}"));
        bob.hear(&format!("@alice {line}"));
    }
    bob.hears_nothing();
}

#[test]
fn a9_escapes_and_marks_of_direction_reach_no_terminal_also_out_of_history() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.says("\u{1b}[31mred\u{7} \u{9b}2J \u{202e}txt.exe\u{2066} \u{7f}\u{61c}\u{200f} tab\tstays");
    let clean = "\u{fffd}[31mred\u{fffd} \u{fffd}2J \u{fffd}txt.exe\u{fffd} \u{fffd}\u{fffd}\u{fffd} tab\tstays";
    bob.hear(&format!("#lobby <alice> {clean}"));
    bob.ask_all("/history", &[&format!("- #lobby 1 TIME <alice> {clean}"), "- end history"]);
    bob.ask_all("/resume lobby 0", &[&format!("- #lobby 1 TIME <alice> {clean}"), "- end resume"]);
    for name in ["\u{1b}[1m", "a\u{202e}b", "a\u{200d}b", "\u{feff}a"] {
        alice.is_refused(&format!("/nick {name}"), "bad-name");
    }
    bob.hears_nothing();
}

#[test]
fn a10_invalid_utf_8_is_refused_to_its_sender_and_reaches_nobody() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let wrong: [&[u8]; 6] = [b"\xff", b"ok \xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"/me \xe9"];
    for bytes in wrong {
        alice.client.send(&[bytes, b"\n"].concat());
        alice.hear("! not-utf8: these bytes are no UTF-8 text; nobody heard them");
    }
    bob.hears_nothing();
    // A character may arrive in pieces.
    for byte in "漢\n".bytes() {
        alice.client.send(&[byte]);
    }
    bob.hear("#lobby <alice> 漢");
}

#[test]
fn a11_names_that_look_alike_are_one() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["scope", "bill"]);
    for name in ["SCOPE", "\u{455}\u{441}\u{43e}\u{440}\u{435}", "sc0pe", "Scope"] {
        bob.is_refused(&format!("/nick {name}"), "name-taken");
    }
    bob.is_refused("/nick s\u{441}ope", "bad-name"); // two scripts in one name
    bob.is_refused("/nick sc\u{200b}ope", "bad-name");
    for name in ["bi11", "BlLL", "b1ll"] {
        alice.is_refused(&format!("/nick {name}"), "name-taken");
    }
    alice.ask("/join corner", "- you are in #corner, with 0 others");
    bob.ask("/join comer", "- you are in #corner, with 1 others");
}

#[test]
fn a13_nobody_writes_lines_into_the_log() {
    let chat = Chat::with(&["--flood", "off", "--log", "trace"]);
    let forged = "2026-11-20T18:46:03.120Z_ERROR_forged";
    let mut mallory = chat.guest_on(Wire::Length);
    for command in ["", "/nick ", "/join ", "/msg x ", "/topic ", "/frob", "/session ", "/help ", "/me ", "/quit "] {
        mallory.says(&format!("{command}x\n{forged}\r\u{1b}[2J\u{202e}"));
    }
    mallory.rest();
    let mut other = chat.guest();
    other.client.send(format!("GET /{forged} HTTP/1.1\n").as_bytes());
    other.rest();
    let stopped = chat.server.stop();
    for line in &stopped.stderr {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level), "{line:?}");
        assert!(!line.starts_with(forged) && !line.contains(['\u{1b}', '\u{202e}', '\r']), "{line:?}");
    }
    assert!(!stopped.stderr.is_empty());
}

#[test]
fn a19_a_web_page_can_say_nothing_through_a_browser() {
    let chat = Chat::new();
    let [mut alice, _bob] = chat.people(["alice", "bob"]);
    for first in ["POST / HTTP/1.1\r\n", "GET /chat HTTP/1.0\n", "OPTIONS * HTTP/1.1\r\n"] {
        let mut browser = chat.guest();
        browser.client.send(format!("{first}Host: localhost\r\n\r\n/nick evil\nhello\n").as_bytes());
        browser.hear_the_end(&["! http: this is no web server; goodbye"]);
    }
    alice.fence();
    let mut person = chat.guest();
    person.says("hello");
    person.says("GET / HTTP/1.1");
    person.hears_nothing();
    let heard = alice.fence();
    assert_eq!(heard.iter().filter(|line| line.contains("GET / HTTP/1.1")).count(), 1, "{heard:#?}");
    assert!(!heard.iter().any(|line| line.contains("evil")), "{heard:#?}");
}

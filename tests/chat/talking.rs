//! What is said, to rooms and to one another, and the commands that answer only the asker.

use crate::people::Chat;
use crate::support::client::Wire;

#[test]
fn everybody_hears_the_same_order_and_nobody_themselves() {
    const LINES: usize = 60;
    let chat = Chat::new();
    let names = ["alice", "bob", "carol", "dave"];
    let mut people = chat.people(names);
    for number in 0..LINES {
        for (person, name) in people.iter_mut().zip(names) {
            person.says(&format!("{name}-{number}"));
        }
    }
    let mut heard: Vec<Vec<String>> =
        people.iter_mut().map(|person| (0..3 * LINES).map(|_| person.hears()).collect()).collect();
    for (person, name) in people.iter_mut().zip(names) {
        person.hears_nothing();
        let own = format!("<{name}>");
        assert!(heard.iter().all(|lines| lines.len() == 3 * LINES));
        let mine = heard.remove(0);
        assert!(!mine.iter().any(|line| line.contains(&own)), "{name} heard themselves");
        heard.push(mine);
    }
    // Two orders are one when they agree on what both have.
    for (one, other, own) in [(0, 1, [0, 1]), (0, 2, [0, 2]), (2, 3, [2, 3])] {
        let is_shared = |line: &&String| !own.iter().any(|&at| line.contains(&format!("<{}>", names[at])));
        let [one, other] = [one, other].map(|at: usize| heard[at].iter().filter(is_shared).collect::<Vec<_>>());
        assert_eq!(one, other);
        assert_eq!(one.len(), 2 * LINES);
    }
}

#[test]
fn actions_and_texts_that_begin_with_a_slash() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for line in ["/me waves", "/ME  waves twice ", "//nick bob", "///", "//login alice secret"] {
        alice.says(line);
    }
    bob.hear_all(&[
        "#lobby * alice waves",
        "#lobby * alice waves twice ",
        "#lobby <alice> /nick bob",
        "#lobby <alice> //",
        "#lobby <alice> /login alice secret",
    ]);
    alice.hears_nothing();
}

#[test]
fn blank_lines_are_ignored_and_cr_before_the_end_belongs_to_it() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.client.send(b"\n\r\n   \n\t\nhello\r\n  indented \n");
    bob.hear_all(&["#lobby <alice> hello", "#lobby <alice>   indented "]);
    bob.hears_nothing();
    alice.hears_nothing();
}

#[test]
fn what_is_no_command_is_never_said() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for line in ["/frob", "/", "/ hello", "/nickalice", "/login1 a b", "/jöin rust", "/\u{202e}join x"] {
        alice.is_refused(line, "unknown-command");
    }
    for line in [" /login alice secret", "\t/session 5ec2e7", "\u{a0}/LOGIN a b", "  /session"] {
        alice.is_refused(line, "leading-blank");
    }
    alice.says(" /nick is no command behind a blank");
    bob.hear("#lobby <alice>  /nick is no command behind a blank");
    bob.hears_nothing();
}

#[test]
fn a_secret_in_a_wrong_line_is_not_repeated() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    for line in ["/loginalice hunter2", " /login alice hunter2", "/login alice hunter2", "/session hunter2 lobby x"] {
        alice.says(line);
        let answer = alice.hears();
        assert!(answer.starts_with("! ") && !answer.contains("hunter2"), "{answer}");
    }
}

#[test]
fn a_private_message_reaches_one_person_and_no_history() {
    let chat = Chat::new();
    let [mut alice, mut bob, mut carol] = chat.people(["alice", "bob", "carol"]);
    alice.says("/msg BOB are  you there? ");
    bob.hear("@alice are  you there? ");
    bob.says("/msg @alice yes");
    alice.hear("@bob yes");
    bob.hears_nothing();
    carol.hears_nothing();
    carol.ask_all("/history", &["- end history"]);
    alice.is_refused("/msg nobody hello", "no-such-name");
    alice.is_refused("/msg bob", "usage");
    alice.is_refused("/msg bob  ", "usage");
    alice.is_refused("/msg b/b hello", "bad-name");
    let stored: Vec<u8> = std::fs::read_dir(chat.folder())
        .unwrap()
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(!stored.windows(5).any(|window| window == b"there"), "a private message was written");
}

#[test]
fn a_private_message_to_somebody_who_does_not_read_is_refused() {
    let chat = Chat::forgetful();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let text = "x".repeat(4000);
    let mut sent = 0;
    // The kernel's buffers and the server's come first.
    let answer = loop {
        alice.says(&format!("/msg bob {text}"));
        sent += 1;
        assert!(sent < 10_000, "bob's output has no bound");
        if let Some(answer) = alice.fence().pop() {
            break answer;
        }
    };
    assert_eq!(answer, "! too-slow: bob reads too slowly to be told; try again later");
    let heard = (1..sent).map(|_| bob.hears()).filter(|line| *line == format!("@alice {text}")).count();
    assert_eq!(heard, sent - 1, "what was not refused is heard, once");
    bob.hears_nothing();
}

#[test]
fn a_topic_is_shown_set_and_taken_away() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.ask("/topic", "- #lobby has no topic");
    alice.ask("/topic  tea and  cakes ", "- topic of #lobby: tea and  cakes");
    bob.hear("#lobby -- alice topic: tea and  cakes");
    bob.ask("/topic", "- topic of #lobby: tea and  cakes");
    bob.ask("/leave", "- you left #lobby; you are in no room");
    bob.ask("/join lobby", "- you are in #lobby, with 1 others; topic: tea and  cakes");
    bob.ask("/topic -", "- #lobby has no topic");
    alice.hear_all(&["#lobby -- bob left (left)", "#lobby -- bob joined", "#lobby -- bob topic:"]);
    alice.is_refused(&format!("/topic {}", "x".repeat(401)), "too-long");
}

#[test]
fn ping_is_answered_in_any_room_and_state_and_pong_is_shown_to_nobody() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.ask("PING", "PONG");
    alice.ask("PING 17", "PONG 17");
    let longest = "x".repeat(64);
    alice.ask(&format!("PING {longest}"), &format!("PONG {longest}"));
    alice.says("PONG");
    alice.says("PONG 17");
    alice.hears_nothing();
    bob.hears_nothing();
    for line in ["PING a b", "PINGS", &format!("PING {longest}x"), "PONG  17"] {
        alice.says(line);
        bob.hear(&format!("#lobby <alice> {line}"));
    }
    alice.ask("/leave", "- you left #lobby; you are in no room");
    alice.ask("PING nowhere", "PONG nowhere");
}

#[test]
fn a_pong_has_its_place_among_the_answers() {
    let chat = Chat::new();
    let [mut bob] = chat.people(["bob"]);
    let mut alice = chat.guest();
    alice.says_all(&["PING 1", "/nick alice", "PING 2", "PING 3", "/join tea", "hello", "/history", "PING 4"]);
    alice.hear_all(&[
        "PONG 1",
        "- you are alice",
        "PONG 2",
        "PONG 3",
        "- you are in #tea, with 0 others",
        "- #tea 1 TIME <alice> hello",
        "- end history",
        "PONG 4",
    ]);
    alice.ask("/format json", r#"{"type":"welcome","nick":"alice","session":"TOKEN","epoch":"EPOCH"}"#);
    alice.says_all(&[r#"{"say":"hi","id":"a"}"#, "PING 5", "/join milk", r#"{"me":"waves","id":"b"}"#, "PING 6"]);
    alice.hear_all(&[
        r#"{"type":"pong","token":"5"}"#,
        r#"{"type":"info","text":"you are in #milk, with 0 others"}"#,
        r#"{"type":"receipt","room":"tea","seq":2,"id":"a"}"#,
        r#"{"type":"receipt","room":"milk","seq":1,"id":"b"}"#,
        r#"{"type":"pong","token":"6"}"#,
    ]);
    bob.hear("#lobby -- alice joined");
    alice.says_all(&["PING 7", "/quit", "PING 8"]);
    alice.hear_the_end(&[r#"{"type":"pong","token":"7"}"#, r#"{"type":"info","text":"goodbye"}"#]);
}

#[test]
fn help_names_every_command_and_explains_one() {
    let chat = Chat::new();
    let mut guest = chat.guest();
    guest.says("/help");
    let lines: Vec<String> = std::iter::from_fn(|| Some(guest.hears()).filter(|line| line != "- end help")).collect();
    assert_eq!(lines.len(), parlor::services::chat::COMMANDS.len());
    for (line, help) in lines.iter().zip(parlor::services::chat::COMMANDS) {
        assert_eq!(*line, format!("- {}: {}", help.usage, help.line));
    }
    for word in ["join", "/join", "JOIN"] {
        guest.ask_all(
            &format!("/help {word}"),
            &["- /join ROOM [PASSWORD]: enters a room and speaks there from now on", "- end help"],
        );
    }
    guest.is_refused("/help frob", "unknown-command");
}

#[test]
fn info_and_stats_tell_about_the_connection_and_the_server() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    alice.ask_all("/stats", &["- N people in N rooms; history is kept", "- end stats"]);
    alice.says("/info");
    let lines: Vec<String> = std::iter::from_fn(|| Some(alice.hears()).filter(|line| line != "- end info")).collect();
    let peer = alice.client.address().to_string();
    assert!(lines.iter().any(|line| line.contains(&peer)), "{peer} is not in {lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("- ")), "{lines:#?}");
}

#[test]
fn a_server_without_accounts_has_no_login() {
    let chat = Chat::new();
    let mut guest = chat.guest();
    guest.is_refused("/login alice secret", "no-accounts");
}

#[test]
fn a_last_line_without_its_end_counts() {
    let chat = Chat::new();
    let [mut alice, bob] = chat.people(["alice", "bob"]);
    let mut bob = bob;
    bob.client.send(b"one\ntwo");
    bob.client.finish();
    alice.hear_all(&["#lobby <bob> one", "#lobby <bob> two", "#lobby -- bob left (quit)"]);
    bob.hear_the_end(&[]);
}

#[test]
fn everything_before_the_end_of_input_is_handled_and_answered() {
    let chat = Chat::new();
    let mut guest = chat.stranger(Wire::Lines);
    guest.client.send(b"/nick zoe\n/join tea\nhello\n/history\n/stats\n");
    guest.client.finish();
    let heard = guest.rest();
    for wanted in ["- you are zoe", "- you are in #tea, with 0 others", "- end stats"] {
        assert!(heard.iter().any(|line| line == wanted), "no {wanted:?} in {heard:#?}");
    }
}

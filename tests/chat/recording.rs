//! What is kept, and hearing it again: `/history`, `/resume`.

use std::fs;
use std::path::Path;

use crate::people::{Chat, Person};

fn say_numbers(person: &mut Person, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        person.says(&format!("message {number}"));
    }
    person.fence();
}

fn hear_numbers(person: &mut Person, name: &str, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        person.hear(&format!("- #lobby {number} TIME <{name}> message {number}"));
    }
}

#[test]
fn members_read_what_was_said_also_before_they_came() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 1..=3);
    alice.says("/me waves");
    alice.fence();
    let mut guest = chat.guest();
    guest.hears_nothing();
    guest.says("/history");
    hear_numbers(&mut guest, "alice", 1..=3);
    guest.hear_all(&["- #lobby 4 TIME * alice waves", "- end history"]);
    guest.says("/history 2");
    hear_numbers(&mut guest, "alice", 3..=3);
    guest.hear_all(&["- #lobby 4 TIME * alice waves", "- end history"]);
    guest.ask_all("/history #Lobby 1", &["- #lobby 4 TIME * alice waves", "- end history"]);
    guest.ask_all("/history 0", &["- end history"]);
    guest.is_refused("/history tea", "not-member");
    guest.ask("/join tea", "- you are in #tea, with 0 others");
    guest.ask_all("/history", &["- end history"]);
    guest.says("/history lobby 4");
    hear_numbers(&mut guest, "alice", 1..=3);
}

#[test]
fn history_shows_the_last_fifty_unless_told_otherwise() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 1..=60);
    alice.says("/history");
    hear_numbers(&mut alice, "alice", 11..=60);
    alice.hear("- end history");
    alice.says("/history 55");
    hear_numbers(&mut alice, "alice", 6..=60);
    alice.hear("- end history");
    alice.says("/history 1000000");
    hear_numbers(&mut alice, "alice", 1..=60);
    alice.hear("- end history");
    alice.hears_nothing();
}

#[test]
fn resume_joins_replays_everything_after_a_number_and_goes_on_live() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    say_numbers(&mut alice, 1..=5);
    bob.fence();
    bob.ask("/leave", "- you left #lobby; you are in no room");
    bob.says("/resume lobby 2");
    hear_numbers(&mut bob, "alice", 3..=5);
    bob.hear("- end resume");
    alice.hear_all(&["#lobby -- bob left (left)", "#lobby -- bob joined"]);
    alice.says("live");
    bob.hear("#lobby <alice> live");
    bob.hears_nothing();
    bob.says("bob speaks where he resumed");
    alice.hear("#lobby <bob> bob speaks where he resumed");
}

#[test]
fn a_resume_in_a_room_that_is_heard_already_starts_the_stream_again_with_ones_own() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.says("one");
    bob.hear("#lobby <alice> one");
    bob.says("two");
    alice.hear("#lobby <bob> two");
    bob.says("/resume lobby 0");
    bob.hear_all(&["- #lobby 1 TIME <alice> one", "- #lobby 2 TIME <bob> two", "- end resume"]);
    alice.hears_nothing();
    bob.ask_all("/resume lobby 2", &["- end resume"]);
    alice.says("three");
    bob.hear("#lobby <alice> three");
}

#[test]
fn what_was_asked_about_a_room_is_answered_before_one_leaves_it() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.says("one");
    bob.hear("#lobby <alice> one");
    bob.says_all(&["/who", "/history", "/leave", "/who", "PING 1", "/rooms", "/join lobby"]);
    bob.hear_all(&["- #lobby: alice bob", "- end who", "- #lobby 1 TIME <alice> one", "- end history"]);
    bob.hear_all(&[
        "- you left #lobby; you are in no room",
        "! no-room: you are in no room; /join ROOM brings you into one",
    ]);
    bob.hear_all(&["PONG 1", "- you are in #lobby, with 1 others", "- #lobby: 2 here", "- end rooms"]);
    bob.hears_nothing();
    alice.hear_all(&["#lobby -- bob left (left)", "#lobby -- bob joined"]);
}

/// It is not waited for: who leaves does not want all of it.
#[test]
fn a_replay_is_over_when_one_leaves_its_room() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    say_numbers(&mut alice, 1..=2);
    bob.fence();
    bob.says_all(&["/resume lobby 0", "/leave"]);
    bob.hear_all(&["- end resume", "- you left #lobby; you are in no room"]);
    bob.hears_nothing();
}

#[test]
fn a_resume_past_the_end_is_an_error_and_the_room_is_heard_from_now_on() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    say_numbers(&mut alice, 1..=2);
    bob.fence();
    bob.ask("/resume lobby 3", "! no-such-number: #lobby has numbers up to 2; it is heard from now on");
    bob.ask("/resume tea 1", "! no-such-number: #tea has numbers up to 0; it is heard from now on");
    alice.says("live");
    bob.hear("#lobby <alice> live");
    bob.is_refused("/resume lobby 18446744073709551615", "no-such-number");
    bob.is_refused("/resume lobby 18446744073709551616", "usage");
}

#[test]
fn nothing_is_missed_or_heard_twice_by_who_resumes_while_others_talk() {
    const LINES: usize = 3000;
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let mut twin = alice.client.twin();
    let talking = std::thread::spawn(move || {
        for number in 1..=LINES {
            twin.send(format!("message {number}\n").as_bytes());
        }
    });
    let mut expected = 1;
    let mut rounds = 0;
    let mut hear = |line: &str| {
        if !line.starts_with("- end") && !line.starts_with("- you left") {
            let number: usize = line.rsplit_once(' ').unwrap().1.parse().unwrap();
            assert_eq!(number, expected, "{line}");
            expected += 1;
        }
        expected
    };
    // In and out again and again: each time some of it is old, and some is live.
    while hear("- end") <= LINES {
        bob.says("/leave lobby");
        for line in bob.fence() {
            hear(&line);
        }
        let next = hear("- end");
        bob.says(&format!("/resume lobby {}", next - 1));
        while hear(&bob.hears()) < (next + 100).min(LINES + 1) {}
        rounds += 1;
    }
    talking.join().unwrap();
    alice.fence();
    let rest: Vec<String> = bob.fence().into_iter().filter(|line| line != "- end resume").collect();
    assert!(rest.is_empty() && rounds > 1, "{rest:#?} after {rounds} rounds");
}

#[test]
fn what_was_said_survives_a_kill_and_a_stop() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 1..=3);
    let chat = chat.killed_and_started_again();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 4..=5);
    let chat = chat.stopped_and_started_again(|_| ());
    let [mut bob] = chat.people(["bob"]);
    bob.says("/resume lobby 0");
    hear_numbers(&mut bob, "alice", 1..=5);
    bob.hear("- end resume");
    bob.says("six");
    bob.ask_all("/history 1", &["- #lobby 6 TIME <bob> six", "- end history"]);
}

#[test]
fn the_epoch_is_the_same_after_a_restart_and_another_for_another_history() {
    let epoch = |chat: &Chat| {
        let mut guest = chat.guest();
        guest.says("/format json");
        guest.hears().split(r#""epoch":"#).nth(1).unwrap().to_owned()
    };
    let chat = Chat::new();
    let first = epoch(&chat);
    assert!(first.len() > 10, "{first}");
    let chat = chat.killed_and_started_again();
    assert_eq!(epoch(&chat), first);
    assert_ne!(epoch(&Chat::new()), first);
}

/// Flips a byte of this text wherever it stands.
fn spoil(folder: &Path, text: &str) {
    let mut found = false;
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let mut bytes = fs::read(&path).unwrap();
        let Some(at) = bytes.windows(text.len()).position(|window| window == text.as_bytes()) else { continue };
        bytes[at] ^= 0x20;
        fs::write(&path, bytes).unwrap();
        found = true;
    }
    assert!(found, "{text:?} is in no file");
}

#[test]
fn numbers_that_are_not_to_be_had_are_named_by_a_gap_in_both_forms() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 1..=9);
    let chat = chat.stopped_and_started_again(|folder| spoil(folder, "message 4"));
    let [mut bob] = chat.people(["bob"]);
    bob.says("/resume lobby 1");
    hear_numbers(&mut bob, "alice", 2..=3);
    bob.hear("- #lobby gap 4 4");
    hear_numbers(&mut bob, "alice", 5..=9);
    // What else may have stood in a file that was tampered with is named too.
    while bob.hears() != "- end resume" {}
    bob.says("/format json");
    bob.hears();
    bob.says("/history 1000000");
    let heard: Vec<String> =
        std::iter::from_fn(|| Some(bob.hears()).filter(|line| line != r#"{"type":"end","of":"history"}"#)).collect();
    let gap = r#"{"type":"gap","room":"lobby","from_seq":4,"to_seq":4}"#;
    assert!(heard.iter().any(|line| line == gap), "{heard:#?}");
    assert_eq!(heard.iter().filter(|line| line.contains(r#""old":true"#)).count(), 8, "{heard:#?}");
}

#[test]
fn without_a_history_there_are_no_numbers_and_nothing_to_resume() {
    let chat = Chat::forgetful();
    let mut alice = chat.stranger(crate::support::client::Wire::Lines);
    alice.hear("- parlor chat: you are guest1 in #lobby; rooms are not recorded; /help");
    let mut bob = chat.guest();
    for line in ["/history", "/history lobby 3", "/resume lobby 0", "/resume tea 0"] {
        alice.is_refused(line, "no-history");
    }
    alice.ask_all("/rooms", &["- #lobby: 2 here", "- end rooms"]);
    bob.ask("/format json", r#"{"type":"welcome","nick":"guest2","session":"TOKEN","epoch":""}"#);
    alice.says("hello");
    bob.hear(r#"{"type":"join","room":"lobby","from":"guest1","at":"TIME"}"#);
    bob.hear(r#"{"type":"message","room":"lobby","at":"TIME","from":"guest1","text":"hello"}"#);
    bob.ask(r#"{"say":"hi","id":"b-1"}"#, r#"{"type":"receipt","room":"lobby","id":"b-1"}"#);
    bob.ask(r#"{"say":"again","id":"b-1"}"#, r#"{"type":"receipt","room":"lobby","id":"b-1"}"#);
    alice.hear_all(&["#lobby -- guest2 joined", "#lobby <guest2> hi"]);
    alice.hears_nothing();
}

#[test]
fn a_question_before_the_end_of_input_is_answered_whole() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    say_numbers(&mut alice, 1..=40);
    for last in ["", "/quit\n"] {
        let mut script = chat.guest();
        script.client.send(format!("/history\n/who\n/info\n{last}").as_bytes());
        script.client.finish();
        hear_numbers(&mut script, "alice", 1..=40);
        let rest = script.rest();
        for end in ["- end history", "- end who", "- end info"] {
            assert!(rest.iter().any(|line| line == end), "no {end:?} in {rest:#?}");
        }
    }
    alice.hears_nothing();
}

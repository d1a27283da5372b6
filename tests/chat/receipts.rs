//! Ids: what is said with one is said once, and its receipt can be asked for again.

use crate::people::{Chat, Person};

fn receipt(seq: u64, id: &str) -> String {
    format!(r#"{{"type":"receipt","room":"lobby","seq":{seq},"id":"{id}"}}"#)
}

fn say(text: &str, id: &str) -> String {
    format!(r#"{{"say":"{text}","id":"{id}"}}"#)
}

fn token(person: &mut Person) -> String {
    person.says("/session");
    person.hears().split('"').nth(11).unwrap().to_owned()
}

fn back(chat: &Chat, token: &str) -> Person {
    let mut person = chat.guest();
    person.says("/format json");
    person.hears();
    person.says(&format!("/session {token}"));
    let welcome = person.hears();
    assert!(welcome.contains(r#""nick":"alice""#), "{welcome}");
    person
}

#[test]
fn without_an_id_there_is_no_receipt_and_with_one_there_is_one() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    alice.says(r#"{"say":"one"}"#);
    alice.ask(&say("two", "a-2"), &receipt(2, "a-2"));
    alice.ask(r#"{"me":"waves","id":"é→漢 \"\\","room":"LOBBY"}"#, &receipt(3, r#"é→漢 \"\\"#));
    alice.hears_nothing();
}

#[test]
fn the_same_id_again_gets_the_same_receipt_and_the_first_text_wins() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    alice.ask(&say("first", "a-1"), &receipt(1, "a-1"));
    alice.ask(&say("second", "a-1"), &receipt(1, "a-1"));
    alice.says_all(&[&say("twice in a turn", "a-2"), &say("twice in a turn", "a-2")]);
    alice.hear_all(&[&receipt(2, "a-2"), &receipt(2, "a-2")]);
    let heard = bob.fence();
    bob.ask(&say("another's id", "a-1"), &receipt(3, "a-1"));
    assert_eq!(heard.len(), 2, "{heard:#?}");
    assert!(heard[0].contains("first") && heard[1].contains("twice in a turn"), "{heard:#?}");
}

#[test]
fn a_receipt_names_the_room_in_which_it_was_said() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    alice.ask(&say("here", "a-1"), &receipt(1, "a-1"));
    alice.says("/join tea");
    alice.hears();
    alice.ask(&say("there", "a-1"), &receipt(1, "a-1"));
    alice.ask(&say("there", "a-2"), r#"{"type":"receipt","room":"tea","seq":1,"id":"a-2"}"#);
}

#[test]
fn a_receipt_is_the_same_after_a_broken_line() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    let token = token(&mut alice);
    alice.ask(&say("one", "a-1"), &receipt(1, "a-1"));
    // Whether this one arrived, its sender will never know; so it is sent again.
    alice.says(&say("two", "a-2"));
    alice.breaks();
    chat.server.settled();
    let mut alice = back(&chat, &token);
    alice.ask(&say("one", "a-1"), &receipt(1, "a-1"));
    alice.ask(&say("two", "a-2"), &receipt(2, "a-2"));
    alice.ask(&say("three", "a-3"), &receipt(3, "a-3"));
    let [mut bob] = chat.people(["bob"]);
    bob.ask_all(
        "/history",
        &[
            "- #lobby 1 TIME <alice> one",
            "- #lobby 2 TIME <alice> two",
            "- #lobby 3 TIME <alice> three",
            "- end history",
        ],
    );
}

#[test]
fn a_receipt_is_the_same_after_a_kill_of_the_server() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    let token = token(&mut alice);
    alice.ask(&say("one", "a-1"), &receipt(1, "a-1"));
    alice.ask(&say("two", "a-2"), &receipt(2, "a-2"));
    let chat = chat.killed_and_started_again();
    let mut alice = back(&chat, &token);
    alice.ask(&say("two", "a-2"), &receipt(2, "a-2"));
    alice.ask(&say("one", "a-1"), &receipt(1, "a-1"));
    alice.ask(&say("three", "a-3"), &receipt(3, "a-3"));
    let chat = chat.killed_and_started_again();
    let mut alice = back(&chat, &token);
    for (seq, id) in [(1, "a-1"), (2, "a-2"), (3, "a-3"), (4, "a-4")] {
        alice.ask(&say("again", id), &receipt(seq, id));
    }
}

#[test]
fn commands_behind_a_token_that_only_the_history_knows_wait_for_it() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    let token = token(&mut alice);
    alice.ask(&say("one", "a-1"), &receipt(1, "a-1"));
    let chat = chat.killed_and_started_again();
    let mut alice = chat.guest();
    alice.says_all(&["/format json", &format!("/session {token} lobby 0"), &say("one", "a-1"), &say("two", "a-2")]);
    let heard = alice.fence();
    let receipts: Vec<&String> = heard.iter().filter(|line| line.contains("receipt")).collect();
    assert_eq!(receipts, [&receipt(1, "a-1"), &receipt(2, "a-2")], "{heard:#?}");
}

#[test]
fn the_last_1024_ids_are_remembered() {
    let chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    let token = token(&mut alice);
    for number in 1..=1030 {
        alice.says(&say("x", &format!("a-{number}")));
    }
    for number in 1..=1030 {
        alice.hear(&receipt(number, &format!("a-{number}")));
    }
    alice.ask(&say("x", "a-7"), &receipt(7, "a-7"));
    alice.ask(&say("x", "a-6"), &receipt(1031, "a-6"));
    let chat = chat.killed_and_started_again();
    let mut alice = back(&chat, &token);
    alice.ask(&say("x", "a-8"), &receipt(8, "a-8"));
    alice.ask(&say("x", "a-6"), &receipt(1031, "a-6"));
}

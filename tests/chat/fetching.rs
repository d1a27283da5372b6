//! What was asked of the history, when whoever asked is elsewhere by then, or speaks from another connection.

use std::time::Duration;

use parlor::hub::JOBS;
use parlor::log::Settings as LogSettings;
use parlor::services::chat::{Settings, Slow};
use tempfile::TempDir;

use crate::house::{House, Who};

fn house(folder: &TempDir) -> House {
    house_with(folder, Slow::Disconnect)
}

fn house_with(folder: &TempDir, slow: Slow) -> House {
    let history = LogSettings { segment_bytes: 100, ..LogSettings::default() };
    House::over(folder, Settings { flood: None, slow, ..Settings::default() }, history)
}

/// The same, after something was said in two rooms. It lies in segments that are closed.
fn house_with_a_past(folder: &TempDir) -> House {
    let mut house = house(folder);
    let alice = house.person("alice");
    for line in ["in the lobby", "/join tea", "in tea", "/join milk", "the last"] {
        house.says(alice, line);
        while house.work() {}
    }
    drop(house);
    self::house(folder)
}

/// What somebody hears once helpers have done what they were asked.
fn brought(house: &mut House, who: Who) -> Vec<String> {
    while house.work() {}
    let without_time = |line: String| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.retain(|word| !word.starts_with("20"));
        words.join(" ")
    };
    house.lines(who).into_iter().map(without_time).collect()
}

#[test]
fn what_was_fetched_of_a_room_that_was_left_is_not_shown_as_anothers() {
    let folder = TempDir::new().unwrap();
    let mut house = house_with_a_past(&folder);
    let bob = house.guest();
    house.says(bob, "/join tea");
    house.says(bob, "/resume lobby 0");
    house.says(bob, "/leave lobby");
    house.says(bob, "/history tea");
    house.lines(bob);
    assert_eq!(brought(&mut house, bob), ["- #tea 1 <alice> in tea", "- end history"]);
}

/// Helpers may have as much to do as they can have at once, for whomever.
#[test]
fn what_no_helper_is_free_for_is_fetched_later() {
    let folder = TempDir::new().unwrap();
    let mut house = house_with_a_past(&folder);
    let (bob, carol) = (house.guest(), house.guest());
    for _ in 0..=JOBS {
        house.begins_to_send(bob, "/resume lobby 0\n");
        house.turn();
    }
    house.lines(carol);
    house.begins_to_send(carol, "/session 0123456789abcdef0123456789abcdef\n");
    house.turn();
    house.lines(bob);
    assert_eq!(brought(&mut house, bob), ["- #lobby 1 <alice> in the lobby", "- end resume"]);
    let refusal = "! no-session: no session has this token, or it is too long ago; this one goes on as it is";
    assert_eq!(house.lines(carol), [refusal]);
}

/// What the disk is to do for the history is a job too, and the history stops where it is refused.
#[test]
fn whoever_asks_for_very_much_does_not_stop_the_history() {
    let asked: [fn(&mut House, Who); 2] = [
        |house, who| {
            for _ in 0..=JOBS {
                house.begins_to_send(who, "/resume lobby 0\n");
                house.turn();
            }
        },
        |house, who| house.sends(who, &"/info\n".repeat(JOBS + 1)),
    ];
    for ask in asked {
        let folder = TempDir::new().unwrap();
        let mut house = house_with_a_past(&folder);
        let (alice, bob) = (house.person("alice"), house.guest());
        ask(&mut house, bob);
        house.says(alice, &"x".repeat(200));
        house.says(alice, "heard");
        while house.work() {}
        house.lines(alice);
        house.says(alice, "/history 1");
        assert_eq!(brought(&mut house, alice), ["- #lobby 3 <alice> heard", "- end history"]);
    }
}

/// Nothing that the chat has asked for will be answered then: the time to ask again has to come by itself.
#[test]
fn whoever_finds_helpers_busy_for_others_is_not_left_waiting_for_them() {
    let unknown = "! no-session: no session has this token, or it is too long ago; this one goes on as it is";
    for (asked, answer) in [
        ("/session 0123456789abcdef0123456789abcdef\n", &[unknown][..]),
        ("/resume lobby 0\n", &["- #lobby 1 <alice> in the lobby", "- end resume"]),
    ] {
        let folder = TempDir::new().unwrap();
        let mut house = house_with_a_past(&folder);
        let (bob, carol) = (house.guest(), house.guest());
        while house.work() {}
        house.begins_to_send(bob, &"/info\n".repeat(JOBS));
        house.begins_to_send(carol, asked);
        house.settle();
        while house.work() {}
        house.pass(Duration::from_secs(1));
        assert_eq!(brought(&mut house, carol), answer);
    }
}

/// Bob, as he was on one connection, and as he is on another one that has shown his token.
fn taken_over(house: &mut House, asked: &str, shown: &str) -> Who {
    let bob = house.person("bob");
    let token = house.token(bob);
    house.sends(bob, asked);
    let other = house.guest();
    house.says(other, &format!("/session {token}{shown}"));
    other
}

/// They would keep the loop awake, beside the helpers that they wait for.
#[test]
fn whoever_waits_for_a_helper_asks_again_when_one_has_answered_and_not_before() {
    let folder = TempDir::new().unwrap();
    let mut house = house_with_a_past(&folder);
    let people: Vec<Who> = (0..300).map(|_| house.guest()).collect();
    for &who in &people {
        house.says(who, "/resume lobby 0");
    }
    while house.work() {}
    for who in people {
        let heard = house.lines(who);
        assert!(heard.len() == 2 && heard[1] == "- end resume", "{heard:#?}");
    }
}

#[test]
fn what_was_asked_on_another_connection_is_not_answered_on_this_one() {
    for asked in ["/history", "/resume lobby 0", "/history\n/leave\n/rooms"] {
        let folder = TempDir::new().unwrap();
        let mut house = house_with_a_past(&folder);
        let alice = house.person("alice");
        let bob = taken_over(&mut house, &format!("{asked}\n"), "");
        assert_eq!(brought(&mut house, bob), ["- welcome back, bob"], "{asked}");
        house.says(alice, "live");
        assert_eq!(house.lines(bob), ["#lobby <alice> live"], "{asked}");
        house.says(bob, "/history 1");
        assert_eq!(brought(&mut house, bob), ["- #lobby 2 <alice> live", "- end history"], "{asked}");
    }
}

#[test]
fn a_ping_from_another_connection_is_not_answered_on_this_one() {
    let folder = TempDir::new().unwrap();
    let mut house = house(&folder);
    let (alice, bob, other) = (house.person("alice"), house.person("bob"), house.guest());
    let token = house.token(bob);
    house.lines(alice);
    house.begins_to_send(bob, "hello\nPING 1\n");
    house.begins_to_send(other, &format!("/session {token}\n"));
    house.settle();
    assert_eq!(house.lines(alice), ["#lobby <bob> hello"]);
    assert_eq!(house.lines(other), ["- welcome back, bob"]);
}

/// Whoever it was that looked for yet another session was the other connection.
#[test]
fn a_session_that_another_connection_looked_for_is_not_taken_up_by_this_one() {
    let folder = TempDir::new().unwrap();
    let mut house = house(&folder);
    house.guest();
    let carol = house.person("carol");
    let carols = house.token(carol);
    drop(house);
    let mut house = self::house(&folder);
    let bob = taken_over(&mut house, &format!("/session {carols}\n"), "");
    assert_eq!(brought(&mut house, bob), ["- welcome back, bob"]);
    house.says(bob, "/nick rob");
    assert_eq!(brought(&mut house, bob), ["- you are rob"]);
}

/// What was left out for a connection that lagged is not left out for the next one, which may ask for it.
#[test]
fn no_gap_is_named_for_what_is_resumed_on_another_connection() {
    for shown in ["", " lobby 1"] {
        let folder = TempDir::new().unwrap();
        let mut house = house_with(&folder, Slow::Gap);
        let alice = house.person("alice");
        let bob = house.person("bob");
        let token = house.token(bob);
        house.says(alice, "one");
        house.reads(bob, false);
        for _ in 0..40 {
            house.says(alice, &"x".repeat(4000));
        }
        let other = house.guest();
        house.says(other, &format!("/session {token}{shown}"));
        let heard = brought(&mut house, other);
        assert_eq!(heard[0], "- welcome back, bob");
        assert!(!heard.iter().any(|line| line.contains("gap")), "{heard:#?}");
        assert_eq!(heard.len(), if shown.is_empty() { 1 } else { 1 + 40 + 1 });
        house.says(alice, "live");
        assert_eq!(house.lines(other), ["#lobby <alice> live"]);
    }
}

#[test]
fn what_was_asked_before_a_token_was_shown_is_answered_before_it_is_taken_up() {
    let folder = TempDir::new().unwrap();
    let mut house = house_with_a_past(&folder);
    let bob = house.person("bob");
    let token = house.token(bob);
    let other = house.guest();
    house.sends(other, &format!("/history\n/rooms\n/session {token}\n/who\n"));
    let heard = brought(&mut house, other);
    let rooms = ["- #lobby: 2 here", "- #milk: 0 here", "- #tea: 0 here", "- end rooms"];
    assert_eq!(heard[..6], [&["- #lobby 1 <alice> in the lobby", "- end history"], &rooms[..]].concat());
    assert_eq!(heard[6..], ["- welcome back, bob", "- #lobby: bob", "- end who"]);
}

//! Limits that a test has to walk far for, and what is said at each.

use std::time::Duration;

use parlor::services::chat::{Bounds, Settings};

use crate::house::House;
use crate::people::{Chat, Person};
use crate::support::client::Wire;

#[test]
fn a1_a_line_that_comes_one_byte_a_second_arrives_and_an_endless_one_is_refused() {
    let mut house = House::new(Settings::default());
    let (alice, slow, endless) = (house.person("alice"), house.guest(), house.guest());
    house.says(endless, "PONG");
    for _ in 0..300 {
        house.sends(slow, "x");
        house.pass(Duration::from_secs(1));
    }
    house.sends(slow, "\n");
    assert_eq!(house.lines(alice).last().unwrap(), &format!("#lobby <guest2> {}", "x".repeat(300)));
    assert!(house.is_gone(endless), "it knew about PINGs and said nothing for 300 s");
    let endless = house.guest();
    for _ in 0..8193 {
        house.sends(endless, "x");
        house.pass(Duration::from_secs(1));
    }
    assert_eq!(house.lines(endless), ["! too-long: a frame here has at most 8192 bytes; goodbye"]);
}

#[test]
fn there_are_at_most_ten_thousand_rooms_with_members() {
    let mut house = House::calm();
    let mut made = 1; // the lobby
    let mut who = house.guest();
    let mut in_rooms = 1;
    while made < 10_000 {
        if in_rooms == 32 {
            who = house.guest();
            in_rooms = 1;
        }
        let count = (32 - in_rooms).min(10_000 - made);
        let lines: Vec<String> = (made..made + count).map(|number| format!("/join room-{number}\n")).collect();
        house.sends(who, &lines.concat());
        in_rooms += count;
        made += count;
        assert!(house.lines(who).iter().all(|line| line.starts_with("- you are in #room-")));
    }
    let late = house.guest();
    house.says(late, "/join one-more");
    let refusal = "! house-full: there are as many rooms as this server has; join one that exists";
    assert_eq!(house.lines(late), [refusal]);
    house.says(late, "/join room-77");
    assert_eq!(house.lines(late), ["- you are in #room-77, with 1 others"]);
    house.says(who, "/leave");
    house.says(late, "/join one-more");
    assert_eq!(house.lines(late), ["- you are in #one-more, with 0 others"]);
}

#[test]
fn more_connections_than_are_allowed_are_told_so_in_their_framing_and_closed() {
    let chat = Chat::with(&["--max-connections", "2"]);
    let [_alice, mut bob] = chat.people(["alice", "bob"]);
    for wire in Wire::ALL {
        let mut late = chat.stranger(wire);
        late.hear_the_end(&["! full: so many are connected that no more are let in (max-connections)"]);
    }
    bob.says("/quit");
    bob.rest();
    chat.server.figures_when("room for one", |figures| figures.connections == 1);
    chat.guest();
}

/// The number in the last words: the reader has it, and what came behind it may be asked for again.
fn last_number(reader: &mut Person) -> (u64, u64) {
    let lines = reader.rest();
    let (words, heard) = lines.split_last().expect("there are last words");
    assert!(words.contains("slow") && words.contains("you read too slowly"), "{words}");
    let number = words.split("last number of #lobby: ").nth(1).unwrap_or_else(|| panic!("{words}"));
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let got = heard.iter().filter(|line| line.contains("xxxx")).count();
    (number.parse().unwrap(), got as u64)
}

#[test]
fn who_reads_too_slowly_is_told_the_last_number_and_can_resume_from_it() {
    let chat = Chat::new();
    let [mut alice, mut plain] = chat.people(["alice", "plain"]);
    let [mut program] = chat.programs(["program"]);
    alice.fence();
    plain.fence();
    let text = "x".repeat(4000);
    let mut gone = 0;
    let mut said = 0_u64;
    while gone < 2 {
        alice.says(&text);
        said += 1;
        gone += alice.fence().iter().filter(|line| line.ends_with("left (too slow)")).count();
        assert!(said < 5000, "nobody is too slow");
    }
    for reader in [&mut plain, &mut program] {
        let (number, got) = last_number(reader);
        assert!(0 < number && number <= got && got <= said, "told {number}, has {got} of {said}");
    }
}

#[test]
fn who_comes_and_goes_again_and_again_makes_nobody_elses_session_forgotten() {
    let bounds = Bounds { sessions: 3, ..Bounds::default() };
    let mut house = House::new(Settings { flood: None, bounds, ..Settings::default() });
    let lose = |house: &mut House, name: &str| {
        let who = house.person(name);
        let token = house.token(who);
        house.breaks(who);
        token
    };
    let [quiet, restless] = ["quiet", "restless"].map(|name| lose(&mut house, name));
    let mut come_back = |token: &str| {
        let who = house.guest();
        house.says(who, &format!("/session {token}"));
        let answer = house.lines(who).remove(0);
        house.breaks(who);
        answer
    };
    for _ in 0..20 {
        assert_eq!(come_back(&restless), "- welcome back, restless");
    }
    assert_eq!(come_back(&quiet), "- welcome back, quiet");
    // Too many who stay away are too many.
    for name in ["one", "two", "three"] {
        lose(&mut house, name);
    }
    let who = house.guest();
    house.says(who, &format!("/session {restless}"));
    assert!(house.lines(who)[0].starts_with("! no-session: "));
}

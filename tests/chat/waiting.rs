//! `--slow pause`: in rooms that were named, speakers wait for slow readers; for a while.

use std::time::Duration;

use parlor::services::chat::{Alphabet, Name, Settings, Slow};

use crate::house::{House, Who};

const SECOND: Duration = Duration::from_secs(1);
/// So many lines of 4,000 bytes pass the high mark of 64 KiB.
const FILL: usize = 17;

/// A house in which the lobby waits.
fn house() -> House {
    let pausing = vec![Name::new("Lobby", Alphabet::OneScript).unwrap()];
    House::new(Settings { flood: None, slow: Slow::Pause, pausing, ..Settings::default() })
}

/// Somebody stops reading, and is told more than the high mark.
fn fill(house: &mut House, speaker: Who, reader: Who) {
    house.reads(reader, false);
    for number in 0..FILL {
        house.says(speaker, &format!("{number} {}", "x".repeat(4000)));
    }
}

fn is_read(house: &mut House, speaker: Who, listener: Who) -> bool {
    house.lines(listener);
    house.says(speaker, "is this heard?");
    house.lines(listener).iter().any(|line| line.ends_with("is this heard?"))
}

#[test]
fn the_speakers_of_a_room_that_waits_are_not_read_until_the_reader_has_caught_up() {
    let mut house = house();
    let (alice, bob, reader) = (house.person("alice"), house.person("bob"), house.person("reader"));
    fill(&mut house, alice, reader);
    for who in [alice, bob, reader] {
        house.lines(who);
    }
    for who in [alice, bob] {
        house.says(who, "later");
        assert!(house.waiting(who) > 0, "it is not read");
    }
    assert!(house.lines(bob).is_empty() && house.lines(alice).is_empty());
    house.pass(5 * SECOND);
    assert!(house.lines(bob).is_empty());
    house.reads(reader, true);
    assert_eq!(house.lines(bob), ["#lobby <alice> later"]);
    assert_eq!(house.lines(alice), ["#lobby <bob> later"]);
    let heard = house.lines(reader);
    assert_eq!(heard.len(), FILL + 2, "nothing is lost");
    assert_eq!(heard[FILL..], ["#lobby <alice> later", "#lobby <bob> later"]);
}

#[test]
fn a_room_waits_ten_seconds_in_a_minute_and_the_next_minute_again() {
    let mut house = house();
    let (alice, bob, reader) = (house.person("alice"), house.person("bob"), house.person("reader"));
    // Six seconds, then four: those of one minute are counted together.
    fill(&mut house, alice, reader);
    house.pass(6 * SECOND);
    assert!(!is_read(&mut house, alice, bob));
    house.reads(reader, true);
    assert!(is_read(&mut house, alice, bob));
    fill(&mut house, alice, reader);
    house.pass(Duration::from_millis(3999));
    assert!(!is_read(&mut house, alice, bob));
    house.pass(Duration::from_millis(1));
    assert!(is_read(&mut house, alice, bob));
    // Nothing is left in this minute: speakers go on, whatever the reader does.
    house.reads(reader, true);
    fill(&mut house, alice, reader);
    assert!(is_read(&mut house, alice, bob));
    house.reads(reader, true);
    house.pass(60 * SECOND);
    fill(&mut house, alice, reader);
    assert!(!is_read(&mut house, alice, bob), "another minute has begun");
}

#[test]
fn who_reads_nothing_for_longer_than_a_room_waits_is_given_up_as_anywhere() {
    let mut house = house();
    let (alice, bob, reader) = (house.person("alice"), house.person("bob"), house.person("reader"));
    fill(&mut house, alice, reader);
    house.pass(10 * SECOND);
    let mut said = 0;
    house.lines(bob);
    while !house.lines(bob).iter().any(|line| line.ends_with("reader left (too slow)")) {
        house.says(alice, &"y".repeat(4000));
        said += 1;
        assert!(said < 300, "1 MiB is the most that may wait");
    }
    assert!(said > 200, "{said} lines were too much");
    house.reads(reader, true);
    let last = house.lines(reader).pop().unwrap();
    assert!(last.starts_with("! slow: you read too slowly"), "{last}");
}

#[test]
fn nobody_waits_in_a_room_that_was_not_named() {
    let mut house = house();
    let (alice, bob, reader) = (house.person("alice"), house.person("bob"), house.person("reader"));
    for who in [alice, bob, reader] {
        house.says(who, "/join tea");
        house.says(who, "/leave lobby");
    }
    house.lines(bob);
    fill(&mut house, alice, reader);
    assert!(is_read(&mut house, alice, bob));
}

#[test]
fn a_room_does_not_wait_for_who_has_gone_and_a_speaker_who_goes_waits_no_more() {
    let mut house = house();
    let (alice, bob, reader) = (house.person("alice"), house.person("bob"), house.person("reader"));
    fill(&mut house, alice, reader);
    assert!(!is_read(&mut house, bob, alice));
    house.breaks(alice);
    let alice = house.guest();
    assert!(is_read(&mut house, alice, alice) || house.waiting(alice) == 0, "who comes meanwhile is read");
    house.breaks(reader);
    assert!(is_read(&mut house, bob, alice));
}

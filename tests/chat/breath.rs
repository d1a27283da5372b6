//! Speakers who say more at once than can be read wait for their readers; nobody else ever does.

use std::time::Duration;

use crate::house::{House, Who};

/// A line of which a turn's worth is far more in an object than in itself.
const WORD: &str = "x\n";

fn heard(house: &mut House, who: Who) -> usize {
    house.lines(who).iter().filter(|line| line.ends_with("> x") || line.contains("\"text\":\"x\"")).count()
}

#[test]
fn readers_who_read_are_not_outrun_by_those_who_speak_as_fast_as_they_can() {
    let mut house = House::calm();
    let speakers: Vec<Who> = (0..10).map(|_| house.guest()).collect();
    let (quick, slow) = (house.program(), house.program());
    house.sips(slow, 8 * 1024);
    for &speaker in &speakers {
        house.begins_to_send(speaker, &WORD.repeat(3000));
    }
    house.settle();
    assert!(!house.is_gone(slow) && !house.is_gone(quick), "it read all the time");
    assert_eq!((heard(&mut house, quick), heard(&mut house, slow)), (30_000, 30_000));
}

/// Two people say in one turn what passes the high mark of those who hear it.
fn say_much(house: &mut House, speakers: [Who; 2]) {
    for speaker in speakers {
        house.begins_to_send(speaker, &format!("{}\n", "y".repeat(4000)).repeat(12));
    }
    house.settle();
}

#[test]
fn who_reads_nothing_makes_others_wait_once_and_not_again() {
    let mut house = House::calm();
    let (alice, bob, stuck, other) = (house.guest(), house.guest(), house.guest(), house.guest());
    house.lines(other);
    house.reads(stuck, false);
    say_much(&mut house, [alice, bob]);
    house.says(alice, "are you there?");
    assert!(house.waiting(alice) > 0, "she takes breath");
    house.says(other, "I say little");
    assert_eq!(house.waiting(other), 0, "whoever said nothing much is read");
    house.pass(Duration::from_secs(1));
    assert_eq!(house.waiting(alice), 0);
    say_much(&mut house, [alice, bob]);
    house.says(alice, "and now?");
    assert_eq!(house.waiting(alice), 0, "nobody waits for it again");
    assert!(house.lines(other).last().unwrap().ends_with("and now?"));
}

#[test]
fn speakers_do_not_wait_for_a_reader_who_has_gone() {
    let mut house = House::calm();
    let (alice, bob, stuck) = (house.guest(), house.guest(), house.guest());
    house.reads(stuck, false);
    say_much(&mut house, [alice, bob]);
    house.says(alice, "are you there?");
    assert!(house.waiting(alice) > 0);
    house.breaks(stuck);
    assert_eq!(house.waiting(alice), 0);
}

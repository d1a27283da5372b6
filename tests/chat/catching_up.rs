//! Many who catch up at the same time, while others go on talking.

use std::ops::Range;

use parlor::log::Settings as LogSettings;
use parlor::services::chat::Settings;
use tempfile::TempDir;

use crate::house::{House, Who};

/// Turns in which everybody has caught up, with much to spare.
const TURNS: u32 = 100;

fn house(folder: &TempDir) -> House {
    House::over(folder, Settings { flood: None, ..Settings::default() }, LogSettings::default())
}

fn in_each(rooms: Range<usize>, what: &str) -> String {
    rooms.map(|room| what.replace("ROOM", &format!("r{room}"))).collect()
}

/// So many resume so many rooms, in each of which something is said in every turn. Answers what each of them heard.
fn catch_up(house: &mut House, resuming: usize, rooms: usize) -> Vec<Vec<String>> {
    let speaker = house.program();
    let word = in_each(0..rooms, "{\"say\":\"on and on\",\"room\":\"ROOM\"}\n");
    house.sends(speaker, &in_each(0..rooms, "/join ROOM\n"));
    house.sends(speaker, &word.repeat(20));
    let resuming: Vec<Who> = (0..resuming).map(|_| house.guest()).collect();
    for &who in &resuming {
        house.lines(who);
        house.begins_to_send(who, &in_each(0..rooms, "/resume ROOM 0\n"));
    }
    for _ in 0..TURNS {
        house.begins_to_send(speaker, &word);
        house.turn();
    }
    resuming.into_iter().map(|who| house.lines(who)).collect()
}

/// Every number of a room once and in order, replayed until the end of that, and then live.
fn check(heard: &[String], rooms: usize) {
    for room in 0..rooms {
        let (replayed, live) = (format!("- #r{room} "), format!("#r{room} <"));
        let numbers: Vec<u32> =
            heard.iter().filter_map(|line| line.strip_prefix(&replayed)?.split(' ').next()?.parse().ok()).collect();
        let live = heard.iter().filter(|line| line.starts_with(&live)).count();
        assert!(numbers.iter().copied().eq(1..=u32::try_from(numbers.len()).unwrap()), "{numbers:?}");
        assert_eq!(numbers.len() + live, 20 + TURNS as usize, "of #r{room}");
        assert!(live > 0, "#r{room} is live at last");
    }
    assert_eq!(heard.iter().filter(|line| *line == "- end resume").count(), rooms);
    let ends = heard.iter().rposition(|line| line == "- end resume").unwrap();
    assert!(!heard[..ends].iter().any(|line| line.starts_with('#')), "all rooms go live together");
}

#[test]
fn more_than_one_turn_serves_catch_up_with_a_room_that_never_rests() {
    let folder = TempDir::new().unwrap();
    for heard in catch_up(&mut house(&folder), 50, 1) {
        check(&heard, 1);
    }
}

#[test]
fn rooms_that_never_rest_are_caught_up_with_together_by_many_at_once() {
    let folder = TempDir::new().unwrap();
    for heard in catch_up(&mut house(&folder), 20, 3) {
        check(&heard, 3);
    }
}

#[test]
fn as_many_rooms_as_one_may_be_in_are_caught_up_with_while_none_rests() {
    let folder = TempDir::new().unwrap();
    for heard in catch_up(&mut house(&folder), 2, 31) {
        check(&heard, 31);
    }
}

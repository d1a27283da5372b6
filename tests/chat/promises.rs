//! Receipts that take their time: how many somebody may wait for.

use parlor::log::{Settings as LogSettings, SyncMode};
use parlor::services::chat::Settings;
use tempfile::TempDir;

use crate::house::House;

/// A house in which everything is synced before it is heard, when its helpers get to it.
fn house(folder: &TempDir) -> House {
    let sync = SyncMode::Always;
    let history = LogSettings { sync, ..LogSettings::default() };
    House::over(folder, Settings { flood: None, sync, ..Settings::default() }, history)
}

fn said(numbers: std::ops::Range<u32>) -> String {
    let lines: Vec<String> = numbers.map(|number| format!("{{\"say\":\"x\",\"id\":\"{number}\"}}\n")).collect();
    lines.concat()
}

#[test]
fn who_waits_for_256_receipts_is_not_read_until_most_of_them_are_given() {
    let folder = TempDir::new().unwrap();
    let mut house = house(&folder);
    let (alice, program) = (house.person("alice"), house.program());
    house.lines(alice);
    let before = house.frames();
    house.sends(program, &said(0..1000));
    assert_eq!(house.frames() - before, 256);
    assert!(house.lines(program).is_empty(), "the disk has nothing yet");
    house.says(alice, "others are read");
    assert_eq!(house.frames() - before, 257);
    let mut receipts = Vec::new();
    while house.work() {
        let heard = house.lines(program).into_iter().filter(|line| line.contains("receipt"));
        receipts.extend(heard.map(|line| line.split('"').nth(13).unwrap().parse::<u64>().unwrap()));
        let waiting = house.frames() - before - 1 - receipts.len() as u64;
        assert!(waiting <= 256, "{waiting} wait for their receipts");
    }
    assert!(receipts.iter().copied().eq(0..1000), "{receipts:?}");
}

#[test]
fn what_gets_no_receipt_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let mut house = house(&folder);
    let program = house.program();
    let before = house.frames();
    // Wrong ones are answered at once; those without an id by nothing.
    house.sends(program, &"{\"say\":\n{\"say\":\"x\",\"room\":\"elsewhere\",\"id\":\"a\"}\n".repeat(500));
    assert_eq!(house.frames() - before, 1000);
    let answers = house.lines(program);
    assert_eq!(answers.len(), 1000);
    house.sends(program, &"{\"say\":\"x\"}\n".repeat(600));
    while house.work() {}
    assert_eq!(house.frames() - before, 1600);
    // In plain form it is no object, but something said.
    house.says(program, "/format plain");
    house.sends(program, &"{not an object}\n".repeat(600));
    while house.work() {}
    assert_eq!(house.frames() - before, 2201);
}

#[test]
fn a_session_that_is_taken_up_owes_its_new_line_no_patience() {
    let folder = TempDir::new().unwrap();
    let mut house = house(&folder);
    let (program, other) = (house.program(), house.program());
    let token = house.token(program);
    house.says(program, "/nick prog");
    house.sends(program, &said(0..300));
    // Its own objects wait in the same turn, for a session that ends with the next line.
    house.sends(other, &format!("{}/session {token}\n", said(0..200)));
    while house.work() {}
    let before = house.frames();
    house.sends(other, &said(300..1000));
    while house.work() {}
    assert_eq!(house.frames() - before, 700);
}

/// More than helpers take questions for at once.
#[test]
fn after_a_restart_everybody_can_come_back_at_once() {
    const PEOPLE: usize = 700;
    let folder = TempDir::new().unwrap();
    let mut tokens = Vec::new();
    let mut before = house(&folder);
    for number in 0..PEOPLE {
        let program = before.program();
        tokens.push(before.token(program));
        before.says(program, &format!("/nick prog{number}"));
        before.says(program, &format!(r#"{{"say":"here","id":"{number}"}}"#));
        while before.work() {}
    }
    drop(before);
    let mut house = house(&folder);
    let people: Vec<_> = tokens.iter().map(|_| house.guest()).collect();
    for (&who, token) in people.iter().zip(&tokens) {
        house.says(who, &format!("/session {token}"));
    }
    while house.work() {}
    for (number, who) in people.into_iter().enumerate() {
        let heard = house.lines(who);
        assert!(heard.contains(&format!("- welcome back, prog{number}")), "{number}: {:?}", heard.first());
    }
}

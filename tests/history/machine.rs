//! When numbers jump, and when they do not.

use std::fs;

use crate::support::{Got, MODES, Place, follow, said, say, settle};
use parlor::log::{Log, Report, SyncMode};

/// How a run ended, and what the next one found.
fn after(mode: SyncMode, reboot: bool, close: bool) -> (Place, Log, Report) {
    let mut place = Place::new();
    place.settings.sync = mode;
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    settle(&mut log, place.now + 2000);
    if close {
        log.close().unwrap();
    } else {
        drop(log);
    }
    if reboot {
        place.reboot();
    }
    let (log, report) = place.try_open().unwrap();
    (place, log, report)
}

#[test]
fn numbers_jump_after_an_unclean_end_of_the_machine_without_always_and_only_then() {
    for mode in MODES {
        for (reboot, close) in [(false, false), (false, true), (true, false), (true, true)] {
            let (place, mut log, report) = after(mode, reboot, close);
            let jump = reboot && !close && mode != SyncMode::Always;
            assert_eq!(report.jumped, jump, "{mode:?}, machine down: {reboot}, in order: {close}");
            assert_eq!(say(&mut log, "tea", "two", place.now), if jump { 1_000_002 } else { 2 });
        }
    }
}

#[test]
fn a_jump_is_a_gap_that_is_named_before_anything_new_is_said() {
    let (place, mut log, _) = after(SyncMode::Second, true, false);
    let one = Got::Said(1, "one".to_owned());
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now), [one.clone(), Got::Gap(2, 1_000_001)]);
    assert_eq!(log.last("tea"), 1_000_001);
    assert_eq!(follow(&mut log, "tea", 50, 1000, place.now), [Got::Gap(51, 1_000_001)]);
    say(&mut log, "tea", "two", place.now);
    let two = Got::Said(1_000_002, "two".to_owned());
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now), [one, Got::Gap(2, 1_000_001), two]);
}

#[test]
fn a_room_that_was_lost_altogether_jumps_too() {
    let mut place = Place::new();
    let mut log = place.open();
    settle(&mut log, place.now);
    let safe = fs::read(place.last_segment()).unwrap();
    assert_eq!(say(&mut log, "new", "seen by somebody, never synced", place.now), 1);
    drop(log);
    fs::write(place.last_segment(), safe).unwrap();
    place.reboot();
    let mut log = place.open();
    assert_eq!(say(&mut log, "new", "after", place.now), 1_000_001);
    assert_eq!(
        follow(&mut log, "new", 1, 1000, place.now),
        [Got::Gap(2, 1_000_000), Got::Said(1_000_001, "after".to_owned())]
    );
}

#[test]
fn an_end_in_order_counts_only_for_the_run_that_ended() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    log.close().unwrap();
    let mut log = place.open();
    say(&mut log, "tea", "two", place.now);
    drop(log);
    place.reboot();
    assert!(place.try_open().unwrap().1.jumped);
}

#[test]
fn the_mode_that_counts_is_that_of_the_run_that_ended() {
    let mut place = Place::new();
    for (mode, jumped) in [(SyncMode::Second, false), (SyncMode::Always, true), (SyncMode::Never, false)] {
        place.settings.sync = mode;
        let (mut log, report) = place.try_open().unwrap();
        assert_eq!(report.jumped, jumped, "before {mode:?}");
        say(&mut log, "tea", "hello", place.now);
        settle(&mut log, place.now);
        drop(log);
        place.reboot();
    }
}

#[test]
fn a_machine_that_does_not_tell_its_starts_apart_is_taken_for_a_new_one() {
    let mut place = Place::new();
    place.settings.boot = Some(String::new());
    drop(place.open());
    assert!(place.try_open().unwrap().1.jumped);
}

#[test]
fn a_start_that_fails_after_a_jump_was_decided_jumps_again() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    drop(log);
    place.reboot();
    // The head of the new segment can't be written, then not synced.
    for fault in [crate::support::Fault::Write, crate::support::Fault::Sync] {
        place.disk.fail(fault);
        assert!(place.try_open().is_err());
    }
    let (mut log, report) = place.try_open().unwrap();
    assert!(report.jumped);
    assert_eq!(say(&mut log, "tea", "two", place.now), 1_000_002);
}

#[test]
fn the_kernel_names_its_start_when_nobody_else_does() {
    let mut place = Place::new();
    place.settings.boot = None;
    drop(place.open());
    assert!(!place.try_open().unwrap().1.jumped);
}

#[test]
fn what_is_said_while_the_next_segment_is_made_is_in_its_table() {
    let mut place = Place::with_segments(300);
    let mut log = place.open();
    for number in 0..6 {
        say(&mut log, ["tea", "milk"][number % 2], "fills the first segment", place.now);
    }
    let making = log.chores(place.now).unwrap();
    assert_eq!(say(&mut log, "tea", "meanwhile", place.now), 4);
    assert_eq!(say(&mut log, "water", "a new room meanwhile", place.now), 1);
    let made = making();
    assert_eq!(log.push(&said("milk", "in the batch that goes before", place.now)), 4);
    log.chore_done(made);
    log.commit().unwrap();
    assert_eq!(say(&mut log, "milk", "in the second segment", place.now), 5);
    drop(log);
    let [first, second] = &place.segments()[..] else { panic!("there are two") };
    assert!(fs::metadata(second).unwrap().len() < 700, "the second one is small");
    fs::remove_file(first).unwrap();
    let mut log = place.open();
    let next = ["tea", "milk", "water"].map(|room| say(&mut log, room, "new", place.now));
    assert_eq!(next, [5, 6, 2], "one segment alone knows all numbers");
}

#[test]
fn a_segment_that_was_made_in_vain_is_gone_on_in_with_all_numbers() {
    let mut place = Place::with_segments(600);
    let mut log = place.open();
    for _ in 0..10 {
        say(&mut log, "tea", "fills the first segment", place.now);
    }
    let making = log.chores(place.now).unwrap();
    assert_eq!(say(&mut log, "milk", "meanwhile", place.now), 1);
    drop(making());
    drop(log);
    let mut log = place.open();
    assert_eq!(say(&mut log, "tea", "again", place.now), 11);
    drop(log);
    fs::remove_file(&place.segments()[0]).unwrap();
    let mut log = place.open();
    assert_eq!(["tea", "milk"].map(|room| say(&mut log, room, "new", place.now)), [12, 2]);
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now)[0], Got::Gap(1, 10));
}

#[test]
fn what_made_numbers_jump_is_seen_again_when_a_start_fails_before_they_have_jumped() {
    let mut place = Place::new();
    let mut log = place.open();
    for text in ["one", "two"] {
        say(&mut log, "tea", text, place.now);
    }
    drop(log);
    let mut bytes = fs::read(place.last_segment()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(place.last_segment(), bytes).unwrap();
    for fault in [crate::support::Fault::Write, crate::support::Fault::Sync] {
        place.disk.fail(fault);
        assert!(place.try_open().is_err());
    }
    let mut log = place.open();
    assert_eq!(say(&mut log, "tea", "three", place.now), 1_000_002);
}

#[test]
fn a_room_with_more_than_a_million_messages_keeps_its_numbers_when_its_table_is_damaged() {
    let mut place = Place::with_segments(1 << 21);
    place.settings.keep_room = 1 << 23;
    let mut log = place.open();
    for _ in 0..1010 {
        (0..1000).for_each(|_| assert!(log.push(&said("tea", "", place.now)) > 0));
        log.commit().unwrap();
        settle(&mut log, place.now);
    }
    settle(&mut log, place.now + 2 * place.settings.segment_age);
    drop(log);
    // One segment alone, without a message, and its table can't be read.
    let path = place.last_segment();
    let mut bytes = fs::read(&path).unwrap();
    place.segments().iter().for_each(|path| fs::remove_file(path).unwrap());
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(say(&mut place.open(), "tea", "new", place.now) > 1_010_000);
}

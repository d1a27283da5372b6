//! What is past a limit is never shown, and goes.

use std::fs;

use crate::support::{Got, Place, beside, follow, said, say, settle, texts};
use parlor::log::{Log, Outcome, Read, Settings};

const DAY: u64 = 24 * 60 * 60 * 1000;

fn size(place: &Place) -> u64 {
    place.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

fn fill(place: &Place, log: &mut Log, room: &str, count: u64) {
    for number in 0..count {
        say(log, room, &format!("message {number}"), place.now);
        settle(log, place.now);
    }
}

#[test]
fn nothing_older_than_its_age_is_shown_even_within_a_segment() {
    let mut place = Place::new();
    let mut log = place.open();
    for day in 0..40 {
        say(&mut log, "tea", &format!("day {day}"), place.now + day * DAY / 8);
    }
    let now = place.now + 30 * DAY + 10 * DAY / 8;
    let got = follow(&mut log, "tea", 0, 1 << 16, now);
    assert_eq!(got[..2], [Got::Gap(1, 10), Got::Said(11, "day 10".to_owned())]);
    assert_eq!(got.len(), 31);
    assert_eq!(follow(&mut log, "tea", 20, 1 << 16, now + 100 * DAY), [Got::Gap(21, 40)]);
}

#[test]
fn a_segment_goes_when_all_of_it_is_too_old_and_then_the_history_sleeps() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    let mut now = place.now;
    for _ in 0..10 {
        settle(&mut log, now);
        let Some(due) = log.due() else { break };
        now = now.max(due);
    }
    assert_eq!(log.due(), None);
    assert!(now <= place.now + 31 * DAY, "by the clock that it asked for");
    assert_eq!(place.segments().len(), 1);
    assert_eq!((log.first("tea"), log.last("tea")), (2, 1));
    assert_eq!(follow(&mut log, "tea", 0, 1000, now), [Got::Gap(1, 1)]);
    drop(log);
    let mut log = place.open();
    assert_eq!(follow(&mut log, "tea", 0, 1000, now), [Got::Gap(1, 1)]);
    assert_eq!(say(&mut log, "tea", "two", now), 2, "its number is remembered");
}

#[test]
fn a_room_keeps_no_more_than_its_share_and_other_rooms_keep_theirs() {
    let mut place = Place::with_segments(2000);
    place.settings.keep_room = 10_000;
    let mut log = place.open();
    fill(&place, &mut log, "quiet", 3);
    fill(&place, &mut log, "loud", 1000);
    let loud = texts(&mut log, "loud", place.now);
    let bytes = loud.len() as u64 * 65;
    assert!((5_000..10_000).contains(&bytes), "{bytes} bytes of it are kept");
    assert_eq!(loud.last().unwrap().0, 1000);
    let first = log.first("loud");
    assert_eq!(loud[0].0, first);
    assert_eq!(follow(&mut log, "loud", 7, 1000, place.now)[0], Got::Gap(8, first - 1));
    assert_eq!(texts(&mut log, "quiet", place.now).len(), 3, "its segment stays for it");
    drop(log);
    let mut log = place.open();
    assert_eq!(log.first("loud"), first);
    assert_eq!(texts(&mut log, "loud", place.now), loud);
    let there = beside(&place.path());
    assert!(there["loud"].len() <= loud.len() + 40 && there["quiet"].len() == 3);
}

#[test]
fn the_whole_keeps_no_more_than_its_limit_at_any_time() {
    let mut place = Place::with_segments(2000);
    place.settings.keep_total = 20_000;
    let mut log = place.open();
    for number in 0..1500 {
        log.push(&said(["tea", "milk"][number % 2], "some message of some length", place.now));
        log.commit().unwrap();
        settle(&mut log, place.now);
        assert!(size(&place) <= 20_000, "{} bytes after {number}", size(&place));
    }
    assert!(size(&place) > 10_000);
    let first = log.first("tea");
    let got = follow(&mut log, "tea", 0, 1 << 16, place.now);
    assert_eq!(got[0], Got::Gap(1, first - 1));
    assert_eq!(got.len() as u64, 1 + 750 - first + 1);
    let rooms: Vec<_> = log.rooms().map(|(room, first, last)| (room.to_owned(), first, last)).collect();
    assert_eq!(rooms[1], ("tea".to_owned(), first, 750));
}

#[test]
fn a_limit_that_became_smaller_holds_after_a_restart_and_a_larger_one_brings_nothing_back() {
    let mut place = Place::with_segments(2000);
    let mut log = place.open();
    fill(&place, &mut log, "tea", 500);
    drop(log);
    place.settings.keep_room = 8000;
    let mut log = place.open();
    let first = log.first("tea");
    assert!(first > 350);
    fill(&place, &mut log, "tea", 50);
    let first = log.first("tea");
    settle(&mut log, place.now);
    drop(log);
    place.settings.keep_room = 1 << 30;
    let log = place.open();
    assert!(log.first("tea") >= first);
    assert!(place.segments().len() < 12, "what nobody sees is gone");
}

#[test]
fn a_reader_that_waits_for_a_segment_that_goes_hears_of_a_gap() {
    let mut place = Place::with_segments(2000);
    place.settings.keep_total = 8000;
    let mut log = place.open();
    fill(&place, &mut log, "tea", 40);
    drop(log);
    let mut log = place.open();
    let Read::Later(chore) = log.read("tea", 0, 1000, place.now) else { panic!("nobody has opened the segment yet") };
    let gone = place.segments()[0].clone();
    fill(&place, &mut log, "tea", 300);
    assert!(!gone.exists());
    let Outcome::Read(read) = log.chore_done(chore()) else { panic!("a read") };
    let first = log.first("tea");
    assert!(matches!(read, Read::Gap { from: 1, to } if to == first - 1), "{read:?}");
}

#[test]
fn a_day_closes_a_segment() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    settle(&mut log, place.now + DAY - 1);
    assert_eq!(place.segments().len(), 1);
    settle(&mut log, place.now + DAY);
    assert_eq!(place.segments().len(), 2);
    settle(&mut log, place.now + 5 * DAY);
    assert_eq!(place.segments().len(), 2, "an empty one is not closed");
}

#[test]
fn a_long_walk_over_what_is_too_old_is_not_for_a_turn() {
    let mut place = Place::new();
    let mut log = place.open();
    let words = "x".repeat(4000);
    for _ in 0..300 {
        log.push(&said("tea", &words, place.now));
    }
    log.push(&said("tea", "new", place.now + DAY));
    log.commit().unwrap();
    let now = place.now + 30 * DAY + 1;
    let Read::Later(chore) = log.read("tea", 0, 1000, now) else { panic!("1.2 MB are too much to look at") };
    let outcome = log.chore_done(chore());
    assert!(matches!(outcome, Outcome::Read(Read::Gap { from: 1, to: 300 })), "{outcome:?}");
}

#[test]
fn limits_can_change_while_it_is_written_and_what_is_past_them_goes() {
    let mut place = Place::with_segments(2000);
    place.settings.keep_total = 40_000;
    let mut log = place.open();
    fill(&place, &mut log, "tea", 400);
    let before = size(&place);
    assert!(before > 20_000, "{before}");
    log.keep(Settings { keep_total: 10_000, ..place.settings.clone() });
    settle(&mut log, place.now);
    let after = size(&place);
    assert!(after <= 10_000, "{after}");
    let (first, last) = (log.first("tea"), log.last("tea"));
    let got = follow(&mut log, "tea", 0, 1 << 20, place.now);
    assert_eq!(got[0], Got::Gap(1, first - 1));
    assert_eq!(got.len() as u64, 1 + last - first + 1);
    // By age too, and without anything being written.
    log.keep(Settings { keep_age: DAY, ..place.settings.clone() });
    let got = follow(&mut log, "tea", first - 1, 1 << 20, place.now + 2 * DAY);
    assert!(got.iter().all(|got| matches!(got, Got::Gap(..))), "{got:?}");
    assert!(matches!(got[..], [Got::Gap(from, _), .., Got::Gap(_, to)] if (from, to) == (first, last)), "{got:?}");
    fill(&place, &mut log, "tea", 1);
    assert_eq!(log.last("tea"), last + 1);
}

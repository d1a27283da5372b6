//! Sealed segments, and heads that speak for segments that are gone: damaged, cut, removed.

use std::fs;

use crate::damage::{ROOMS, Story, tell};
use crate::support::{Got, Place, follow, known, say, settle, texts};
use parlor::log::id_hash;

/// A sealed segment with a story in it, and one behind it with one more message in milk.
fn two_segments() -> (Place, Story) {
    let mut place = Place::with_segments(450);
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    settle(&mut log, place.now);
    say(&mut log, "milk", "in the second segment", place.now);
    log.close().unwrap();
    (place, story)
}

#[test]
fn any_flipped_byte_of_a_sealed_segment_costs_at_most_its_own_message() {
    let (mut place, story) = two_segments();
    let path = place.segments().remove(0);
    let (whole, second) = (fs::read(&path).unwrap(), place.segments().remove(1));
    let last = fs::read(&second).unwrap();
    for index in 0..whole.len() {
        for segment in place.segments() {
            fs::remove_file(segment).unwrap();
        }
        let mut flipped = whole.clone();
        flipped[index] ^= 0x04;
        fs::write(&path, &flipped).unwrap();
        fs::write(&second, &last).unwrap();
        let (mut log, _) = place.try_open().unwrap();
        let ids: Vec<_> = known(&mut log, [7; 16], 0).into_iter().map(|known| known.id).collect();
        let mut there = 0;
        for (_, text) in ROOMS.iter().flat_map(|room| texts(&mut log, room, place.now)) {
            there += 1;
            let id_known = ids.contains(&id_hash(&text)) || text.starts_with("in the");
            assert!(id_known, "byte {index}: {text} would be said again");
        }
        assert!(there >= story.len(), "byte {index}: {there} of {} are there", story.len() + 1);
        assert!(say(&mut log, "milk", "new", place.now) > 4, "byte {index}: a number was given twice");
        let damaged = there == story.len();
        assert!(log.damage().is_some() || index < 8 || !damaged, "byte {index}: nobody is told");
    }
}

#[test]
fn a_sealed_segment_cut_at_any_byte_of_its_foot_is_read_through_and_sealed_again() {
    let (mut place, story) = two_segments();
    let path = place.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    place.settings.segment_bytes = 1 << 20;
    let records = usize::try_from(story.iter().map(|line| line.3).max().unwrap()).unwrap();
    assert!(records < whole.len(), "it has a foot");
    for length in records..=whole.len() + 1 {
        // The last time, something lies behind it.
        let bytes = whole.get(..length).map_or_else(|| [&whole[..], &[0x55; 99]].concat(), <[u8]>::to_vec);
        fs::write(&path, bytes).unwrap();
        let (mut log, report) = place.try_open().unwrap();
        assert_eq!(report.sealed, usize::from(length != whole.len()));
        assert_eq!(fs::read(&path).unwrap(), whole, "the new foot is the old one");
        for room in ROOMS {
            assert!(texts(&mut log, room, place.now).len() >= 3);
        }
        log.close().unwrap();
    }
}

#[test]
fn a_segment_that_disappears_is_a_gap() {
    let mut place = Place::with_segments(450);
    let mut log = place.open();
    tell(&mut place, &mut log);
    settle(&mut log, place.now);
    tell(&mut place, &mut log);
    settle(&mut log, place.now);
    drop(log);
    let mut log = place.open();
    fs::remove_file(&place.segments()[0]).unwrap();
    let got = follow(&mut log, "tea", 0, 1000, place.now);
    assert_eq!(got[0], Got::Gap(1, 3));
    assert!(log.damage().is_some());
    drop(log);
    let mut log = place.open();
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now), got);
    assert_eq!(say(&mut log, "tea", "new", place.now), 7);
}

#[test]
fn numbers_live_on_in_one_segment_alone_whatever_byte_of_its_head_is_flipped() {
    let mut place = Place::with_segments(450);
    let mut last = 0;
    // Two jumps: numbers are higher than another one would reach.
    for _ in 0..3 {
        let mut log = place.open();
        last = tell(&mut place, &mut log).iter().map(|line| line.1).max().unwrap();
        settle(&mut log, place.now);
        drop(log);
        place.reboot();
    }
    place.settings.boot = Some("first boot again again".to_owned());
    let path = place.last_segment();
    let whole = fs::read(&path).unwrap();
    let alone = |place: &Place, bytes: &[u8]| {
        place.segments().iter().for_each(|path| fs::remove_file(path).unwrap());
        fs::write(&path, bytes).unwrap();
    };
    for index in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[index] ^= 0x20;
        alone(&place, &flipped);
        let mut log = place.open();
        for room in ROOMS {
            let next = say(&mut log, room, "new", place.now);
            assert!(next > last, "byte {index}: {next} was given twice in {room}");
        }
    }
    alone(&place, &whole);
    let mut log = place.open();
    assert_eq!(say(&mut log, "tea", "new", place.now), last + 1);
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now), [Got::Gap(1, last), Got::Said(last + 1, "new".to_owned())]);
}

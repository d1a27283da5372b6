//! Torn tails and damage: what is right stays, nothing is invented, no number is given twice.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{Got, MODES, Place, beside, follow, said, say, settle, texts};
use parlor::log::{Log, Read, Record, SyncMode};

pub(crate) const ROOMS: [&str; 3] = ["tea", "coffee", "milk"];

/// Messages of a small file: the room, the number, the text, and where in the file it ends.
pub(crate) type Story = Vec<(&'static str, u64, String, u64)>;

/// Says a few things in three rooms.
pub(crate) fn tell(place: &mut Place, log: &mut Log) -> Story {
    let mut story = Vec::new();
    for number in 0..9 {
        let (room, text) = (ROOMS[number % 3], format!("message {number}"));
        let seq = log.push(&Record { id: &text, ..said(room, &text, place.now) });
        log.commit().unwrap();
        let end = fs::metadata(place.last_segment()).unwrap().len();
        story.push((room, seq, text, end));
    }
    story
}

/// Asserts that what is read is what was said, that all of it before `damage` is there, and that a new number is new.
fn check(log: &mut Log, story: &Story, damage: u64, now: u64, context: &str) {
    for room in ROOMS {
        let there: BTreeSet<_> = texts(log, room, now).into_iter().collect();
        let said: BTreeSet<_> =
            story.iter().filter(|line| line.0 == room).map(|line| (line.1, line.2.clone())).collect();
        assert!(there.is_subset(&said), "{context}: {there:?} was not said in {room}");
        for (_, seq, text, _) in story.iter().filter(|line| line.0 == room && line.3 <= damage) {
            assert!(there.contains(&(*seq, text.clone())), "{context}: {room} {seq} is lost");
        }
        let next = say(log, room, "new", now);
        let given = story.iter().filter(|line| line.0 == room).any(|line| line.1 == next);
        assert!(!given, "{context}: {next} was given twice in {room}");
        assert_eq!(texts(log, room, now).last(), Some(&(next, "new".to_owned())), "{context}");
    }
    let unknown = say(log, "a room that nobody knew", "new", now);
    assert!(unknown >= 1, "{context}");
}

#[test]
fn a_segment_cut_at_any_byte_keeps_what_lies_before() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    drop(log);
    let (path, whole) = (place.last_segment(), fs::read(place.last_segment()).unwrap());
    place.reboot();
    for length in 0..whole.len() {
        for segment in place.segments() {
            fs::remove_file(segment).unwrap();
        }
        fs::write(&path, &whole[..length]).unwrap();
        let (mut log, report) = place.try_open().unwrap();
        assert!(report.jumped, "the machine went down, so numbers jump");
        check(&mut log, &story, length as u64, place.now, &format!("cut at {length}"));
        let (mut log, length) = (drop_and_open(&mut place, log), length as u64);
        check_again(&mut log, &story, length, place.now);
    }
}

fn drop_and_open(place: &mut Place, log: Log) -> Log {
    drop(log);
    place.open()
}

/// The second opening finds what the first one left.
fn check_again(log: &mut Log, story: &Story, damage: u64, now: u64) {
    for (room, seq, text, _) in story.iter().filter(|line| line.3 <= damage) {
        assert!(texts(log, room, now).contains(&(*seq, text.clone())));
    }
    for room in ROOMS {
        assert_eq!(texts(log, room, now).iter().filter(|(_, text)| text == "new").count(), 1);
    }
}

#[test]
fn what_a_killed_process_was_writing_is_cut_and_its_number_goes_to_the_next() {
    for mode in MODES {
        let mut place = Place::new();
        place.settings.sync = mode;
        let mut log = place.open();
        let story = tell(&mut place, &mut log);
        drop(log);
        let (path, whole) = (place.last_segment(), fs::read(place.last_segment()).unwrap());
        let before = usize::try_from(story[7].3).unwrap();
        for length in before..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (mut log, report) = place.try_open().unwrap();
            assert_eq!((report.jumped, report.cut.len()), (false, usize::from(length > before)));
            assert_eq!(say(&mut log, "milk", "again", place.now), 3, "{mode:?} {length}");
            settle(&mut log, place.now);
            assert_eq!(texts(&mut log, "milk", place.now).len(), 3);
        }
    }
}

#[test]
fn any_flipped_byte_of_an_open_segment_costs_at_most_its_own_message() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    drop(log);
    flip_each_byte(&mut place, &story);
}

#[test]
fn any_flipped_byte_of_a_segment_that_was_closed_in_order_costs_at_most_its_own_message() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    log.close().unwrap();
    flip_each_byte(&mut place, &story);
}

fn flip_each_byte(place: &mut Place, story: &Story) {
    let (path, whole) = (place.last_segment(), fs::read(place.last_segment()).unwrap());
    for index in 0..whole.len() {
        for mask in [0x01, 0xff] {
            for segment in place.segments() {
                fs::remove_file(segment).unwrap();
            }
            let mut flipped = whole.clone();
            flipped[index] ^= mask;
            fs::write(&path, &flipped).unwrap();
            let mut log = place.open();
            let context = format!("byte {index} flipped by {mask:x}");
            let there: usize = ROOMS.iter().map(|room| texts(&mut log, room, place.now).len()).sum();
            assert!(there + 1 >= story.len(), "{context}: {there} of {} are there", story.len());
            check(&mut log, story, index as u64, place.now, &context);
        }
    }
}

#[test]
fn damage_in_the_middle_is_told_with_its_place_served_as_a_gap_and_writing_goes_on_elsewhere() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    drop(log);
    let path = place.last_segment();
    let mut bytes = fs::read(&path).unwrap();
    let (from, to) = (usize::try_from(story[2].3).unwrap(), usize::try_from(story[3].3).unwrap());
    bytes[from..to].fill(b'x');
    fs::write(&path, &bytes).unwrap();
    let (mut log, report) = place.try_open().unwrap();
    let damage = report.damage[0];
    assert_eq!((damage.segment, damage.from, damage.to), (1, from as u64, to as u64));
    assert!(report.lines().any(|line| line.contains("00000001.log is damaged from byte")));
    let (tea, expected) =
        (follow(&mut log, "tea", 0, 1000, place.now), |seq, n| Got::Said(seq, format!("message {n}")));
    assert_eq!(tea, [expected(1, 0), Got::Gap(2, 2), expected(3, 6), Got::Gap(4, 1_000_003)]);
    let size = fs::metadata(&path).unwrap().len();
    assert_eq!(say(&mut log, "tea", "new", place.now), 1_000_004);
    assert_eq!((place.segments().len(), fs::metadata(&path).unwrap().len()), (2, size));
    drop(log);
    let (mut log, report) = place.try_open().unwrap();
    assert!(!report.jumped, "old damage makes no new jump");
    assert_eq!(say(&mut log, "tea", "newer", place.now), 1_000_005);
}

#[test]
fn damage_that_comes_while_it_is_served_is_a_gap_and_told_once() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    let path = place.last_segment();
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(story[3].3).unwrap() - 1] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for _ in 0..3 {
        assert_eq!(follow(&mut log, "tea", 0, 1, place.now)[1], Got::Gap(2, 2));
    }
    let damage = log.damage().unwrap();
    assert_eq!((damage.from, damage.to), (story[2].3, story[3].3));
    assert_eq!(log.damage(), None);
}

#[test]
fn nobody_can_say_something_that_is_taken_for_a_record() {
    // The bytes of some record of the room that happen to be text. (The server would replace its controls.)
    let mut place = Place::new();
    let mut log = place.open();
    let forged = (0..10_000).find_map(|number| {
        let before = usize::try_from(fs::metadata(place.last_segment()).unwrap().len()).unwrap();
        let text = format!("forged {number} {}", "!".repeat(40 + number % 32));
        log.push(&Record { at: 1, id: "i", ..said("tea", &text, 1) });
        log.commit().unwrap();
        let bytes = fs::read(place.last_segment()).unwrap();
        let record = String::from_utf8(bytes[before..].to_vec()).ok();
        record.filter(|_| number > 20)
    });
    let forged = forged.unwrap();
    drop(log);

    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    let second = usize::try_from(fs::metadata(place.last_segment()).unwrap().len()).unwrap();
    say(&mut log, "tea", &forged, place.now);
    say(&mut log, "tea", "three", place.now);
    drop(log);
    let mut bytes = fs::read(place.last_segment()).unwrap();
    bytes[second + 2] ^= 0xff;
    fs::write(place.last_segment(), &bytes).unwrap();
    let mut log = place.open();
    // Read so early that the forged time is not too old.
    let there: Vec<_> = texts(&mut log, "tea", 1).into_iter().map(|(_, text)| text).collect();
    assert_eq!(there, ["one", "three"]);
}

#[test]
fn another_version_is_refused_and_left_alone() {
    let mut place = Place::new();
    drop(place.open());
    let mut bytes = b"parlor\x1a\x02".to_vec();
    bytes.extend([0x55; 100]);
    fs::write(place.last_segment(), &bytes).unwrap();
    assert!(matches!(place.try_open(), Err(parlor::log::OpenError::Newer { segment: 1 })));
    assert_eq!(fs::read(place.last_segment()).unwrap(), bytes);
}

#[test]
fn zeros_behind_the_last_record_are_cut_and_make_numbers_jump_unless_everything_was_synced() {
    for mode in MODES {
        let mut place = Place::new();
        place.settings.sync = mode;
        let mut log = place.open();
        say(&mut log, "tea", "one", place.now);
        settle(&mut log, place.now);
        drop(log);
        let mut bytes = fs::read(place.last_segment()).unwrap();
        bytes.extend([0; 5000]);
        fs::write(place.last_segment(), &bytes).unwrap();
        let (mut log, report) = place.try_open().unwrap();
        assert_eq!((report.jumped, report.cut.len()), (mode != SyncMode::Always, 1), "{mode:?}");
        assert!(!matches!(log.read("tea", 0, 1000, place.now), Read::Gap { .. }));
    }
}

#[test]
fn a_reader_beside_sees_what_the_owner_serves_past_damage() {
    let mut place = Place::new();
    let mut log = place.open();
    let story = tell(&mut place, &mut log);
    let mut bytes = fs::read(place.last_segment()).unwrap();
    bytes[usize::try_from(story[3].3).unwrap() - 1] ^= 1;
    fs::write(place.last_segment(), &bytes).unwrap();
    log.push(&said("tea", "x", place.now));
    log.commit().unwrap();
    let there = beside(&place.path());
    for room in ROOMS {
        assert_eq!(there[room], texts(&mut log, room, place.now));
    }
}

//! Reading beside a running server.

use std::fs;

use crate::support::{Place, beside, said, say, settle, texts};
use parlor::log::Reader;

#[test]
fn a_reader_needs_no_lock_and_sees_what_is_written() {
    let mut place = Place::with_segments(1500);
    let mut log = place.open();
    for number in 0..200 {
        say(&mut log, ["tea", "milk"][number % 2], &format!("message {number}"), place.now);
        settle(&mut log, place.now);
        if number % 20 == 0 {
            let there = beside(&place.path());
            assert_eq!(there["tea"], texts(&mut log, "tea", place.now));
        }
    }
    drop(log);
    assert_eq!(beside(&place.path())["milk"].len(), 100);
}

#[test]
fn a_reader_takes_a_record_that_is_being_written_for_the_end() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    let before = fs::metadata(place.last_segment()).unwrap().len();
    say(&mut log, "tea", "two", place.now);
    let whole = fs::read(place.last_segment()).unwrap();
    drop(log);
    for length in usize::try_from(before).unwrap()..whole.len() {
        fs::write(place.last_segment(), &whole[..length]).unwrap();
        let mut reader = Reader::open(&place.path(), 0).unwrap();
        assert_eq!(reader.next_record().unwrap().map(|record| record.seq), Some(1));
        assert_eq!(reader.next_record().unwrap(), None);
        assert_eq!(reader.damage(), []);
    }
}

#[test]
fn segments_that_go_while_one_reads_are_passed_over() {
    let mut place = Place::with_segments(1000);
    let mut log = place.open();
    for number in 0..100 {
        say(&mut log, "tea", &format!("message {number}"), place.now);
        settle(&mut log, place.now);
    }
    let mut reader = Reader::open(&place.path(), 0).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().seq, 1);
    for path in &place.segments()[..5] {
        fs::remove_file(path).unwrap();
    }
    let mut last = 1;
    while let Some(record) = reader.next_record().unwrap() {
        assert!(record.seq > last);
        last = record.seq;
    }
    assert_eq!(last, 100);
}

#[test]
fn what_is_too_old_or_below_a_floor_is_not_read() {
    let mut place = Place::with_segments(1000);
    place.settings.keep_room = 4000;
    let mut log = place.open();
    log.push(&said("quiet", "keeps the first segment", place.now));
    for number in 0..200 {
        say(&mut log, "tea", &format!("message {number}"), place.now + number);
        settle(&mut log, place.now);
    }
    drop(log);
    drop(place.open());
    let there = beside(&place.path());
    assert!(there["tea"].len() < 80 && there["tea"].last().unwrap().0 == 200 && there["quiet"].len() == 1);
    let mut reader = Reader::open(&place.path(), place.now + 199).unwrap();
    assert_eq!(reader.next_record().unwrap().map(|record| record.seq), Some(200));
    assert_eq!(reader.next_record().unwrap(), None);
}

#[test]
fn a_folder_without_a_history_is_empty_or_an_error() {
    let place = Place::new();
    assert!(Reader::open(&place.path(), 0).is_err());
    fs::create_dir(place.path()).unwrap();
    assert_eq!(Reader::open(&place.path(), 0).unwrap().next_record().unwrap(), None);
}

#[test]
fn histories_and_what_comes_of_their_chores_go_between_threads() {
    fn goes<T: Send + 'static>() {}
    goes::<parlor::log::Log>();
    goes::<parlor::log::Chore>();
    goes::<parlor::log::ChoreResult>();
    goes::<Reader>();
}

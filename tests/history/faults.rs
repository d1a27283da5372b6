//! A disk that fails: the history stops, says so, and tries nothing again.

use std::fs;

use crate::support::{Fault, MODES, Place, said, say, settle, texts};
use parlor::log::{Outcome, Read, SyncMode};

#[test]
fn a_failed_write_stops_the_history_and_none_of_its_numbers_counts() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    place.disk.fail(Fault::Write);
    assert_eq!([log.push(&said("tea", "two", place.now)), log.push(&said("milk", "first", place.now))], [2, 1]);
    let stopped = log.commit().unwrap_err();
    assert!(stopped.to_string().contains("writing the history failed"), "{stopped}");
    assert_eq!((log.last("tea"), log.last("milk")), (1, 0));
    let writes = place.disk.writes();
    assert_eq!(log.push(&said("tea", "three", place.now)), 0);
    assert_eq!(log.commit(), Err(stopped));
    settle(&mut log, place.now + 10_000);
    assert_eq!(place.disk.writes(), writes, "nothing is tried again");
    assert!(log.is_stopped().is_some() && log.due().is_none());
    assert!(log.close().is_err());
    let mut log = place.open();
    assert_eq!(say(&mut log, "tea", "after", place.now), 2, "a restart begins anew");
    assert_eq!(texts(&mut log, "tea", place.now).len(), 2);
}

#[test]
fn a_short_write_is_completed() {
    let mut place = Place::new();
    let mut log = place.open();
    for most in 1..120 {
        place.disk.fail(Fault::Short(most));
        say(&mut log, "tea", "some message that takes a few bytes", place.now);
    }
    drop(log);
    let (mut log, report) = place.try_open().unwrap();
    assert!(report.cut.is_empty());
    assert_eq!(texts(&mut log, "tea", place.now).len(), 119);
}

#[test]
fn what_a_failed_batch_left_behind_is_cut() {
    for killed in [false, true] {
        for most in [1, 30, 64, 65, 66, 100, 120] {
            let mut place = Place::new();
            let mut log = place.open();
            say(&mut log, "tea", "one", place.now);
            let good = fs::metadata(place.last_segment()).unwrap().len();
            place.disk.fail(Fault::Torn(most));
            for text in ["two", "three", "four"] {
                log.push(&said("tea", text, place.now));
            }
            log.commit().unwrap_err();
            assert_eq!(fs::metadata(place.last_segment()).unwrap().len(), good + most as u64);
            if killed {
                drop(log);
                let mut log = place.open();
                let there = texts(&mut log, "tea", place.now).len() as u64;
                assert!((1..=3).contains(&there), "whole messages may be found: said, without a receipt");
                assert_eq!(say(&mut log, "tea", "new", place.now), there + 1);
            } else {
                assert_eq!(log.due(), Some(0));
                assert_eq!(settle(&mut log, place.now).len(), 1);
                assert_eq!(fs::metadata(place.last_segment()).unwrap().len(), good);
            }
        }
    }
}

#[test]
fn a_failed_sync_stops_the_history_and_is_not_tried_again() {
    for mode in [SyncMode::Always, SyncMode::Second] {
        let mut place = Place::new();
        place.settings.sync = mode;
        let mut log = place.open();
        say(&mut log, "tea", "one", place.now);
        place.disk.fail(Fault::Sync);
        let chore = log.chores(place.now + 1000).unwrap();
        let Outcome::Stopped(why) = log.chore_done(chore()) else { panic!("{mode:?}: it failed") };
        assert!(why.contains("syncing the history failed"), "{why}");
        let syncs = place.disk.syncs();
        assert!(log.commit().is_err() && settle(&mut log, place.now + 10_000).is_empty());
        assert_eq!(place.disk.syncs(), syncs);
        if mode == SyncMode::Always {
            assert!(matches!(log.read("tea", 0, 1000, place.now), Read::End), "what is not safe is not seen");
        }
    }
}

#[test]
fn every_chore_that_fails_stops_the_history() {
    for mode in MODES {
        for (nth, fault) in (0..12).flat_map(|nth| [(nth, Fault::Write), (nth, Fault::Sync)]) {
            let mut place = Place::with_segments(600);
            (place.settings.sync, place.settings.keep_total) = (mode, 6000);
            let mut log = place.open();
            let mut chores = 0;
            for number in 0..100 {
                if log.push(&said("tea", &format!("message {number}"), place.now)) == 0 || log.commit().is_err() {
                    break;
                }
                while let Some(chore) = log.chores(place.now + number) {
                    if chores == nth {
                        place.disk.fail(fault);
                    }
                    chores += 1;
                    log.chore_done(chore());
                }
            }
            let stopped = log.is_stopped().map(str::to_owned);
            assert!(stopped.is_some(), "{mode:?}, {fault:?} in chore {nth}");
            drop(log);
            let mut log = place.open();
            let there = texts(&mut log, "tea", place.now);
            let last = there.last().map_or(0, |(seq, _)| *seq);
            assert_eq!(say(&mut log, "tea", "new", place.now), last + 1, "{mode:?}, {fault:?} in chore {nth}");
        }
    }
}

#[test]
fn a_helper_that_dies_stops_the_history() {
    let mut place = Place::new();
    let mut log = place.open();
    say(&mut log, "tea", "one", place.now);
    drop(log.chores(place.now + 1000).unwrap());
    assert!(matches!(log.chore_lost(), Outcome::Stopped(_)));
    assert!(log.commit().is_err());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_says_so() {
    let mut place = Place::new();
    place.disk.fail(Fault::Write);
    let error = place.try_open().unwrap_err();
    assert!(error.to_string().contains("writing the history failed"), "{error}");
    fs::remove_dir_all(place.path()).unwrap();
    fs::write(place.path(), "a file").unwrap();
    let error = place.try_open().unwrap_err();
    assert!(error.to_string().contains("making the folder failed"), "{error}");
}

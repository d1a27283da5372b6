//! Numbers, reading, ids, the folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Got, Place, follow, known, past, read, said, say, settle, texts};
use parlor::log::{Log, OpenError, Past, Read, Record, SyncMode, id_hash};

#[test]
fn numbers_rise_by_one_in_each_room_and_all_rooms_are_written_at_once() {
    let mut place = Place::new();
    let mut log = place.open();
    let writes = place.disk.writes();
    let seqs = ["tea", "coffee", "tea", "tea"].map(|room| log.push(&said(room, "hello", place.now)));
    assert_eq!(seqs, [1, 1, 2, 3]);
    assert!(matches!(log.read("tea", 0, 1000, place.now), Read::End), "nobody reads what is not written");
    log.commit().unwrap();
    assert_eq!(place.disk.writes(), writes + 1);
    assert_eq!((log.last("tea"), log.last("coffee"), log.last("milk")), (3, 1, 0));
    log.commit().unwrap();
    assert_eq!(place.disk.writes(), writes + 1, "nothing to say, nothing to write");
    let rooms: Vec<_> = log.rooms().map(|(room, first, last)| (room.to_owned(), first, last)).collect();
    assert_eq!(rooms, [("coffee".to_owned(), 1, 1), ("tea".to_owned(), 1, 3)]);
}

#[test]
fn a_message_comes_back_as_it_was_said() {
    let mut place = Place::new();
    let mut log = place.open();
    let record = Record {
        room: "tea",
        seq: 1,
        at: 1_764_000_000_123,
        action: true,
        from: "Zoë",
        session: [9; 16],
        id: "id-1",
        text: " waves \u{1f375}",
    };
    log.push(&record);
    log.push(&Record { action: false, id: "", text: "", ..record });
    log.commit().unwrap();
    let Read::Records(batch) = read(&mut log, "tea", 0, 1000, place.now) else { panic!("there are two") };
    let records: Vec<_> = batch.iter().collect();
    assert_eq!(records, [record, Record { seq: 2, action: false, id: "", text: "", ..record }]);
}

#[test]
fn numbers_epoch_and_messages_survive_a_restart() {
    let mut place = Place::new();
    let mut log = place.open();
    let epoch = log.epoch().to_owned();
    say(&mut log, "tea", "one", place.now);
    log.close().unwrap();
    place.reboot();
    let (mut log, report) = place.try_open().unwrap();
    assert!(!report.jumped && !report.new && report.lines().count() == 0);
    assert_eq!(say(&mut log, "tea", "two", place.now), 2);
    assert_eq!(texts(&mut log, "tea", place.now), [(1, "one".to_owned()), (2, "two".to_owned())]);
    assert_eq!(log.epoch(), epoch);
    drop(log);
    fs::remove_dir_all(place.path()).unwrap();
    assert_ne!(place.open().epoch(), epoch, "another folder is another history");
}

#[test]
fn many_restarts_leave_one_small_segment() {
    let mut place = Place::new();
    for round in 1..=20 {
        let mut log = place.open();
        assert_eq!(say(&mut log, "tea", "hello", place.now), round);
        if round % 2 == 0 {
            log.close().unwrap();
        }
    }
    assert_eq!(place.segments().len(), 1);
}

#[test]
fn the_folder_is_private_and_a_second_owner_is_told_whose_it_is() {
    let mut place = Place::new();
    let log = place.open();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.path()), 0o700);
    for entry in fs::read_dir(place.path()).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
    let Err(OpenError::Taken { pid }) = place.try_open() else { panic!("it is taken") };
    assert_eq!(pid, Some(std::process::id()));
    drop(log);
    place.open();
}

#[test]
fn an_empty_folder_becomes_private_and_one_in_use_keeps_its_mode() {
    for (file, expected) in [(None, 0o700), (Some("notes"), 0o755)] {
        let mut place = Place::new();
        fs::create_dir(place.path()).unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(file) = file {
            fs::write(place.path().join(file), "mine").unwrap();
        }
        place.open();
        assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, expected, "{file:?}");
    }
}

#[test]
fn a_chore_that_is_out_keeps_the_folder_locked() {
    let mut place = Place::with_segments(1000);
    let mut log = place.open();
    for _ in 0..30 {
        say(&mut log, "tea", "a message of some length", place.now);
    }
    let chore = log.chores(place.now).unwrap();
    drop(log);
    assert!(matches!(place.try_open(), Err(OpenError::Taken { .. })), "a helper still writes there");
    drop(chore());
    place.open();
}

#[test]
fn a_reader_gets_only_its_room_in_pieces_of_its_budget_across_segments() {
    let mut place = Place::with_segments(2000);
    let mut log = place.open();
    for number in 0..300 {
        let room = ["tea", "coffee", "milk"][number % 3];
        log.push(&said(room, &format!("{room} {number}"), place.now));
        log.commit().unwrap();
        settle(&mut log, place.now);
    }
    assert!(place.segments().len() > 5);
    for budget in [1, 100, 1 << 16] {
        for after in [0, 1, 50, 99, 100, 200] {
            let expected: Vec<_> =
                (after + 1..=100).map(|seq| Got::Said(seq, format!("coffee {}", seq * 3 - 2))).collect();
            assert_eq!(follow(&mut log, "coffee", after, budget, place.now), expected);
        }
    }
    let Read::Records(batch) = read(&mut log, "tea", 0, 1, place.now) else { panic!("there are messages") };
    assert_eq!(batch.len(), 1, "at least one, and no more than the budget");
    assert!(matches!(log.read("water", 0, 1, place.now), Read::End));
}

#[test]
fn the_tail_leaves_as_many_messages_as_are_asked_for() {
    let mut place = Place::with_segments(1000);
    let mut log = place.open();
    for _ in 0..50 {
        say(&mut log, "tea", "a message of some length", place.now);
        settle(&mut log, place.now);
    }
    assert_eq!([0, 1, 7, 50, 60].map(|count| log.tail("tea", count)), [50, 49, 43, 0, 0]);
    assert_eq!(log.tail("water", 5), 0);
    drop(log);
    place.reboot();
    let mut log = place.open();
    let first = say(&mut log, "tea", "after the jump", place.now);
    assert_eq!(first, 1_000_051);
    assert_eq!([1, 2, 8].map(|count| log.tail("tea", count)), [1_000_050, 49, 43], "a jump is not counted");
}

#[test]
fn ids_of_earlier_runs_are_known_by_session_wherever_they_lie() {
    for sealed in [false, true] {
        let mut place = if sealed { Place::with_segments(3000) } else { Place::new() };
        let mut log = place.open();
        for number in 0..200_u64 {
            let session = [u8::try_from(number % 5).unwrap(); 16];
            let (room, id) = (["tea", "milk"][usize::from(number % 2 == 0)], format!("id {number}"));
            let id = if number % 3 == 0 { "" } else { &id };
            log.push(&Record { session, id, ..said(room, "hello", place.now + number) });
            log.commit().unwrap();
            if sealed {
                settle(&mut log, place.now);
            }
        }
        drop(log);
        let mut log = place.open();
        let mine = known(&mut log, [3; 16], 0);
        let expected: Vec<_> = (0..200_u64).filter(|number| number % 5 == 3 && number % 3 != 0).collect();
        let ids: Vec<_> = expected.iter().map(|number| id_hash(&format!("id {number}"))).collect();
        assert_eq!(mine.iter().map(|known| known.id).collect::<Vec<_>>(), ids, "sealed: {sealed}");
        for (known, number) in mine.iter().zip(expected) {
            assert_eq!(known.room, ["tea", "milk"][usize::from(number % 2 == 0)]);
            assert_eq!(known.seq, number / 2 + 1);
        }
        assert_eq!(known(&mut log, [77; 16], 0), []);
        assert_eq!(known(&mut log, [3; 16], place.now + 1000), [], "too old to look at");
    }
}

#[test]
fn no_more_than_1024_ids_of_a_session_are_known_and_they_are_the_last() {
    let mut place = Place::with_segments(20_000);
    let mut log = place.open();
    for number in 0..1500 {
        log.push(&Record { id: &format!("id {number}"), ..said("tea", "hello", place.now) });
        log.commit().unwrap();
        settle(&mut log, place.now);
    }
    drop(log);
    let mut log = place.open();
    let known = known(&mut log, [7; 16], 0);
    assert_eq!((known.len(), known[0].seq, known[1023].seq), (1024, 477, 1500));
}

/// A session notes its name and rooms, speaks, and notes others; in between others do so too.
fn note(log: &mut Log, now: u64, session: [u8; 16], name: &str, rooms: &[&str]) {
    log.note_session(session, now, name, rooms.iter().copied());
    log.commit().unwrap();
}

#[test]
fn a_sessions_last_name_and_rooms_of_earlier_runs_are_known_wherever_they_lie() {
    for sealed in [false, true] {
        let mut place = if sealed { Place::with_segments(3000) } else { Place::new() };
        let mut log = place.open();
        let (mine, gone, quiet) = ([1; 16], [2; 16], [3; 16]);
        note(&mut log, place.now, quiet, "quiet", &[]);
        for number in 0..50 {
            note(&mut log, place.now, mine, &format!("me{number}"), &["tea", "Milk"][..number % 3]);
            note(&mut log, place.now, gone, "gone", &["tea"]);
            say(&mut log, "tea", "hello", place.now);
            if sealed {
                settle(&mut log, place.now);
            }
        }
        log.forget_session(gone, place.now);
        log.commit().unwrap();
        drop(log);
        for _ in 0..2 {
            let mut log = place.open();
            let stood = past(&mut log, mine, 0);
            assert_eq!((stood.name.as_deref(), &stood.rooms[..]), (Some("me49"), &["tea".to_owned()][..]), "{sealed}");
            assert_eq!(stood.ids, []);
            assert_eq!(past(&mut log, gone, 0), Past::default(), "it said goodbye");
            assert_eq!(past(&mut log, [9; 16], 0), Past::default(), "nobody");
            assert_eq!(past(&mut log, mine, place.now + 1000), Past::default(), "too old to look at");
            let stood = past(&mut log, quiet, 0);
            assert_eq!((stood.name.as_deref(), stood.rooms.len()), (Some("quiet"), 0));
        }
    }
}

#[test]
fn of_more_rooms_than_a_record_holds_a_session_has_the_first() {
    let mut place = Place::new();
    let mut log = place.open();
    let rooms: Vec<String> = (0..2000).map(|number| format!("{number:0>60}")).collect();
    log.note_session([1; 16], place.now, "many", rooms.iter().map(String::as_str));
    log.commit().unwrap();
    drop(log);
    let past = past(&mut place.open(), [1; 16], 0);
    assert_eq!(past.rooms.len(), (65_535 - 24 - 5) / 61);
    assert_eq!(past.rooms[..], rooms[..past.rooms.len()]);
}

#[test]
fn with_always_a_message_is_seen_once_it_is_synced() {
    let mut place = Place::new();
    place.settings.sync = SyncMode::Always;
    let mut log = place.open();
    assert_eq!(say(&mut log, "tea", "one", place.now), 1);
    assert_eq!((log.last("tea"), log.shown("tea")), (1, 0));
    assert!(matches!(log.read("tea", 0, 1000, place.now), Read::End));
    let chore = log.chores(place.now).unwrap();
    say(&mut log, "tea", "two", place.now);
    assert!(matches!(log.chore_done(chore()), parlor::log::Outcome::Durable(1)));
    assert_eq!(texts(&mut log, "tea", place.now), [(1, "one".to_owned())], "the sync was asked for before the second");
    settle(&mut log, place.now);
    assert_eq!(log.shown("tea"), 2);
}

#[test]
fn an_idle_history_asks_for_nothing_and_a_busy_one_is_synced_once_a_second() {
    let mut place = Place::new();
    let mut log = place.open();
    settle(&mut log, place.now);
    assert_eq!(log.due(), None, "idle means asleep");
    say(&mut log, "tea", "one", place.now);
    say(&mut log, "tea", "two", place.now + 400);
    assert_eq!(log.due(), Some(place.now + 1000));
    assert!(log.chores(place.now + 999).is_none());
    let syncs = place.disk.syncs();
    assert_eq!(settle(&mut log, place.now + 1000).len(), 1);
    assert_eq!(place.disk.syncs(), syncs + 1);
    assert_eq!(log.due(), Some(place.now + place.settings.segment_age), "only its age is left to look after");
    say(&mut log, "tea", "three", place.now + 2000);
    assert!(log.chores(place.now - 1_000_000).is_some(), "a clock that was set back puts no sync off");
}

#[test]
fn rooms_that_were_forgotten_do_not_get_their_numbers_again() {
    let mut place = Place::with_segments(400_000);
    place.settings.keep_total = 1_600_000;
    let mut log = place.open();
    let mut last = Vec::new();
    for number in 0..30_000 {
        last.push(log.push(&said(&format!("room{number}"), "hello", place.now)));
        if number % 100 == 99 {
            log.commit().unwrap();
            settle(&mut log, place.now);
        }
    }
    let known = log.rooms().count();
    assert!(known < last.len(), "{known} of {} are remembered", last.len());
    assert_eq!(follow(&mut log, "room2", 0, 1000, place.now), [Got::Gap(1, log.last("room2"))]);
    log.close().unwrap();
    let mut log = place.open();
    for (number, last) in last.into_iter().enumerate().step_by(500) {
        assert!(say(&mut log, &format!("room{number}"), "again", place.now) > last);
    }
}

#[test]
fn what_the_cache_does_not_have_is_read_by_a_helper_and_is_the_same() {
    let mut place = Place::with_segments(20_000);
    let mut log = place.open();
    for number in 0..1000 {
        say(&mut log, ["tea", "milk"][number % 2], &format!("message {number}"), place.now);
        settle(&mut log, place.now);
    }
    let cached = follow(&mut log, "tea", 0, 1000, place.now);
    for path in place.segments() {
        let file = fs::File::open(path).unwrap();
        // Only what is on the disk can leave the cache; where there is no disk, it stays.
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
    assert_eq!(follow(&mut log, "tea", 0, 1000, place.now), cached);
    assert_eq!(cached.len(), 500);
}

#[test]
fn a_quiet_room_among_busy_ones_is_read_without_walking_over_their_words() {
    let mut place = Place::new();
    let mut log = place.open();
    let words = "x".repeat(4000);
    for _ in 0..10 {
        log.push(&said("quiet", "psst", place.now));
        for _ in 0..75 {
            log.push(&said("busy", &words, place.now));
        }
        log.commit().unwrap();
    }
    let Read::Records(batch) = read(&mut log, "quiet", 0, 10_000, place.now) else { panic!("there are messages") };
    assert_eq!(batch.len(), 10, "300 KB lie between two of them");
}

#[test]
fn with_always_under_load_segments_are_closed_all_the_same() {
    let mut place = Place::with_segments(1000);
    place.settings.sync = SyncMode::Always;
    let mut log = place.open();
    for _ in 0..200 {
        // One chore a message: there is always a sync to be done.
        say(&mut log, "tea", "a message of some length", place.now);
        let chore = log.chores(place.now).unwrap();
        log.chore_done(chore());
    }
    assert!(place.segments().len() > 8, "{}", place.segments().len());
}

//! Much history: opening reads little of it.

use std::fs;
use std::time::Instant;

use crate::support::{Place, follow, said, settle};
use parlor::log::{Log, RealDisk};
use std::sync::Arc;

/// Messages of about a hundred bytes in twenty rooms, from a hundred sessions.
fn fill(log: &mut Log, count: u64, now: u64) {
    let rooms: Vec<_> = (0..20).map(|number| format!("room{number}")).collect();
    let text = "a sentence that somebody might say";
    for number in 0..count {
        let id = format!("{number}");
        let room = &rooms[usize::try_from(number % 7 * number % 20).unwrap()];
        let session = [u8::try_from(number % 100).unwrap(); 16];
        log.push(&parlor::log::Record { session, id: &id, ..said(room, text, now) });
        if number % 50 == 49 {
            log.commit().unwrap();
            settle(log, now);
        }
    }
    log.commit().unwrap();
    settle(log, now + 10_000);
}

#[test]
fn opening_reads_feet_and_the_last_segment_only() {
    let mut place = Place::with_segments(512 * 1024);
    let mut log = place.open();
    fill(&mut log, 50_000, place.now);
    drop(log);
    let total: u64 = place.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let last = fs::metadata(place.last_segment()).unwrap().len();
    let (log, report) = place.try_open().unwrap();
    assert!(place.segments().len() >= 8 && total > 5_000_000);
    let feet = report.bytes_read - last;
    assert!(feet < 20_000 * place.segments().len() as u64, "{feet} bytes of {total}, beside the last segment");
    let kept: u64 = log.rooms().map(|(_, first, last)| last + 1 - first).sum();
    assert_eq!(kept, 50_000);
}

#[test]
#[ignore = "a figure to look at: run it in release mode, with --nocapture"]
fn a_million_messages_open_in_well_under_a_second() {
    let mut place = Place::new();
    let (mut log, _) =
        Log::open_on(Arc::new(RealDisk), &place.path(), place.settings.clone(), place.now, &mut |_| ()).unwrap();
    let start = Instant::now();
    fill(&mut log, 1_000_000, place.now);
    println!("a million messages said, 50 a commit: {:?}", start.elapsed());
    drop(log);
    for name in ["after kill -9, 33 MiB unsealed", "again"] {
        let start = Instant::now();
        let (_, report) = place.try_open().unwrap();
        println!("{name}: open in {:?}, {report:?}", start.elapsed());
        assert!(start.elapsed().as_millis() < 1000);
    }
    let mut log = place.open();
    let start = Instant::now();
    let count = follow(&mut log, "room0", 0, 1 << 16, place.now).len();
    println!("{count} messages of one room read in {:?}", start.elapsed());
}

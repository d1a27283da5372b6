//! Much history: opening reads little of it.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use crate::support::{Place, said, settle};
use parlor::log::{Log, Outcome, Read, RealDisk, SyncMode};

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

/// Nanoseconds that this thread has been on a processor: others may be busy on the machine.
fn worked() -> u64 {
    let figures = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    figures.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "figures to look at: in release mode, with --nocapture"]
fn a_million_messages_open_in_well_under_a_second() {
    let mut place = Place::new();
    place.settings.sync = SyncMode::Never;
    let (now, path, settings) = (place.now, place.path(), place.settings.clone());
    let open = || Log::open_on(Arc::new(RealDisk), &path, settings.clone(), now, &mut |_| ()).unwrap();
    let (mut log, _) = open();
    let start = worked();
    fill(&mut log, 1_000_000, now);
    println!("a million messages, 50 a commit, seals included: {} ns each", (worked() - start) / 1_000_000);
    for batch in [1, 10, 100, 1000] {
        let start = worked();
        for number in 0..100_000 {
            log.push(&said("room7", "a sentence that somebody might say", now));
            if number % batch == batch - 1 {
                log.commit().unwrap();
            }
        }
        println!("push and commit, {batch} a commit: {} ns a message", (worked() - start) / 100_000);
    }
    drop(log);
    for name in ["after kill -9", "again"] {
        let (start, clock) = (worked(), Instant::now());
        let (_, report) = open();
        println!("{name}: {} us of work, {:?}, {report:?}", (worked() - start) / 1000, clock.elapsed());
        assert!(clock.elapsed().as_millis() < 1000);
    }
    let (mut log, _) = open();
    for room in ["room0", "room3"] {
        let (start, mut after, mut count, mut later) = (worked(), 0, 0, 0);
        loop {
            match log.read(room, after, 1 << 16, now) {
                Read::Records(batch) => {
                    count += batch.len() as u64;
                    after = batch.iter().last().unwrap().seq;
                }
                Read::Later(chore) => {
                    later += 1;
                    let Outcome::Read(Read::Records(batch)) = log.chore_done(chore()) else { panic!("records") };
                    count += batch.len() as u64;
                    after = batch.iter().last().unwrap().seq;
                }
                Read::Gap { .. } => unreachable!("nothing is missing"),
                Read::End => break,
            }
        }
        println!("{count} messages of {room}: {} ns each, {later} times later", (worked() - start) / count);
    }
}

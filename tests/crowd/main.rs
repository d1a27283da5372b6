//! A full room: everybody hears everything, once and in one order, also when some do not read.
//!
//! The short version says thousands of messages, the long one a million: `tests/long.sh crowd`, some minutes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/crowd.rs"]
mod crowd;
#[path = "../support/mod.rs"]
mod support;

mod hall;
mod hostile;
mod resume;
mod slow;

use std::time::Instant;

use crowd::{Crowd, long};
use hall::Hall;
use support::{Server, Start, proc};

/// So much may stand in memory: LIMITS give every connection 1 MiB of output and 64 KiB of input; the rest is the
/// program itself, what one turn gathers, and the pool.
const MOST_KIB: u64 = hall::MEMBERS as u64 * (1024 + 64) + 16 * 1024;

fn serve(data: &tempfile::TempDir, flags: &[&str]) -> Server {
    let start = Start::serve(&["--data", data.path().to_str().unwrap(), "--flood", "off"]).flags(flags);
    start.listen("chat=127.0.0.1:0").listen("chat+length=127.0.0.1:0").go()
}

/// How many messages in all.
fn messages(short: u32) -> u32 {
    if long() { 1_000_000 } else { short }
}

fn report(what: &str, server: &Server, hall: &Hall, since: Instant) {
    let (seconds, now, most) = (since.elapsed().as_secs_f64(), proc::resident(server.pid()), proc::peak(server.pid()));
    let rate = f64::from(hall.total()) / seconds;
    println!("{what}: {} messages in {seconds:.1} s ({rate:.0}/s), RSS {now} KiB, at most {most} KiB", hall.total());
    assert!(most <= MOST_KIB, "{most} KiB are more than {MOST_KIB} KiB");
}

#[test]
fn every_member_hears_every_message_of_the_others_once_and_in_one_order() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let mut crowd = Crowd::new();
    let mut hall = Hall::open(&mut crowd, &server, messages(10_000), 0);
    let start = Instant::now();
    hall.talk(&mut crowd, |_, _| ());
    hall.expect_all_heard(0..hall::MEMBERS);
    report("100 members, 20 speakers", &server, &hall, start);
}

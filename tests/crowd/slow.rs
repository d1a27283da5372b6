//! Ten members stop reading. The others feel nothing; what becomes of the ten is what was chosen.

use std::time::Instant;

use crate::crowd::{Crowd, long};
use crate::hall::{Hall, MEMBERS, SLOW};
use crate::{messages, report, serve};

fn set_reading(crowd: &mut Crowd, reads: bool) {
    SLOW.for_each(|who| crowd.set_reading(who, reads));
}

/// The ten stop, and go on when so many messages have been said.
fn with_ten_that_stop(flags: &[&str], name: &str, mut check: impl FnMut(&Hall)) {
    let data = tempfile::tempdir().unwrap();
    // Whoever takes nothing for a minute is given up without a word. On a busy machine a million messages take longer.
    let server = serve(&data, &[flags, &["--limit-stall", "1h"]].concat());
    let mut crowd = Crowd::new();
    let mut hall = Hall::open(&mut crowd, &server, messages(14_000), SLOW.len());
    let until = hall.total() * 9 / 10;
    let start = Instant::now();
    set_reading(&mut crowd, false);
    hall.talk(&mut crowd, |hall, crowd| {
        if hall.said() >= until {
            set_reading(crowd, true);
        }
    });
    hall.expect_all_heard(0..SLOW.start);
    check(&hall);
    report(name, &server, &hall, start);
}

/// The number after `last number of #hall: `.
fn last_number(error: &str) -> usize {
    let (_, rest) = error.split_once("last number of #hall: ").unwrap_or_else(|| panic!("no number: {error}"));
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

fn expect_gone(hall: &Hall) {
    for who in SLOW {
        let member = &hall.members[who];
        let error = member.error.as_deref().unwrap_or_else(|| panic!("{who} was told nothing: {member:?}"));
        assert!(error.starts_with("! slow: ") || error.contains("\"code\":\"slow\""), "{error}");
        assert!(member.over, "{who} is still there");
        // Whoever resumes behind this number misses nothing, and hears little again.
        let last = last_number(error);
        println!("{who}: told {last}, has {}", member.at);
        assert!(last <= member.at, "{who} has numbers up to {}, not up to {last}", member.at);
        assert!(last > 0, "{who} has numbers up to {}, and was told of none", member.at);
    }
}

#[test]
fn ten_that_stop_reading_are_told_what_they_have_and_closed() {
    with_ten_that_stop(&["--slow", "disconnect"], "ten slow, disconnect", expect_gone);
}

fn expect_gaps(hall: &Hall) {
    for who in SLOW {
        let member = &hall.members[who];
        assert!(!member.over && member.error.is_none(), "{who}: {member:?}");
        assert!(member.missed > 0, "{who} missed nothing: {member:?}");
        // That gaps begin behind what was heard, and end before what follows, was seen line by line.
        assert_eq!(member.heard + member.missed, hall.total());
    }
    let gaps: Vec<u32> = SLOW.map(|who| hall.members[who].gaps).collect();
    println!("gaps: {gaps:?}");
}

#[test]
fn ten_that_stop_reading_are_told_exactly_what_they_missed() {
    with_ten_that_stop(&["--slow", "gap"], "ten slow, gap", expect_gaps);
}

#[test]
fn gaps_are_exact_also_while_what_is_said_waits_for_the_disk() {
    with_ten_that_stop(&["--slow", "gap", "--sync", "always"], "ten slow, gap, synced", expect_gaps);
}

#[test]
fn in_a_room_that_waits_for_slow_readers_nobody_loses_anything() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &["--slow", "pause", "--pause-rooms", "hall"]);
    let mut crowd = Crowd::new();
    let mut hall = Hall::open(&mut crowd, &server, messages(14_000).min(100_000), SLOW.len());
    let start = Instant::now();
    let (mut still, mut pauses) = (0, 0);
    set_reading(&mut crowd, false);
    while !(0..MEMBERS).all(|who| hall.is_through(who)) {
        hall.speak(&mut crowd);
        // Nothing has moved for a while: the room waits.
        still = if crowd.turn(&mut hall) { 0 } else { still + 1 };
        let waits = still == 10;
        if waits && pauses < 3 {
            pauses += 1;
            set_reading(&mut crowd, true);
        } else if pauses < 3 && hall.said() < hall.total() / 2 && still == 0 && pauses > 0 {
            set_reading(&mut crowd, false);
        } else if pauses >= 3 {
            set_reading(&mut crowd, true);
        }
    }
    assert!(pauses > 0, "nobody had to wait");
    hall.expect_all_heard(0..MEMBERS);
    report("ten slow, pause", &server, &hall, start);
}

#[test]
fn a_room_waits_ten_seconds_a_minute_and_no_more() {
    if !long() {
        println!("skipped: the pause alone takes ten seconds");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &["--slow", "pause", "--pause-rooms", "hall"]);
    let mut crowd = Crowd::new();
    let mut hall = Hall::open(&mut crowd, &server, 20_000, SLOW.len());
    set_reading(&mut crowd, false);
    let start = Instant::now();
    hall.talk(&mut crowd, |hall, crowd| {
        if hall.said() == hall.total() && (0..SLOW.start).all(|who| hall.is_through(who)) {
            set_reading(crowd, true);
        }
    });
    hall.expect_all_heard(0..SLOW.start);
    expect_gone(&hall);
    report("ten that never read, pause", &server, &hall, start);
}

#[test]
fn one_turn_that_brings_much_makes_no_gap_for_somebody_who_reads() {
    const SPEAKERS: usize = 10;
    const EACH: usize = 200;
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &["--slow", "gap"]);
    let mut reader = server.client(0);
    reader.ask_until("/join hall\nPING here\n", "PONG here");
    let mut speakers: Vec<_> = (0..SPEAKERS).map(|_| server.client(0)).collect();
    for speaker in &mut speakers {
        speaker.ask_until("/join hall\nPING here\n", "PONG here");
    }
    server.freeze();
    for speaker in &mut speakers {
        speaker.send(format!("{:.>100}\n", "").repeat(EACH).as_bytes());
    }
    server.thaw();
    let mut heard = 0;
    while heard < SPEAKERS * EACH {
        let line = reader.line();
        assert!(!line.contains(" gap "), "behind {heard}: {line}");
        heard += usize::from(line.starts_with("#hall <"));
    }
}

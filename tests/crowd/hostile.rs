//! Clients that ask for much and read nothing, and rooms that break all at once.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::thread;

use crate::crowd::Crowd;
use crate::hall::{Hall, MEMBERS, SLOW};
use crate::serve;
use crate::support::{proc, until};

/// What one connection may cost: LIMITS give it 1 MiB of output and 64 KiB of input; the rest is a turn's work.
const MOST_KIB: u64 = 1024 + 64 + 4 * 1024;

#[test]
fn a_full_room_that_is_reset_at_once_leaves_the_others_as_they_were() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let mut crowd = Crowd::new();
    let mut hall = Hall::open(&mut crowd, &server, 2000, 0);
    let mut gone = false;
    // Those who go have unread messages, so that the server is told by a reset, in the middle of a fan-out.
    SLOW.for_each(|who| crowd.set_reading(who, false));
    while !(0..SLOW.start).all(|who| hall.is_through(who)) {
        hall.speak(&mut crowd);
        crowd.turn(&mut hall);
        if !gone && hall.said() > 500 {
            gone = true;
            SLOW.for_each(|who| crowd.hang_up(who));
        }
    }
    hall.expect_all_heard(0..SLOW.start);
    server.figures_when("ten connections less", |figures| figures.connections == (MEMBERS - SLOW.len()) as u64);
}

#[test]
fn who_asks_without_reading_is_not_read_and_costs_a_bounded_buffer() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let mut other = server.client(0);
    other.ask_until("PING 1\n", "PONG 1");
    let before = proc::peak(server.pid());
    for question in ["/help\n", "/history 1000\n", "/who\n/rooms\n", "PING x\n", "/nope\n"] {
        let mut client = server.client(0);
        client.socket.set_nonblocking(true).unwrap();
        let bytes = question.repeat(64 * 1024 / question.len());
        let mut sent = 0;
        let mut ask = || match client.socket.write(bytes.as_bytes()) {
            Ok(count) => {
                sent += count;
                assert!(sent < 64 * 1024 * 1024, "{question:?} is read for ever");
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{question:?}: {error}");
                false
            }
        };
        // The kernel's buffers on both sides are full, and so are the server's.
        until("a server that reads no more", || {
            while ask() {}
            server.settled();
            !ask()
        });
        other.ask_until("PING 2\n", "PONG 2");
        let peak = proc::peak(server.pid());
        println!("{question:?}: {sent} bytes were taken, at most {peak} KiB, {before} before");
        assert!(peak - before <= MOST_KIB, "{question:?}: {before} KiB became {peak}");
        client.reset();
    }
}

#[test]
fn ten_thousand_questions_in_a_row_are_all_answered_and_nobody_else_waits() {
    const QUESTIONS: usize = 10_000;
    const LINES: usize = 5;
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let (mut alice, mut bob) = (server.client(0), server.client(0));
    bob.ask_until("PING b\n", "PONG b");
    for number in 0..LINES {
        alice.ask_until(&format!("line {number}\nPING a\n"), "PONG a");
    }
    let mut client = server.client(0);
    let asking = client.twin();
    thread::scope(|scope| {
        scope.spawn(move || client.send("/history 5\n".repeat(QUESTIONS).as_bytes()));
        let answers = scope.spawn(move || {
            let mut lines = BufReader::new(asking.socket).lines().map(Result::unwrap).filter(|line| !is_talk(line));
            assert!(lines.next().unwrap().starts_with("- parlor chat"));
            for asked in 0..QUESTIONS {
                for number in 0..LINES {
                    let line = lines.next().unwrap();
                    assert!(
                        line.starts_with("- #lobby ") && !line.ends_with("end history"),
                        "{asked} {number}: {line}"
                    );
                }
                assert_eq!(lines.next().unwrap(), "- end history");
            }
        });
        for number in 0..20 {
            alice.send(format!("still here {number}\n").as_bytes());
            bob.ask_until("", &format!("#lobby <guest1> still here {number}"));
        }
        answers.join().unwrap();
    });
}

/// Each answer is some hundred times as long as its question; whoever reads them is not too slow for that.
#[test]
fn a_thousand_calls_for_help_in_one_piece_are_all_answered() {
    const CALLS: usize = 1000;
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let client = server.client(0);
    let asking = client.twin();
    server.settled();
    server.freeze();
    thread::scope(|scope| {
        let answers = scope.spawn(move || {
            let lines = BufReader::new(asking.socket).lines().map(Result::unwrap);
            lines.take_while(|line| line != "- goodbye").filter(|line| line == "- end help").count()
        });
        let mut client = client;
        client.send("/help\n".repeat(CALLS).as_bytes());
        server.thaw();
        client.send(b"/quit\n");
        assert_eq!(answers.join().unwrap(), CALLS);
    });
}

/// What others say meanwhile.
fn is_talk(line: &str) -> bool {
    line.starts_with("#lobby <")
}

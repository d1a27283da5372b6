//! Somebody hears everything from the beginning, while the others talk.

use std::io::{BufRead, BufReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Crowd, Play, long, put};
use crate::messages;
use crate::support::client::{Client, Wire};
use crate::support::proc;
use crate::{Server, serve};

const SPEAKERS: usize = 20;
/// A turn of talk: everybody says something, and waits for the receipt.
const PAUSE: Duration = Duration::from_millis(5);

/// Twenty who say something, wait for the receipt, and say the next thing.
#[derive(Debug)]
struct Talk {
    sent: Vec<Instant>,
    waiting: usize,
    said: u64,
    trips: Vec<Duration>,
    welcome: usize,
}

impl Play for Talk {
    fn line(&mut self, who: usize, line: &str, _: &mut Vec<u8>) {
        if line.starts_with("{\"type\":\"receipt\"") {
            self.trips.push(self.sent[who].elapsed());
            self.waiting -= 1;
        } else if line.contains("you are in #hall") {
            self.welcome += 1;
        }
        assert!(!line.contains("\"error\""), "{line}");
    }

    fn over(&mut self, who: usize) {
        panic!("{who} was closed");
    }
}

impl Talk {
    fn begin(crowd: &mut Crowd, server: &Server) -> Self {
        let mut talk =
            Self { sent: vec![Instant::now(); SPEAKERS], waiting: 0, said: 0, trips: Vec::new(), welcome: 0 };
        for who in 0..SPEAKERS {
            assert_eq!(crowd.join(server.place(0), Wire::Lines, None), who);
            crowd.say(who, "/format json");
            crowd.say(who, "/join hall");
        }
        crowd.until(&mut talk, "twenty in the hall", |_, talk| talk.welcome == SPEAKERS);
        talk
    }

    fn round(&mut self, crowd: &mut Crowd) {
        for who in 0..SPEAKERS {
            self.said += 1;
            crowd.say(who, &format!(r#"{{"say":"word {}","room":"hall","id":"{}"}}"#, self.said, self.said));
            self.sent[who] = Instant::now();
        }
        self.waiting = SPEAKERS;
        crowd.until(self, "twenty receipts", |_, talk| talk.waiting == 0);
        thread::sleep(PAUSE);
    }

    /// The round trip that 99 of 100 stay below.
    fn p99(&mut self) -> Duration {
        self.trips.sort_unstable();
        let p99 = self.trips[self.trips.len() * 99 / 100];
        self.trips.clear();
        p99
    }
}

/// Says many things into the room, as fast as they are taken.
fn fill(server: &Server, total: u32) {
    let mut client = server.client(0);
    client.send(b"/join hall\n/leave lobby\n");
    let mut text = Vec::new();
    for number in 0..total {
        put(Wire::Lines, &format!("old {number}"), &mut text);
    }
    client.send(&text);
    client.ask_until(&format!("PING {total}\n"), &format!("PONG {total}"));
    client.finish();
    client.rest();
}

impl Client {
    pub(crate) fn ask_until(&mut self, question: &str, answer: &str) {
        self.send(question.as_bytes());
        while self.line() != answer {}
    }
}

/// Hears everything from number 1 on; answers how many numbers, when the others have stopped.
fn hear_all(mut client: Client, total: u64, is_over: &AtomicBool, caught_up: &AtomicBool) -> u64 {
    client.send(b"/format json\n/resume hall 0\n");
    let mut lines = BufReader::new(client.twin().socket);
    let (mut last, mut asked, mut line) = (0, false, String::new());
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "closed behind {last}");
        if let Some(rest) = line.strip_prefix("{\"type\":\"message\",\"room\":\"hall\",\"seq\":") {
            let seq: u64 = rest.split_once(',').unwrap().0.parse().unwrap();
            assert_eq!(seq, last + 1, "{line}");
            assert_eq!(line.contains("\"replay\":true"), !caught_up.load(Ordering::Relaxed), "{line}");
            last = seq;
        } else if line.contains("\"of\":\"resume\"") {
            assert!(last >= total, "the replay ends behind {last} of {total}");
            caught_up.store(true, Ordering::Relaxed);
        } else if line.contains("\"pong\"") {
            return last;
        }
        assert!(!line.contains("\"error\"") && !line.contains("\"gap\""), "{line}");
        if is_over.load(Ordering::Relaxed) && caught_up.load(Ordering::Relaxed) && !asked {
            asked = true;
            client.send(b"PING x\n");
        }
    }
}

#[test]
fn a_resume_from_the_beginning_catches_up_with_twenty_who_go_on_talking() {
    let total = messages(20_000);
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    fill(&server, total);
    let mut crowd = Crowd::new();
    let mut talk = Talk::begin(&mut crowd, &server);
    let rounds = if long() { 400 } else { 50 };
    (0..rounds).for_each(|_| talk.round(&mut crowd));
    let (quiet, before) = (talk.p99(), proc::peak(server.pid()));
    let (is_over, caught_up) = (AtomicBool::new(false), AtomicBool::new(false));
    let client = server.client(0);
    let start = Instant::now();
    thread::scope(|scope| {
        let listener = scope.spawn(|| hear_all(client, total.into(), &is_over, &caught_up));
        while !caught_up.load(Ordering::Relaxed) && !listener.is_finished() {
            talk.round(&mut crowd);
        }
        let (took, meanwhile, trips) = (start.elapsed(), talk.p99(), talk.said);
        // Some more is heard live.
        (0..20).for_each(|_| talk.round(&mut crowd));
        let told = u64::from(total) + talk.said;
        is_over.store(true, Ordering::Relaxed);
        talk.round(&mut crowd);
        let last = listener.join().unwrap();
        assert!(last >= told, "heard {last} of {told}");
        let after = proc::peak(server.pid());
        println!(
            "/resume over {total}: {took:?}, {last} numbers, p99 {quiet:?} quiet, {meanwhile:?} meanwhile ({trips})"
        );
        println!("at most {before} KiB before, {after} KiB after");
        assert!(after <= before + 8 * 1024, "a replay is paced by its reader: {before} KiB, then {after} KiB");
    });
}

#[test]
fn a_replay_waits_for_a_reader_that_sleeps_and_costs_nothing_meanwhile() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(&data, &[]);
    let total = messages(50_000);
    fill(&server, total);
    let before = server.settled();
    let (mut client, peak_before) = (server.client(0), proc::peak(server.pid()));
    client.send(b"/format json\n/resume hall 0\n");
    // The server has done what it can, and sleeps as well.
    server.figures_when("a replay that has begun", |figures| figures.bytes_out > before.bytes_out + 64 * 1024);
    server.settled();
    server.expect_sleep();
    let peak = proc::peak(server.pid());
    assert!(peak <= peak_before + 2048, "{peak_before} KiB became {peak} KiB");
    let mut lines = BufReader::new(client.twin().socket);
    let (mut line, mut last) = (String::new(), 0);
    while last < total {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "closed behind {last}");
        if line.contains("\"message\"") {
            last += 1;
            assert!(line.contains(&format!("\"seq\":{last},")), "{line}");
        }
    }
}

//! One member reads slowly while another says very much: memory stays within its limits, and the slow one knows of each
//! message what became of it.
//!
//! The short version says thousands of messages, the long one a million in each of the three ways: `tests/long.sh slow`.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "support/crowd.rs"]
mod crowd;
#[path = "support/mod.rs"]
mod support;

use std::time::Instant;

use crowd::{Crowd, Play, long};
use support::client::Wire;
use support::{Server, Start, proc};

const SPEAKER: usize = 0;
const READER: usize = 1;
const SLOW: usize = 2;
/// For so many messages the slow one reads once, and that is less than they are, however slow the machine is.
const EVERY: u32 = 1000;
/// What the kernel keeps for it. It doubles it.
const SMALL: usize = 16 * 1024;
/// Output that the speaker lets the kernel wait for.
const AHEAD: usize = 2048;
/// So many messages may be on their way to the one who reads well.
const WINDOW: u32 = 250;
/// What such a member may cost: LIMITS give it 1 MiB of output and 64 KiB of input, and a megabyte of what was said last
/// is kept for everybody. The rest is a turn's work and the allocator's.
const MOST_KIB: u64 = 1024 + 64 + 1024 + 4 * 1024;

const OBJECT: &str = "{\"type\":\"message\",\"room\":\"hall\",\"seq\":";

/// What the slow one was told.
#[derive(Debug, Default)]
struct Told {
    /// The last number that it knows of.
    at: u32,
    heard: u32,
    missed: u32,
    gaps: u32,
    /// Why it was closed, each time.
    closed: Vec<String>,
    error: Option<String>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Talk {
    total: u32,
    said: u32,
    inside: usize,
    /// By the one who reads well.
    heard: u32,
    told: Told,
}

impl Play for Talk {
    fn line(&mut self, who: usize, line: &str, _: &mut Vec<u8>) {
        if line.contains("you are in #hall") {
            self.inside += 1;
        } else if who == READER && line.starts_with("#hall <") {
            self.heard += 1;
            assert!(line.ends_with(&text(self.heard)), "instead of message {}: {line}", self.heard);
        } else if who == SLOW {
            self.told.line(line);
        }
        assert!(who == SLOW || !line.starts_with('!'), "{who}: {line}");
    }

    fn over(&mut self, who: usize) {
        assert_eq!(who, SLOW, "somebody else was closed");
        let error = self.told.error.take().expect("whoever is closed is told why");
        self.told.closed.push(error);
        self.told.is_over = true;
    }
}

impl Told {
    fn line(&mut self, line: &str) {
        if let Some((seq, rest)) = line.strip_prefix(OBJECT).and_then(|rest| rest.split_once(',')) {
            let seq = seq.parse().unwrap();
            assert_eq!(seq, self.at + 1, "{line}");
            assert!(rest.contains(&format!("\"text\":\"{}\"", text(seq))), "{line}");
            (self.at, self.heard) = (seq, self.heard + 1);
        } else if let Some(rest) = line.strip_prefix("{\"type\":\"gap\",\"room\":\"hall\",\"from_seq\":") {
            let (from, to) = rest.trim_end_matches('}').split_once(",\"to_seq\":").unwrap();
            let (from, to): (u32, u32) = (from.parse().unwrap(), to.parse().unwrap());
            assert!(from == self.at + 1 && to >= from, "behind {}: {line}", self.at);
            (self.at, self.missed, self.gaps) = (to, self.missed + to + 1 - from, self.gaps + 1);
        } else if line.starts_with("{\"type\":\"error\"") {
            self.error = Some(line.to_owned());
        }
    }
}

fn text(number: u32) -> String {
    format!("message {number:07} {:.>80}", "")
}

impl Talk {
    fn begin(crowd: &mut Crowd, server: &Server) -> Self {
        let mut talk = Self { total: if long() { 1_000_000 } else { 20_000 }, ..Self::default() };
        for who in [SPEAKER, READER, SLOW] {
            let buffer = (who == SLOW).then_some(SMALL);
            assert_eq!(crowd.join(server.place(0), Wire::Lines, buffer), who);
            if who == SLOW {
                crowd.say(who, "/format json");
            }
            crowd.say(who, "/join hall");
        }
        crowd.until(&mut talk, "three in the hall", |_, talk| talk.inside == 3);
        talk
    }

    /// Everything is said, and everybody has heard what there is for them.
    fn go(&mut self, crowd: &mut Crowd, server: &Server, is_waited_for: bool) {
        let (mut reads, mut moved) = (0, true);
        while self.told.at < self.total || self.heard < self.total {
            self.speak(crowd);
            let is_said = self.heard == self.total;
            let may_read = is_said || reads < self.said / EVERY || is_waited_for && !moved;
            reads += u32::from(may_read);
            crowd.set_reading(SLOW, may_read);
            moved = crowd.turn(self);
            if std::mem::take(&mut self.told.is_over) {
                crowd.rejoin(SLOW, server.place(0));
                crowd.say(SLOW, "/format json");
                crowd.say(SLOW, &format!("/resume hall {}", self.told.at));
            }
        }
    }

    fn speak(&mut self, crowd: &mut Crowd) {
        while self.said < self.total && self.said < self.heard + WINDOW && crowd.unsent(SPEAKER) < AHEAD {
            self.said += 1;
            crowd.say(SPEAKER, &text(self.said));
        }
    }
}

/// All of it, in a server with these flags: what the slow one was told.
fn slowly(flags: &[&str]) -> Told {
    let data = tempfile::tempdir().unwrap();
    let start = Start::serve(&["--data", data.path().to_str().unwrap(), "--flood", "off"]).flags(flags);
    let server = start.listen("chat=127.0.0.1:0").go();
    let mut crowd = Crowd::new();
    let mut talk = Talk::begin(&mut crowd, &server);
    let (before, start) = (proc::resident(server.pid()), Instant::now());
    talk.go(&mut crowd, &server, flags.contains(&"pause"));
    let (peak, seconds, Talk { total, told, .. }) = (proc::peak(server.pid()), start.elapsed().as_secs_f64(), talk);
    println!("{flags:?}: {total} messages in {seconds:.1} s; RSS {before} KiB before, at most {peak} KiB");
    println!("heard {}, missed {} in {} gaps, closed: {:?}", told.heard, told.missed, told.gaps, told.closed);
    assert_eq!(told.heard + told.missed, total);
    assert!(peak <= before + MOST_KIB, "{before} KiB became {peak} KiB");
    assert!(told.closed.iter().all(|error| error.contains("\"code\":\"slow\"")), "{:?}", told.closed);
    told
}

#[test]
fn one_that_is_closed_for_reading_slowly_comes_back_and_misses_nothing() {
    let told = slowly(&["--slow", "disconnect"]);
    assert!(!told.closed.is_empty() && told.missed == 0, "{told:?}");
}

#[test]
fn one_that_reads_slowly_is_told_of_each_gap_and_stays() {
    let told = slowly(&["--slow", "gap"]);
    assert!(told.closed.is_empty() && told.gaps > 0, "{told:?}");
}

#[test]
fn one_that_reads_slowly_is_waited_for_and_misses_nothing() {
    let told = slowly(&["--slow", "pause", "--pause-rooms", "hall"]);
    assert_eq!(told.missed, 0, "{told:?}");
}

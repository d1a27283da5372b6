//! Ten thousand members who say nothing: what they cost.
//!
//! The short version looks at memory, and reports the rest. The long one, `tests/long.sh idle`, also lets heartbeats
//! come and go, which takes more than two minutes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "support/crowd.rs"]
mod crowd;
#[path = "support/mod.rs"]
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crowd::{Crowd, Play, long, put};
use support::client::Wire;
use support::{Server, Start, proc};

const MEMBERS: usize = 10_000;
/// Descriptors that this process needs for itself.
const OURS: usize = 200;
/// In one room and on plain lines, as it is built for every day. What is measured is reported too, also for more than
/// that.
const MOST_BYTES: usize = 512;
/// A build with all checks touches more of its own code meanwhile, which counts as memory too.
const MOST_BYTES_CHECKED: usize = 700;

/// Counts who is in the room, and answers PINGs.
#[derive(Debug, Default)]
struct Still {
    greeted: usize,
    is_in: usize,
    pings: usize,
}

impl Play for Still {
    fn line(&mut self, who: usize, line: &str, out: &mut Vec<u8>) {
        if line.starts_with("- parlor chat") {
            self.greeted += 1;
        } else if line.contains("you are in #big") {
            self.is_in += 1;
        } else if let Some(rest) = line.strip_prefix("{\"type\":\"ping\",\"token\":\"") {
            self.pings += 1;
            put(Wire::Lines, &format!("PONG {}", rest.trim_end_matches("\"}")), out);
        }
        assert!(!line.contains("error"), "{who}: {line}");
    }

    fn over(&mut self, who: usize) {
        panic!("{who} was closed");
    }
}

/// Processor time that it has used, in milliseconds.
fn used(server: &Server) -> u64 {
    proc::ticks(server.pid()) * 10
}

/// One crowd at a time: together they would need more descriptors than a machine may have, and disturb each other.
static ONE: Mutex<()> = Mutex::new(());

/// A server, everybody in its lobby, and what it was like without them.
struct Full {
    _alone: MutexGuard<'static, ()>,
    server: Server,
    crowd: Crowd,
    still: Still,
    members: usize,
    empty: u64,
}

impl Full {
    fn new() -> Self {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let members = MEMBERS.min(proc::raise_own_limit() - OURS);
        let server = Start::serve(&["--no-history", "--max-connections", "10100"]).listen("chat=127.0.0.1:0").go();
        let (mut crowd, mut still) = (Crowd::new(), Still::default());
        // What the first one costs once is not what each costs.
        crowd.join(server.place(0), Wire::Lines, None);
        crowd.until(&mut still, "a greeting", |_, still| still.greeted == 1);
        let (empty, before, start) = (proc::resident(server.pid()), used(&server), Instant::now());
        for who in 1..members {
            crowd.join(server.place(0), Wire::Lines, None);
            if who.is_multiple_of(500) {
                crowd.turn(&mut still);
            }
        }
        crowd.until(&mut still, "all greetings", |_, still| still.greeted == members);
        println!("{members} came in {:?}, {} ms of CPU", start.elapsed(), used(&server) - before);
        Self { _alone: alone, server, crowd, still, members, empty }
    }

    /// Everybody says this, and has an answer to the last line of it.
    fn all_say(&mut self, text: &str) {
        let (before, start) = (used(&self.server), Instant::now());
        (0..self.members).for_each(|who| self.crowd.say(who, text));
        let (wanted, members) = (self.still.is_in + self.members, self.members);
        self.crowd.until(&mut self.still, "all answers", |_, still| still.is_in == wanted);
        println!("{members} said {text:?} in {:?}, {} ms of CPU", start.elapsed(), used(&self.server) - before);
    }

    /// Bytes of memory for each.
    fn each(&self, what: &str) -> usize {
        let (now, most) = (proc::resident(self.server.pid()), proc::peak(self.server.pid()));
        let each = usize::try_from(now - self.empty).unwrap() * 1024 / self.members;
        println!("{what}: {} KiB empty, {now} KiB now, at most {most}: {each} bytes each", self.empty);
        each
    }

    fn rest(&mut self, span: Duration) {
        let (begin, before) = (Instant::now(), used(&self.server));
        while begin.elapsed() < span {
            self.crowd.step(&mut self.still);
            thread::sleep(Duration::from_millis(20));
        }
        let used = used(&self.server) - before;
        println!("{used} ms of CPU in {:?} of silence, {} PINGs", begin.elapsed(), self.still.pings);
    }
}

#[test]
fn members_who_say_nothing_cost_little_memory() {
    let mut full = Full::new();
    let each = full.each("one room");
    full.all_say("/join big");
    full.each("two rooms");
    full.rest(Duration::from_secs(if long() { 20 } else { 1 }));
    let most = if cfg!(debug_assertions) { MOST_BYTES_CHECKED } else { MOST_BYTES };
    assert!(each <= most, "{each} bytes for each");
}

#[test]
fn members_who_speak_in_objects_are_asked_whether_they_are_there() {
    let mut full = Full::new();
    full.all_say("/format json\n/join big");
    full.each("objects, a session, two rooms");
    full.rest(Duration::from_secs(if long() { 130 } else { 1 }));
    // After 60 s of silence, and after 60 s more.
    assert!(!long() || full.still.pings >= 2 * full.members, "{} heartbeats", full.still.pings);
}

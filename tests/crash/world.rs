//! All that was said, and what everybody must agree on.

use std::collections::HashMap;
use std::fmt;
use std::process::Command;

use serde::Deserialize;

use crate::crowd::{Crowd, Play};
use crate::program::Program;
use crate::support::client::{Place, Wire};

pub(crate) const ROOMS: [&str; 3] = ["alpha", "beta", "gamma"];
const PROGRAMS: usize = 8;

/// A line from the server, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub(crate) enum Heard<'a> {
    Welcome {
        session: &'a str,
    },
    Message {
        room: &'a str,
        seq: u64,
        text: &'a str,
        id: Option<&'a str>,
        #[serde(default)]
        replay: bool,
    },
    Receipt {
        room: &'a str,
        seq: u64,
        id: &'a str,
    },
    Gap {
        room: &'a str,
    },
    Error {
        code: &'a str,
        text: String,
    },
    #[serde(other)]
    Other,
}

/// What stands under a room's numbers, as told by whoever heard it first.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// The highest numbers that anybody had heard of when the last server died.
    before: [u64; 3],
    said: HashMap<(usize, u64), String>,
}

impl Truth {
    /// Had this number been given before the last server died? (Others may have been, of which nobody heard.)
    pub(crate) fn is_old(&self, room: usize, seq: u64) -> bool {
        seq <= self.before[room]
    }

    /// Somebody was told that this text has this number.
    pub(crate) fn told(&mut self, room: usize, seq: u64, text: &str) {
        let known = self.said.entry((room, seq)).or_insert_with(|| text.to_owned());
        assert_eq!(known, text, "two texts for number {seq} of {}", ROOMS[room]);
    }
}

pub(crate) fn room(name: &str) -> usize {
    ROOMS.iter().position(|room| *room == name).unwrap_or_else(|| panic!("what room is {name}?"))
}

/// The programs and the truth.
#[derive(Debug)]
pub(crate) struct World {
    programs: Vec<Program>,
    truth: Truth,
    lines: u64,
    lives: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let programs = (0..PROGRAMS).map(Program::new).collect();
        Self { programs, truth: Truth::default(), lines: 0, lives: 0 }
    }

    /// Everybody connects to a server that has just been started.
    pub(crate) fn come(&mut self, crowd: &mut Crowd, places: [&Place; 2]) {
        self.lives += 1;
        for (who, program) in self.programs.iter_mut().enumerate() {
            let place = if program.wire == Wire::Length { places[1] } else { places[0] };
            if self.lives == 1 {
                assert_eq!(crowd.join(place, program.wire, None), who);
            } else {
                crowd.rejoin(who, place);
            }
            for line in program.arrival() {
                crowd.say(who, &line);
            }
        }
    }

    /// Turns until so many more lines were heard.
    pub(crate) fn listen(&mut self, crowd: &mut Crowd, lines: u64) {
        let until = self.lines + lines;
        crowd.until(self, "more lines", |_, world| world.lines >= until);
    }

    /// The server is gone: everybody reads what is left.
    pub(crate) fn lose_server(&mut self, crowd: &mut Crowd) {
        crowd.until(self, "the end of every line", |crowd, _| (0..PROGRAMS).all(|who| !crowd.is_connected(who)));
        self.truth.before = [0, 1, 2].map(|room| self.last(room));
    }

    /// Nobody says anything new; everything said is receipted, and heard by everybody.
    pub(crate) fn finish(&mut self, crowd: &mut Crowd) {
        for program in &mut self.programs {
            program.is_done = true;
        }
        crowd.until(self, "all receipts", |_, world| world.programs.iter().all(Program::is_content));
        for index in 0..ROOMS.len() {
            let last = self.last(index);
            crowd.until(self, "the last number everywhere", |_, world| {
                world.programs.iter().all(|program| program.has_all(index, last))
            });
        }
    }

    fn last(&self, room: usize) -> u64 {
        self.truth.said.keys().filter(|(other, _)| *other == room).map(|(_, seq)| *seq).max().unwrap_or(0)
    }

    /// The history is what everybody heard: every receipted message once, and numbers without holes.
    fn check(&self, index: usize, history: &[(u64, String)]) {
        let seqs: Vec<u64> = history.iter().map(|(seq, _)| *seq).collect();
        assert!(seqs.iter().copied().eq(1..=self.last(index)), "numbers of {}: {seqs:?}", ROOMS[index]);
        let mut places: HashMap<&str, u64> = HashMap::new();
        for (seq, text) in history {
            assert_eq!(places.insert(text, *seq), None, "{text:?} is there twice");
            assert_eq!(self.truth.said.get(&(index, *seq)), Some(text));
        }
        for (text, seq) in self.programs.iter().flat_map(|program| program.receipted(index)) {
            assert_eq!(places.get(text.as_str()), Some(&seq), "{text:?} was receipted as {seq}");
        }
    }

    /// Somebody new reads everything from the beginning.
    pub(crate) fn check_resumed(&mut self, crowd: &mut Crowd, place: &Place) {
        let who = crowd.join(place, Wire::Lines, None);
        crowd.say(who, "/format json");
        for name in ROOMS {
            crowd.say(who, &format!("/resume {name} 0"));
        }
        let mut reader = Reader::default();
        crowd.until(&mut reader, "three replays", |_, reader| reader.ends == ROOMS.len());
        for (index, history) in reader.rooms.iter().enumerate() {
            self.check(index, history);
        }
    }

    pub(crate) fn check_export(&self, data: &str) {
        for (index, name) in ROOMS.iter().enumerate() {
            let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
            let out = command.args(["history", name, "--format", "json", "--data", data]).output().unwrap();
            assert!(out.status.success(), "{out:?}");
            let text = String::from_utf8(out.stdout).unwrap();
            let history: Vec<_> = text.lines().map(exported).collect();
            self.check(index, &history);
        }
    }
}

fn exported(line: &str) -> (u64, String) {
    match serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) {
        Heard::Message { seq, text, .. } => (seq, text.to_owned()),
        other => panic!("{other:?} in an export"),
    }
}

impl Play for World {
    fn line(&mut self, who: usize, line: &str, out: &mut Vec<u8>) {
        self.lines += 1;
        if line.starts_with(['-', '#']) {
            return; // the greeting and what else comes before there are objects
        }
        let heard = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Some(program) = self.programs.get_mut(who) {
            program.hear(&heard, &mut self.truth, out);
        }
    }

    fn over(&mut self, _: usize) {}
}

impl fmt::Display for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipts: usize = (0..3).map(|room| self.programs.iter().flat_map(|it| it.receipted(room)).count()).sum();
        let again: u64 = self.programs.iter().map(|program| program.said_again).sum();
        let known: u64 = self.programs.iter().map(|program| program.known_before).sum();
        let ended = [0, 1, 2].map(|room| self.last(room));
        write!(out, "{} lives, {} lines heard, last numbers {ended:?}, {receipts} receipts, ", self.lives, self.lines)?;
        write!(out, "{again} messages sent again, of which {known} were in the history already")
    }
}

/// Somebody who only reads.
#[derive(Debug, Default)]
struct Reader {
    rooms: [Vec<(u64, String)>; 3],
    ends: usize,
}

impl Play for Reader {
    fn line(&mut self, who: usize, line: &str, _: &mut Vec<u8>) {
        if who < PROGRAMS || line.starts_with(['-', '#']) {
            return;
        }
        match serde_json::from_str(line).unwrap() {
            Heard::Message { room: name, seq, text, replay, .. } => {
                assert!(replay, "live before its end: {line}");
                self.rooms[room(name)].push((seq, text.to_owned()));
            }
            Heard::Gap { .. } | Heard::Error { .. } => panic!("{line}"),
            _ => self.ends += usize::from(line.contains("\"end\"")),
        }
    }

    fn over(&mut self, who: usize) {
        panic!("{who} was closed");
    }
}

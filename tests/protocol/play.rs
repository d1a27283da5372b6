//! Plays one conversation of the page against a server of its own.

use std::collections::{BTreeMap, VecDeque};
use std::fs;

use tempfile::{NamedTempFile, TempDir};

use crate::people::{Bound, Chat, Person, filled, fits};
use crate::support::accounts::accounts;
use crate::support::client::Wire;
use crate::support::{Server, Start, until};

enum House {
    Chat(Chat),
    /// Echo or upper: no greeting, no fence.
    Plain(Server),
    /// It greets, and has no fence.
    Admin {
        server: Server,
        _folder: TempDir,
    },
    /// It keeps something in a folder, and greets.
    Folder {
        server: Server,
        _folder: TempDir,
    },
}

struct Seat {
    person: Person,
    heard: VecDeque<String>,
    /// What it is greeted with, until a line of the conversation has shown whether that matters.
    greeting: Option<String>,
    closed: bool,
}

pub(crate) struct Stage {
    house: Option<House>,
    wires: Vec<Wire>,
    seats: BTreeMap<usize, Seat>,
    bound: Bound,
    skipping: bool,
    line: usize,
}

pub(crate) fn play(title: &str, first: usize, lines: &[String]) {
    let mut stage = Stage::new(title);
    for (number, line) in (first..).zip(lines) {
        stage.line = number;
        stage.step(line);
    }
    stage.end();
}

impl Stage {
    fn new(title: &str) -> Self {
        let mut words = title.split(' ');
        let service = words.next().unwrap();
        let words: Vec<&str> = words.collect();
        let house = match service {
            "chat" if words.contains(&"no-history") => House::Chat(Chat::forgetful()),
            "chat" if words.contains(&"accounts") => House::Chat(with_accounts(&[])),
            "chat" if words.contains(&"login-required") => House::Chat(with_accounts(&["--require-login"])),
            "chat" => House::Chat(Chat::new()),
            "files" | "run" => with_a_folder(service, &words),
            "echo" | "echo+stamp" | "upper" => {
                House::Plain(Start::serve(&["--no-history"]).listen(&format!("{service}=127.0.0.1:0")).go())
            }
            "admin" => {
                let folder = TempDir::new().unwrap();
                let path = folder.path().join("admin");
                let server = Start::serve(&[]).listen(&format!("admin=unix:{}", path.display())).go();
                House::Admin { server, _folder: folder }
            }
            other => panic!("{other:?} is no service whose conversations can be played"),
        };
        let wires = Wire::ALL.into_iter().filter(|wire| words.contains(&wire.option())).collect();
        let (seats, bound) = (BTreeMap::new(), Bound::new());
        let mut stage = Self { house: Some(house), wires, seats, bound, skipping: false, line: 0 };
        let has_accounts = ["accounts", "login-required"].iter().any(|word| words.contains(word));
        let is_option = |word: &&str| {
            ["no-history", "accounts", "login-required"].contains(word)
                || Wire::ALL.iter().any(|wire| wire.option() == *word)
        };
        let names: Vec<&str> = words.into_iter().filter(|word| !is_option(word)).collect();
        for at in 1..=stage.wires.len() {
            stage.seat(at).greeting = None;
        }
        stage.prepare(&names, has_accounts);
        stage
    }

    /// Those who stand in the title name themselves, or log in.
    fn prepare(&mut self, names: &[&str], has_accounts: bool) {
        for (at, word) in (1..).zip(names) {
            let (name, form) = word.split_once('=').unwrap_or((word, "plain"));
            let is_account = has_accounts && ["alice", "bob", "oscar"].contains(&name);
            let come = if is_account { format!("/login {name} {name}'s password") } else { format!("/nick {name}") };
            self.say(at, &come);
            if form != "plain" {
                self.say(at, &format!("/format {form}"));
            }
        }
        for at in 1..=names.len() {
            self.gather(at);
            let seat = self.seat(at);
            seat.greeting = None;
            seat.heard.clear();
        }
    }

    /// Who sits there; if nobody does, somebody comes.
    fn seat(&mut self, at: usize) -> &mut Seat {
        let wire = self.wires.get(at - 1).copied().unwrap_or(Wire::Lines);
        let house = self.house.as_ref().expect("the server runs");
        self.seats.entry(at).or_insert_with(|| match house {
            House::Chat(chat) => {
                let mut person = chat.stranger(wire);
                let greeting = Some(person.hears());
                Seat { person, heard: VecDeque::new(), greeting, closed: false }
            }
            House::Plain(server) | House::Admin { server, .. } | House::Folder { server, .. } => {
                let person = Person::on(server.client(0));
                Seat { person, heard: VecDeque::new(), greeting: None, closed: false }
            }
        })
    }

    fn step(&mut self, line: &str) {
        if line == "..." {
            self.skipping = true;
            return;
        }
        let (who, rest) = line.split_at(line.find(['<', '>', ' ']).unwrap_or_else(|| panic!("{line:?}")));
        if who == "S" {
            assert_eq!(rest, " -- is killed and started again");
            self.restart();
            return;
        }
        let at: usize = who.strip_prefix('C').and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        match rest {
            " -- breaks" => self.breaks(at),
            " -- ends its input" => self.seat(at).person.client.finish(),
            " -- is closed" => self.is_closed(at),
            _ if rest.starts_with(">> ") => self.seat(at).person.client.send(&bytes(&rest[3..])),
            _ if rest.starts_with("<< ") => self.seat(at).person.expects(&bytes(&rest[3..])),
            _ if rest.starts_with("> ") => self.say(at, &filled(&rest[2..], &self.bound)),
            _ if rest.starts_with("< ") => self.hear(at, &rest[2..]),
            _ => panic!("line {}: {line:?} is no line of a conversation", self.line),
        }
    }

    fn say(&mut self, at: usize, text: &str) {
        self.skip_rest();
        self.seat(at).person.says(text);
        self.gather(at);
    }

    /// Takes everything that the server has for somebody by now, so that what comes next comes later.
    fn gather(&mut self, at: usize) {
        if !matches!(self.house, Some(House::Chat(_))) || !self.wires.is_empty() {
            return;
        }
        let seat = self.seat(at);
        let (lines, closed) = seat.person.fence_or_end();
        seat.heard.extend(lines);
        seat.closed = closed;
    }

    /// Behind "..." with nothing more to come for anybody: whatever came does not matter.
    fn skip_rest(&mut self) {
        if std::mem::take(&mut self.skipping) {
            self.seats.values_mut().for_each(|seat| seat.heard.clear());
        }
    }

    fn hear(&mut self, at: usize, wanted: &str) {
        let (skips, line) = (std::mem::take(&mut self.skipping), self.line);
        let mut bound = std::mem::take(&mut self.bound);
        let seat = self.seat(at);
        if let Some(greeting) = seat.greeting.take()
            && wanted.contains("parlor chat:")
        {
            seat.heard.push_front(greeting);
        }
        loop {
            let heard = seat.heard.pop_front().unwrap_or_else(|| {
                assert!(!seat.closed, "line {line}: the server closed instead of {wanted:?}");
                seat.person.hears()
            });
            if fits(wanted, &heard, &mut bound) {
                break;
            }
            assert!(skips, "line {line}: heard {heard:?} instead of {wanted:?}");
        }
        self.bound = bound;
    }

    fn is_closed(&mut self, at: usize) {
        let line = self.line;
        let seat = self.seats.remove(&at);
        let mut seat = seat.unwrap_or_else(|| panic!("line {line}: nobody is there"));
        let mut rest: Vec<String> = seat.heard.into();
        if !seat.closed {
            rest.extend(seat.person.rest());
        }
        assert!(rest.is_empty(), "line {line}: before the end came {rest:?}");
    }

    fn breaks(&mut self, at: usize) {
        self.seats.remove(&at).expect("somebody is there").person.breaks();
        if let Some(House::Chat(chat)) = &self.house {
            chat.server.settled();
        }
    }

    fn restart(&mut self) {
        self.seats.clear();
        let Some(House::Chat(chat)) = self.house.take() else { panic!("line {}: only the chat remembers", self.line) };
        self.house = Some(House::Chat(chat.killed_and_started_again()));
    }

    /// Nobody has heard more than the conversation shows.
    fn end(mut self) {
        self.skip_rest();
        if let Some(House::Chat(chat)) = &self.house {
            until("a quiet server", || chat.server.settled().connections >= self.seats.len() as u64);
        }
        let places: Vec<usize> = self.seats.keys().copied().collect();
        for at in places {
            if !self.seat(at).closed {
                self.gather(at);
            }
            let line = self.line;
            let heard: Vec<String> = std::mem::take(&mut self.seat(at).heard).into();
            assert!(heard.is_empty(), "line {}: C{at} has heard more: {heard:?}", line + 1);
        }
    }
}

/// A service that keeps something in a folder, or has it from there. With accounts commands are on TCP.
fn with_a_folder(service: &str, words: &[&str]) -> House {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut start = Start::serve(&["--no-history", "--files", &path("files")]);
    let has_accounts = words.contains(&"accounts") || words.contains(&"login-required");
    if has_accounts {
        fs::write(path("accounts"), accounts()).unwrap();
        start = start.flags(&["--accounts", &path("accounts")]);
    }
    if words.contains(&"login-required") {
        start = start.flags(&["--require-login"]);
    }
    let server = if service == "run" {
        let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/run.md")).unwrap();
        let offers = page.split("```toml").nth(1).unwrap().split("```").next().unwrap();
        fs::write(path("parlor.toml"), offers).unwrap();
        let at = if has_accounts { "127.0.0.1:0".to_owned() } else { format!("unix:{}", path("run.sock")) };
        start.flags(&["--config", &path("parlor.toml")]).listen(&format!("run={at}")).go()
    } else {
        start.listen(&format!("{service}=127.0.0.1:0")).go()
    };
    House::Folder { server, _folder: folder }
}

/// Bytes in hexadecimal, `00*1003` for so many of one.
fn bytes(text: &str) -> Vec<u8> {
    let piece = |word: &str| {
        let (byte, count) = word.split_once('*').unwrap_or((word, "1"));
        vec![u8::from_str_radix(byte, 16).unwrap(); count.parse().unwrap()]
    };
    text.split_whitespace().flat_map(piece).collect()
}

/// Where alice, bob and oscar, an operator, have accounts.
fn with_accounts(flags: &[&str]) -> Chat {
    let file = NamedTempFile::new().expect("the temporary folder is ours");
    fs::write(file.path(), accounts()).expect("it is ours");
    let path = file.path().to_str().expect("temporary files have plain names").to_owned();
    // Read once, at the start.
    Chat::with(&[&["--flood", "off", "--accounts", &path], flags].concat())
}

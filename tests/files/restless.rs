//! People who do anything at any moment, helpers that take their time, and a disk that fails now and then. Whatever
//! happened, nothing is shown that nobody offered, what is counted is what is there, and all places are free in the end.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use parlor::hub::ConnId;
use parlor::services::files::{Settings, Step};
use rustix::io::Errno;

use crate::house::{House, NOW, content, digest};

const NAMES: [&str; 3] = ["tea", "milk", "honey"];
const SIZES: [usize; 4] = [0, 10, 70_000, 300_000];
const STEPS: [Step; 8] =
    [Step::Look, Step::Open, Step::Create, Step::Read, Step::Write, Step::Sync, Step::Place, Step::Own];

/// The same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

/// What somebody is about.
enum Doing {
    Nothing,
    /// They have offered this and wait for an answer.
    Offering(Vec<u8>),
    /// They send it, from there on.
    Sending(Vec<u8>, usize),
}

struct Peer {
    doing: Doing,
    heard: Vec<u8>,
}

struct Street {
    house: House,
    chance: Chance,
    peers: BTreeMap<ConnId, Peer>,
    /// By their digests: everything that was ever offered.
    known: BTreeMap<String, Vec<u8>>,
}

impl Street {
    fn new(seed: u64) -> Self {
        let settings =
            Settings { total: 900_000, each: 700_000, guests: 500_000, uploads_each: 3, ..Settings::default() };
        let mut house = House::with(settings);
        house.held = true;
        Self { house, chance: Chance(seed), peers: BTreeMap::new(), known: BTreeMap::new() }
    }

    fn someone(&mut self) -> Option<ConnId> {
        let ids: Vec<ConnId> = self.peers.keys().copied().collect();
        (!ids.is_empty()).then(|| self.chance.of(&ids))
    }

    fn step(&mut self) {
        match self.chance.below(20) {
            0 | 1 if self.peers.len() < 9 => {
                let id = match self.chance.below(3) {
                    0 => self.house.guest(),
                    1 => self.house.user(1),
                    _ => self.house.user(2),
                };
                self.peers.insert(id, Peer { doing: Doing::Nothing, heard: Vec::new() });
            }
            2 => {
                if let Some(id) = self.someone() {
                    self.peers.remove(&id);
                    self.house.breaks(id);
                }
            }
            3 => {
                let (step, after) = (self.chance.of(&STEPS), self.chance.below(3));
                self.house.disk.fail(step, after, self.chance.of(&[Errno::NOSPC, Errno::IO]).raw_os_error());
            }
            4 | 5 => self.house.disk.heal(),
            6 => self.house.sweep(),
            7 => self.house.wall = NOW + self.chance.below(3) as u64 * 1000,
            8..13 => {
                if self.house.jobs() > 0 {
                    self.house.work();
                }
            }
            _ => {
                if let Some(id) = self.someone() {
                    self.acts(id);
                }
            }
        }
        self.listen();
    }

    /// Somebody says or sends something, if the server reads it.
    fn acts(&mut self, id: ConnId) {
        let Self { house, chance, peers, known } = self;
        let peer = peers.get_mut(&id).unwrap();
        match &mut peer.doing {
            Doing::Sending(body, at) => {
                let most = house.reads(id).min(body.len() - *at);
                let count = if chance.below(3) == 0 { most } else { chance.below(most + 1) };
                let mut piece = body[*at..*at + count].to_vec();
                if chance.below(20) == 0 && count > 0 {
                    piece[0] ^= 1;
                }
                house.says(id, &piece);
                *at += count;
            }
            Doing::Nothing if house.reads(id) >= 1000 => {
                let name = chance.of(&NAMES);
                match chance.below(8) {
                    0 => house.says(id, format!("get {name}\n").as_bytes()),
                    1 => house.says(id, format!("get {name} 7\nlist\n").as_bytes()),
                    2 => house.says(id, format!("remove {name}\nPING\n").as_bytes()),
                    3 => house.says(id, b"quota\nlist\nquota\n"),
                    _ => {
                        let body = content(chance.below(2) as u64, chance.of(&SIZES));
                        house.says(id, format!("offer {name} {} {}\n", body.len(), digest(&body)).as_bytes());
                        known.insert(digest(&body), body.clone());
                        peer.doing = Doing::Offering(body);
                    }
                }
            }
            // What is sent behind an offer before its answer would be taken for the body.
            Doing::Offering(_) | Doing::Nothing => {}
        }
    }

    /// Everybody hears what they were sent.
    fn listen(&mut self) {
        for (&id, peer) in &mut self.peers {
            peer.heard.extend(self.house.rest(id));
            while let Some(end) = peer.heard.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8(peer.heard[..end].to_vec()).unwrap();
                let words: Vec<&str> = line.split(' ').collect();
                let mut taken = end + 1;
                match words[..] {
                    ["-", "body", _, size, digest, from] => {
                        let (size, from): (usize, usize) = (size.parse().unwrap(), from.parse().unwrap());
                        taken += size - from;
                        if peer.heard.len() < taken && self.house.is_there(id) {
                            break;
                        }
                        let body = &peer.heard[end + 1..taken.min(peer.heard.len())];
                        assert!(self.known[digest][from..].starts_with(body), "others' bytes in a body");
                    }
                    ["-", "send", _, at] => {
                        let Doing::Offering(body) = std::mem::replace(&mut peer.doing, Doing::Nothing) else {
                            panic!("{line} to nobody's offer")
                        };
                        peer.doing = Doing::Sending(body, at.parse().unwrap());
                    }
                    ["-", "stored", ..] => peer.doing = Doing::Nothing,
                    ["!", code, ..] => match &mut peer.doing {
                        // What still comes of the body is dropped.
                        Doing::Sending(body, at) if *at < body.len() => {
                            assert!(code != "unknown-command:", "a body was taken for a line");
                        }
                        doing => *doing = Doing::Nothing,
                    },
                    _ => assert!(line.starts_with("- ") || line == "PONG", "{line}"),
                }
                peer.heard.drain(..taken.min(peer.heard.len()));
            }
            if let Doing::Sending(body, at) = &peer.doing
                && *at == body.len()
                && self.house.jobs() == 0
            {
                peer.doing = Doing::Nothing;
            }
        }
        let house = &self.house;
        self.peers.retain(|&id, _| house.is_there(id));
    }

    /// All go; what is there then is what was offered and what is counted.
    fn end(mut self) {
        self.house.disk.heal();
        for id in std::mem::take(&mut self.peers).into_keys() {
            self.house.breaks(id);
        }
        self.house.let_go();
        let mut bytes = 0;
        for name in self.house.files() {
            let stored = fs::read(self.house.path(&name)).unwrap();
            assert!(self.known.contains_key(&digest(&stored)), "{name} is nothing that was offered");
            bytes += stored.len();
        }
        for part in self.house.parts() {
            bytes += fs::read(self.house.path(".parts").join(part)).unwrap().len();
        }
        let house = &mut self.house;
        let askers = [house.guest(), house.user(1), house.user(2)];
        let used = |line: String| line.split(' ').nth(2).unwrap().parse::<usize>().unwrap();
        assert_eq!(askers.map(|id| used(house.asks(id, "quota"))).iter().sum::<usize>(), bytes);
        // No place was lost.
        for number in 0..3 {
            let id = house.guest();
            assert_eq!(house.offers(id, &format!("new-{number}"), b"new"), format!("- send new-{number} 0"));
        }
        house.held = true;
        for _ in 0..256 {
            let id = house.guest();
            house.says(id, b"list\n");
            assert!(house.rest(id).is_empty());
        }
    }
}

#[test]
fn whatever_people_helpers_and_the_disk_do_nothing_is_invented_and_no_place_is_lost() {
    for seed in 0..60 {
        let mut street = Street::new(seed);
        for _ in 0..400 {
            street.step();
        }
        street.house.passes(Duration::from_secs(1));
        street.listen();
        street.end();
    }
}

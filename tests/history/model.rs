//! A model beside the history: what was said, what was seen, and what is safe, in plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;

use crate::support::{Dice, Fault, Got, Place, follow, read, said, settle};
use parlor::log::{Chore, Log, Outcome, Read, SyncMode};

const ROOMS: [&str; 4] = ["tea", "coffee", "milk", "water"];

/// A message: where, its number, its text, the commit that it was written by.
#[derive(Debug, Clone)]
struct Line {
    room: usize,
    seq: u64,
    text: String,
    commit: u64,
}

/// A history and what must be true of it.
pub(crate) struct Model {
    place: Place,
    dice: Dice,
    log: Option<Log>,
    /// A chore that is out.
    out: Option<Chore>,
    /// Pushed, not committed.
    pushed: Vec<Line>,
    /// Committed, not seen: waits for a sync.
    unseen: Vec<Line>,
    /// What readers may have seen, by room and number.
    seen: BTreeMap<(usize, u64), Line>,
    /// What survives a power cut.
    safe: BTreeSet<(usize, u64)>,
    /// Numbers that somebody may have seen, whatever became of them.
    given: BTreeSet<(usize, u64)>,
    count: u64,
}

impl Model {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut place = Place::with_segments(400 + dice.below(3000));
        place.settings.sync = [SyncMode::Always, SyncMode::Second, SyncMode::Never][usize::try_from(seed % 3).unwrap()];
        let mut model = Self {
            place,
            dice,
            log: None,
            out: None,
            pushed: Vec::new(),
            unseen: Vec::new(),
            seen: BTreeMap::new(),
            safe: BTreeSet::new(),
            given: BTreeSet::new(),
            count: 0,
        };
        model.open();
        model
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn open(&mut self) {
        self.log = Some(self.place.open());
        // Whoever opens makes sure of what there is, before numbers go on from it.
        self.safe = self.seen.keys().copied().collect();
    }

    /// One step of somebody's day.
    pub(crate) fn step(&mut self) {
        self.place.now += self.dice.below(300);
        match self.dice.below(100) {
            0..45 => self.push(),
            45..70 => self.commit(),
            70..88 => self.chore(),
            88..96 => self.look(),
            96 => self.kill(),
            97 => self.power_cut(),
            98 => self.torn_write(),
            _ => self.close(),
        }
    }

    fn push(&mut self) {
        for _ in 0..=self.dice.below(4) {
            let room = usize::try_from(self.dice.below(ROOMS.len() as u64)).unwrap();
            let length = usize::try_from(self.dice.below(80)).unwrap();
            self.count += 1;
            let text = format!("{} {}", self.count, "x".repeat(length));
            let now = self.place.now;
            let seq = self.log().push(&said(ROOMS[room], &text, now));
            self.pushed.push(Line { room, seq, text, commit: 0 });
        }
    }

    fn commit(&mut self) {
        let commit = self.log().commit().unwrap();
        self.unseen.extend(self.pushed.drain(..).map(|line| Line { commit, ..line }));
        if self.place.settings.sync != SyncMode::Always {
            self.see(commit);
        }
    }

    /// Commits up to this one are seen.
    fn see(&mut self, commit: u64) {
        let (seen, unseen): (Vec<_>, Vec<_>) = self.unseen.drain(..).partition(|line| line.commit <= commit);
        self.unseen = unseen;
        for line in seen {
            assert!(self.given.insert((line.room, line.seq)), "{line:?} has a number that was given before");
            self.seen.insert((line.room, line.seq), line);
        }
    }

    /// A chore goes out, or comes back; other things happen between.
    fn chore(&mut self) {
        let Some(chore) = self.out.take() else {
            let now = self.place.now;
            self.out = self.log().chores(now);
            return;
        };
        let outcome = self.log().chore_done(chore());
        if let Outcome::Durable(commit) = outcome {
            self.see(commit);
            let safe = self.seen.values().filter(|line| line.commit <= commit);
            self.safe.extend(safe.map(|line| (line.room, line.seq)));
        }
    }

    /// What a reader gets is what was seen; what is missing is named.
    fn look(&mut self) {
        for (room, name) in ROOMS.into_iter().enumerate() {
            let after = if self.dice.below(2) == 0 { 0 } else { self.dice.below(50) };
            let (budget, now) = (1 + usize::try_from(self.dice.below(500)).unwrap(), self.place.now);
            let mut next = after + 1;
            for got in follow(self.log(), name, after, budget, now) {
                match got {
                    Got::Said(seq, text) => {
                        assert_eq!(self.seen.get(&(room, seq)).map(|line| &line.text), Some(&text));
                        next = seq + 1;
                    }
                    Got::Gap(from, to) => {
                        let kept = self.seen.range((room, from)..=(room, to)).next();
                        assert!(kept.is_none(), "{from} to {to} is no gap: {kept:?} is there");
                        next = to + 1;
                    }
                }
            }
            let rest = self.seen.range((room, next)..(room, u64::MAX)).next();
            assert!(rest.is_none(), "{rest:?} was not read");
        }
    }

    /// `kill -9`: what was committed is there, what was only pushed never was.
    fn kill(&mut self) {
        self.pushed.clear();
        (self.out, self.log) = (None, None);
        // With Always, nobody saw what waits for a sync; it may be found all the same.
        self.open();
        let waiting = std::mem::take(&mut self.unseen);
        self.adopt(&waiting);
        self.look();
    }

    /// Messages that nobody saw may be there, or not. What is, is seen from now on.
    fn adopt(&mut self, waiting: &[Line]) {
        for line in waiting {
            let now = self.place.now;
            let read = read(self.log(), ROOMS[line.room], line.seq - 1, 1, now);
            let Read::Records(batch) = read else { continue };
            if batch.iter().next().is_some_and(|record| record.text == line.text) {
                self.given.insert((line.room, line.seq));
                self.seen.insert((line.room, line.seq), line.clone());
                self.safe.insert((line.room, line.seq));
            }
        }
    }

    /// The process is killed while it writes.
    fn torn_write(&mut self) {
        self.push();
        let most = usize::try_from(1 + self.dice.below(200)).unwrap();
        self.place.disk.fail(Fault::Torn(most));
        if self.log().commit().is_ok() {
            // The batch was smaller than the tear.
            self.place.disk.heal();
            self.commit();
            return self.kill();
        }
        if self.dice.below(2) == 0 {
            let now = self.place.now;
            if let Some(chore) = self.out.take() {
                self.log().chore_done(chore());
            }
            settle(self.log(), now);
        }
        let waiting = [std::mem::take(&mut self.unseen), std::mem::take(&mut self.pushed)].concat();
        (self.out, self.log) = (None, None);
        self.open();
        self.adopt(&waiting);
        self.look();
    }

    /// The machine goes down: of what was not synced, any part may be lost.
    fn power_cut(&mut self) {
        self.pushed.clear();
        (self.out, self.log) = (None, None);
        self.lose_unsynced();
        self.place.reboot();
        let safe = std::mem::take(&mut self.safe);
        self.open();
        self.lose(&safe);
        let waiting = std::mem::take(&mut self.unseen);
        self.adopt(&waiting);
        self.safe = self.seen.keys().copied().collect();
        self.look();
    }

    fn lose_unsynced(&mut self) {
        for path in self.place.segments() {
            let (safe, size) = (self.place.disk.safe(&path), fs::metadata(&path).unwrap().len());
            let safe = safe.min(size);
            let kept = safe + self.dice.below(size - safe + 1);
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.set_len(kept).unwrap();
            if kept < size && self.dice.below(3) == 0 {
                let length = usize::try_from(size - kept).unwrap();
                file.write_all(&vec![0; length]).unwrap();
            }
        }
    }

    /// Finds out what is lost, which is nothing that was safe.
    fn lose(&mut self, safe: &BTreeSet<(usize, u64)>) {
        let now = self.place.now;
        let mut lost = Vec::new();
        for (room, name) in ROOMS.into_iter().enumerate() {
            let there: BTreeMap<_, _> = follow(self.log(), name, 0, 1 << 16, now)
                .into_iter()
                .filter_map(|got| if let Got::Said(seq, text) = got { Some((seq, text)) } else { None })
                .collect();
            for ((_, seq), line) in self.seen.range((room, 0)..(room, u64::MAX)) {
                if there.get(seq) != Some(&line.text) {
                    lost.push((room, *seq));
                }
            }
        }
        for place in lost {
            assert!(!safe.contains(&place), "{place:?} was synced, and is lost");
            self.seen.remove(&place);
        }
    }

    fn close(&mut self) {
        if let Some(chore) = self.out.take()
            && let Outcome::Durable(commit) = self.log().chore_done(chore())
        {
            self.see(commit);
        }
        self.commit();
        self.log.take().unwrap().close().unwrap();
        if self.dice.below(2) == 0 {
            self.lose_unsynced();
            self.place.reboot();
        }
        self.see(u64::MAX);
        let jumped;
        (self.log, jumped) = self.place.try_open().map(|(log, report)| (Some(log), report.jumped)).unwrap();
        assert!(!jumped, "it had ended in order");
        self.look();
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the story so far: {:?}, {} messages seen", self.place.settings, self.seen.len());
        }
    }
}

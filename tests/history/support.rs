//! A history in a folder of its own, with chores run on the spot.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use parlor::log::{Disk, Known, Log, Outcome, Past, Read, Reader, Record, Report, Settings, SyncMode};
use tempfile::TempDir;

pub(crate) const NOW: u64 = 1_764_000_000_000;

/// A disk that syncs nothing, remembers what would be safe, and fails when it is told to.
#[derive(Debug, Default)]
pub(crate) struct TestDisk {
    state: Mutex<DiskState>,
}

#[derive(Debug, Default)]
struct DiskState {
    /// By inode: how much of a file would survive a power cut.
    safe: HashMap<u64, u64>,
    writes: Vec<usize>,
    syncs: usize,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next write fails.
    Write,
    /// The next write takes so many bytes, and all goes on.
    Short(usize),
    /// The next write takes so many bytes, and the one after it fails.
    Torn(usize),
    /// The next sync fails.
    Sync,
}

impl TestDisk {
    pub(crate) fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().fault = Some(fault);
    }

    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().fault = None;
    }

    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes.len()
    }

    pub(crate) fn syncs(&self) -> usize {
        self.state.lock().unwrap().syncs
    }

    pub(crate) fn safe(&self, path: &Path) -> u64 {
        let inode = fs::metadata(path).unwrap().ino();
        self.state.lock().unwrap().safe.get(&inode).copied().unwrap_or(0)
    }
}

impl Disk for TestDisk {
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        let most = match state.fault {
            Some(Fault::Write) => {
                state.fault = None;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Some(Fault::Short(most)) => {
                state.fault = None;
                most
            }
            Some(Fault::Torn(most)) => {
                state.fault = Some(Fault::Write);
                most
            }
            _ => usize::MAX,
        };
        let count = file.write_at(&bytes[..bytes.len().min(most)], at)?;
        state.writes.push(count);
        Ok(count)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.syncs += 1;
        if state.fault == Some(Fault::Sync) {
            state.fault = None;
            return Err(io::Error::from_raw_os_error(5));
        }
        let about = file.metadata()?;
        state.safe.insert(about.ino(), about.len());
        Ok(())
    }
}

/// What a reader got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    Said(u64, String),
    Gap(u64, u64),
}

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) disk: Arc<TestDisk>,
    pub(crate) settings: Settings,
    pub(crate) now: u64,
    /// The randomness that the next epoch is made of.
    seed: u8,
}

impl Place {
    pub(crate) fn new() -> Self {
        let settings = Settings { boot: Some("first boot".to_owned()), ..Settings::default() };
        let folder = tempfile::tempdir().unwrap();
        Self { folder, disk: Arc::default(), settings, now: NOW, seed: 0 }
    }

    /// With segments of this size.
    pub(crate) fn with_segments(bytes: u64) -> Self {
        let mut place = Self::new();
        place.settings.segment_bytes = bytes;
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("history")
    }

    pub(crate) fn try_open(&mut self) -> Result<(Log, Report), parlor::log::OpenError> {
        self.seed = self.seed.wrapping_add(1);
        let seed = self.seed;
        let disk: Arc<TestDisk> = Arc::clone(&self.disk);
        Log::open_on(disk, &self.path(), self.settings.clone(), self.now, &mut |bytes| bytes.fill(seed))
    }

    pub(crate) fn open(&mut self) -> Log {
        self.try_open().unwrap().0
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        paths.sort();
        paths
    }

    pub(crate) fn last_segment(&self) -> PathBuf {
        self.segments().pop().unwrap()
    }

    /// The machine starts again.
    pub(crate) fn reboot(&mut self) {
        self.settings.boot = Some(format!("{} again", self.settings.boot.take().unwrap()));
    }
}

pub(crate) fn said<'a>(room: &'a str, text: &'a str, at: u64) -> Record<'a> {
    Record { room, seq: 0, at, action: false, from: "alice", session: [7; 16], id: "", text }
}

/// Says something and commits it.
pub(crate) fn say(log: &mut Log, room: &str, text: &str, at: u64) -> u64 {
    let seq = log.push(&said(room, text, at));
    log.commit().unwrap();
    seq
}

/// Runs chores until there are none.
pub(crate) fn settle(log: &mut Log, now: u64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(chore) = log.chores(now) {
        outcomes.push(log.chore_done(chore()));
    }
    outcomes
}

/// A read, brought by a helper if it must.
pub(crate) fn read(log: &mut Log, room: &str, after: u64, budget: usize, now: u64) -> Read {
    let mut read = log.read(room, after, budget, now);
    while let Read::Later(chore) = read {
        let Outcome::Read(answer) = log.chore_done(chore()) else { panic!("a read is answered by a read") };
        read = answer;
    }
    read
}

/// All of a room, as a member sees it who follows what is there.
pub(crate) fn follow(log: &mut Log, room: &str, mut after: u64, budget: usize, now: u64) -> Vec<Got> {
    let mut got = Vec::new();
    loop {
        match read(log, room, after, budget, now) {
            Read::End => return got,
            Read::Gap { from, to } => {
                assert!(from == after + 1 && to >= from, "a gap begins where the reader stands");
                got.push(Got::Gap(from, to));
                after = to;
            }
            Read::Records(batch) => {
                assert!(!batch.is_empty());
                for record in batch.iter() {
                    assert_eq!((record.room, record.seq), (room, after + 1), "messages come one by one");
                    after = record.seq;
                    got.push(Got::Said(record.seq, record.text.to_owned()));
                }
            }
            Read::Later(_) => unreachable!("`read` has waited"),
        }
    }
}

/// What is there, without the gaps.
pub(crate) fn texts(log: &mut Log, room: &str, now: u64) -> Vec<(u64, String)> {
    let said = follow(log, room, 0, 1 << 16, now).into_iter();
    said.filter_map(|got| if let Got::Said(seq, text) = got { Some((seq, text)) } else { None }).collect()
}

pub(crate) fn known(log: &mut Log, session: [u8; 16], since: u64) -> Vec<Known> {
    past(log, session, since).ids
}

pub(crate) fn past(log: &mut Log, session: [u8; 16], since: u64) -> Past {
    let chore = log.past(session, since);
    let Outcome::Known(past) = log.chore_done(chore()) else { panic!("it is answered by what is known") };
    past
}

/// What another process sees, by room.
pub(crate) fn beside(folder: &Path) -> BTreeMap<String, Vec<(u64, String)>> {
    let mut reader = Reader::open(folder, 0).unwrap();
    let mut rooms: BTreeMap<String, Vec<_>> = BTreeMap::new();
    while let Some(record) = reader.next_record().unwrap() {
        rooms.entry(record.room.to_owned()).or_default().push((record.seq, record.text.to_owned()));
    }
    rooms
}

/// The same numbers for the same seed, on every machine (xorshift).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

pub(crate) const MODES: [SyncMode; 3] = [SyncMode::Always, SyncMode::Second, SyncMode::Never];

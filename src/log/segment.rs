//! Segments: what is kept in memory about each, and how it is found out by reading one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::disk::read_at;
use super::format::{Fields, HEADER, MAGIC, Raw, Run, gone, kind, message, stands};
use super::scan::{Scan, Step, Tail};
use super::{Damage, Record};

/// A message that is not within so many bytes of its room's last mark gets a mark of its own: a reader never has to
/// look at more than this for one message, and a busy room has few marks.
const GRAIN: u64 = 16 * 1024;

/// Where a message lies. `rise` is its number, counted from the first of its room in this segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) rise: u32,
    pub(super) offset: u32,
}

/// Where the marks are: in memory while a segment is open, in its foot afterwards.
#[derive(Debug, Clone)]
pub(super) enum Marks {
    Here(Vec<Mark>),
    Foot { start: u32, count: u32 },
}

impl Marks {
    pub(super) fn count(&self) -> u32 {
        match self {
            Self::Here(marks) => u32::try_from(marks.len()).expect("a segment is smaller than 4 GiB"),
            Self::Foot { count, .. } => *count,
        }
    }
}

/// What a segment has of one room.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) bytes: u64,
    pub(super) marks: Marks,
}

impl Span {
    pub(super) const fn new(first: u64) -> Self {
        Self { first, last: 0, bytes: 0, marks: Marks::Here(Vec::new()) }
    }

    /// Adds the next message of the room.
    pub(super) fn add(&mut self, seq: u64, offset: u64, size: u64) {
        self.last = seq;
        self.bytes += size;
        let Marks::Here(marks) = &mut self.marks else { return };
        let far = marks.last().is_none_or(|mark| u64::from(mark.offset) + GRAIN <= offset);
        // A number or an offset beyond 32 bits has no mark: it is found by walking on from the one before.
        if let (true, Ok(rise), Ok(offset)) = (far, u32::try_from(seq - self.first), u32::try_from(offset)) {
            marks.push(Mark { rise, offset });
        }
    }
}

/// An id that a session gave to a message. The room is a place in a list that goes with it. With number 0 there is no
/// message: with id 0 it is the session's goodbye, behind which nothing before counts; else the id is the place in the
/// segment that says how the session stood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    pub(super) session: [u8; 16],
    pub(super) id: u64,
    pub(super) room: u32,
    pub(super) seq: u64,
}

impl Given {
    pub(super) fn goodbye(session: [u8; 16]) -> Self {
        Self { session, id: 0, room: 0, seq: 0 }
    }

    fn stands(session: [u8; 16], offset: u64) -> Self {
        Self { session, id: offset, room: 0, seq: 0 }
    }

    /// Does it belong to a message?
    pub(super) fn is_said(&self) -> bool {
        self.seq > 0
    }
}

/// Where a segment's foot has its ids.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ids {
    pub(super) at: u64,
    pub(super) count: u32,
}

/// A segment in memory. The last one is open; one that is full stays as it is until its foot is written.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Kept open until it is sealed.
    pub(super) file: Option<Arc<File>>,
    /// Where its messages begin.
    pub(super) head: u64,
    /// Where its records end.
    pub(super) end: u64,
    /// The size of the file.
    pub(super) size: u64,
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    pub(super) spans: BTreeMap<u32, Span>,
    /// Written since the last sync was asked for.
    pub(super) dirty: bool,
    pub(super) sealed: bool,
    /// It has no message, but tells of sessions, and stays for their sake until it is too old.
    pub(super) farewells: bool,
    pub(super) ids: Ids,
    /// Ids of runs before this one, while there is no foot.
    pub(super) early: Vec<Given>,
}

impl Segment {
    /// A segment that holds no message yet.
    pub(super) fn new(number: u64, file: Option<Arc<File>>, end: u64) -> Self {
        Self { number, file, head: end, end, size: end, ..Self::default() }
    }

    /// Is nothing in it of use any more?
    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty() && !self.farewells
    }

    /// Takes note of a message's time.
    pub(super) fn stamp(&mut self, at: u64) {
        if self.first_at == 0 {
            self.first_at = at;
        }
        self.last_at = self.last_at.max(at);
    }
}

/// All that a segment's records say.
#[derive(Debug, Default)]
pub(super) struct Digest {
    pub(super) number: u64,
    /// Written by a newer version, says the first line.
    pub(super) newer: bool,
    pub(super) run: Option<Run>,
    /// Last number and floor, as the tables say.
    pub(super) rooms: BTreeMap<String, (u64, u64)>,
    /// In the order in which the rooms came.
    pub(super) spans: Vec<(String, Span)>,
    places: BTreeMap<String, usize>,
    /// Their rooms are places in `spans`.
    pub(super) ids: Vec<Given>,
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// Is the last record the mark of an orderly end?
    pub(super) clean: bool,
    pub(super) damage: Vec<Damage>,
    /// Where the records end, and what lies behind: a foot, or the tail, up to `behind`.
    pub(super) end: u64,
    pub(super) behind: u64,
    pub(super) tail: Tail,
    /// Is there a foot, or the beginning of one?
    pub(super) foot: bool,
    pub(super) read: u64,
}

impl Digest {
    /// Reads a segment up to its foot, or only up to its first message.
    pub(super) fn of(number: u64, file: &Arc<File>, head_only: bool) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut magic = MAGIC;
        let count = read_at(file, &mut magic, 0, true)?;
        let mut scan = Scan::whole(Arc::clone(file), size);
        let newer = count == MAGIC.len() && magic[..7] == MAGIC[..7] && magic[7] > MAGIC[7];
        let mut digest = Self { number, newer, end: size, behind: size, ..Self::default() };
        loop {
            match scan.step()? {
                Step::Record(raw) if kind::is_foot(raw.kind) => {
                    (digest.end, digest.foot) = (raw.offset, true);
                    break;
                }
                Step::Record(Raw { kind: kind::SAID | kind::ACTION, .. }) if head_only => break,
                Step::Record(raw) => digest.take(raw),
                Step::Damage { from, to } => digest.damage.push(Damage { segment: number, from, to }),
                Step::End { at, to, tail } => {
                    (digest.end, digest.behind, digest.tail) = (at, to, tail);
                    break;
                }
            }
        }
        digest.read = scan.read;
        Ok(digest)
    }

    /// What lies behind the records, if there is something.
    pub(super) fn tail_damage(&self) -> Option<Damage> {
        let damage = Damage { segment: self.number, from: self.end, to: self.behind };
        (self.tail != Tail::None).then_some(damage)
    }

    /// A record that says nothing to us is passed over: its checksum is right, so it is nobody's damage.
    fn take(&mut self, raw: Raw<'_>) {
        self.clean = raw.kind == kind::CLEAN;
        match raw.kind {
            kind::RUN => self.run = Run::get(raw.body).or(self.run.take()),
            kind::ROOMS => {
                for (name, last, floor) in rooms(raw.body) {
                    self.rooms.insert(name.to_owned(), (last, floor));
                }
            }
            kind::GONE => {
                if let Some((session, at)) = gone(raw.body) {
                    self.ids.push(Given::goodbye(session));
                    self.last_at = self.last_at.max(at);
                }
            }
            kind::STANDS => {
                if let Some((session, at, _)) = stands(raw.body) {
                    self.ids.push(Given::stands(session, raw.offset));
                    self.last_at = self.last_at.max(at);
                }
            }
            _ => {
                if let Some(record) = message(raw.kind, raw.body) {
                    self.message(&record, raw.offset, (HEADER + raw.body.len()) as u64);
                }
            }
        }
    }

    fn message(&mut self, record: &Record<'_>, offset: u64, size: u64) {
        let place = self.places.get(record.room).copied().unwrap_or_else(|| {
            self.places.insert(record.room.to_owned(), self.spans.len());
            self.spans.push((record.room.to_owned(), Span::new(record.seq)));
            self.spans.len() - 1
        });
        let (_, span) = &mut self.spans[place];
        // Numbers rise. What does not is no news, and was never served.
        if record.seq <= span.last {
            return;
        }
        span.add(record.seq, offset, size);
        if self.first_at == 0 {
            self.first_at = record.at;
        }
        self.last_at = self.last_at.max(record.at);
        if !record.id.is_empty() {
            let room = u32::try_from(place).expect("a segment is smaller than 4 GiB");
            self.ids.push(Given { session: record.session, id: id_hash(record.id), room, seq: record.seq });
        }
    }
}

/// Name, last number and floor of every room in a table.
pub(super) fn rooms(body: &[u8]) -> impl Iterator<Item = (&str, u64, u64)> {
    let mut fields = Fields(body);
    std::iter::from_fn(move || Some((fields.name()?, fields.u64()?, fields.u64()?)))
}

/// What the history remembers of a client's id (FNV-1a). Whoever makes two of their own ids collide fools nobody else.
#[must_use]
pub fn id_hash(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

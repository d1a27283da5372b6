//! Answers to readers.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::chores::{Chore, ChoreResult, Done};
use super::disk::Site;
use super::format::{kind, stands};
use super::read::{Errand, Read, before};
use super::scan::{Scan, Step};
use super::segment::{Digest, Given, Ids, Marks, Segment};
use super::{Damage, Log, foot};

/// Files of sealed segments that stay open. Readers catching up are mostly in the same few.
const FILES: usize = 4;
/// Marks of the open segment that one answer may need.
const MARKS: usize = 64;
/// Ids that are remembered of a session (LIMITS: older ones are new).
const IDS: usize = 1024;

/// A message that a session gave an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// [`super::id_hash`] of the id.
    pub id: u64,
    /// Where it was said.
    pub room: String,
    /// Its number.
    pub seq: u64,
}

/// What is known of a session from before this run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The ids that it gave, oldest first; the last 1,024, and perhaps ids of this run among them.
    pub ids: Vec<Known>,
    /// The name that it had.
    pub name: Option<String>,
    /// The rooms that it was in.
    pub rooms: Vec<String>,
}

impl Log {
    /// What there is of a room after a number: messages up to about `budget` bytes and at least one, the next gap, or
    /// the end. `now` decides what is too old to be shown.
    pub fn read(&mut self, room: &str, after: u64, budget: usize, now: u64) -> Read {
        let Some(place) = self.rooms.find(room) else {
            let base = self.rooms.base;
            return if after < base { Read::Gap { from: after + 1, to: base } } else { Read::End };
        };
        let room = self.rooms.get(place);
        if after >= room.shown {
            return Read::End;
        }
        let next = after + 1;
        let from = next.max(room.floor);
        let spans = self.segments.iter().filter_map(|segment| Some((segment, segment.spans.get(&place)?)));
        let found = spans.into_iter().find(|(_, span)| span.last >= from);
        let start = found.map_or(room.shown + 1, |(_, span)| span.first.max(from));
        if start > next {
            return Read::Gap { from: next, to: start - 1 };
        }
        let (segment, span) = found.expect("without one there is a gap up to the end");
        let marks = match &span.marks {
            Marks::Here(marks) => {
                let from = before(marks, span.first, next);
                Marks::Here(marks[from..marks.len().min(from + MARKS)].to_vec())
            }
            foot @ Marks::Foot { .. } => foot.clone(),
        };
        let errand = Errand {
            number: segment.number,
            end: segment.end,
            room: Arc::clone(&room.name),
            first: span.first,
            last: span.last,
            marks,
            next,
            oldest: now.saturating_sub(self.settings.keep_age),
            budget,
        };
        let file = segment.file.clone().or_else(|| self.kept_file(errand.number));
        self.start(errand, file)
    }

    /// At once if the cache has it, else later.
    fn start(&mut self, errand: Errand, file: Option<Arc<File>>) -> Read {
        if let Some(file) = &file {
            let mut damage = Vec::new();
            let read = errand.run(file, false, &mut damage);
            self.note(damage);
            if let Ok(read) = read {
                return read;
            }
        }
        let site = Arc::clone(&self.site);
        Read::Later(Box::new(move || {
            let mut damage = Vec::new();
            let file = file.map_or_else(|| site.open(errand.number).map(Arc::new), Ok);
            let result = file.and_then(|file| Ok((errand.run(&file, true, &mut damage)?, file)));
            ChoreResult(Done::Read { errand, result, damage })
        }))
    }

    pub(super) fn read_done(&mut self, errand: &Errand, result: io::Result<(Read, Arc<File>)>) -> Read {
        let there = self.segments.iter().any(|segment| segment.number == errand.number);
        match result {
            Ok((read, file)) => {
                if there {
                    self.keep_file(errand.number, file);
                }
                read
            }
            // Retention took it meanwhile: there is another answer now.
            Err(_) if !there => self.read(&errand.room, errand.next - 1, errand.budget, self.now),
            Err(_) => {
                self.note(vec![Damage { segment: errand.number, from: 0, to: errand.end }]);
                Read::Gap { from: errand.next, to: errand.last }
            }
        }
    }

    fn kept_file(&self, number: u64) -> Option<Arc<File>> {
        self.files.iter().find(|(kept, _)| *kept == number).map(|(_, file)| Arc::clone(file))
    }

    pub(super) fn keep_file(&mut self, number: u64, file: Arc<File>) {
        self.files.retain(|(kept, _)| *kept != number);
        self.files.insert(0, (number, file));
        self.files.truncate(FILES);
    }

    /// The number after which about `count` messages remain: gaps between segments are not counted.
    #[must_use]
    pub fn tail(&self, room: &str, count: u64) -> u64 {
        let Some(place) = self.rooms.find(room) else { return self.rooms.base };
        let (floor, shown) = (self.rooms.get(place).floor, self.rooms.get(place).shown);
        let (mut left, mut after) = (count, shown);
        for span in self.segments.iter().rev().filter_map(|segment| segment.spans.get(&place)) {
            let first = span.first.max(floor);
            let held = (span.last + 1).saturating_sub(first);
            if held >= left {
                return if left == 0 { after } else { span.last - left };
            }
            left -= held;
            after = first - 1;
        }
        after
    }

    /// Damage that was found since the last call, one at a time.
    pub fn damage(&mut self) -> Option<Damage> {
        let damage = *self.noted.get(self.told)?;
        self.told += 1;
        Some(damage)
    }

    /// Looks for what is known of a session from before this run, not looking at what was said before `since`. May be
    /// out beside other chores.
    #[must_use]
    pub fn past(&self, session: [u8; 16], since: u64) -> Chore {
        let mut early = Vec::new();
        let mut sealed: Vec<(u64, Ids)> = Vec::new();
        for segment in self.segments.iter().filter(|segment| segment.last_at >= since) {
            if segment.sealed {
                sealed.push((segment.number, segment.ids));
            }
            let given = segment.early.iter().filter(|given| given.session == session);
            early.extend(given.map(|given| {
                let room = if given.is_said() { self.rooms.get(given.room).name.to_string() } else { String::new() };
                Trace { segment: segment.number, known: Known { id: given.id, room, seq: given.seq } }
            }));
        }
        let site = Arc::clone(&self.site);
        Box::new(move || {
            let mut traces = early;
            for (number, ids) in sealed.into_iter().rev() {
                // A segment that can't be read, or is gone, knows nothing.
                let mut older = traces_in(&site, number, ids, session).unwrap_or_default();
                older.append(&mut traces);
                traces = older;
                if traces.len() >= IDS || traces.iter().any(Trace::is_goodbye) {
                    break;
                }
            }
            let gone = traces.iter().rposition(Trace::is_goodbye).map_or(0, |last| last + 1);
            traces.drain(..gone);
            let stood = traces.iter().rev().find(|trace| trace.known.seq == 0);
            let stood = stood.and_then(|trace| words_at(&site, trace.segment, trace.known.id).ok());
            let mut ids: Vec<Known> =
                traces.into_iter().map(|trace| trace.known).filter(|known| known.seq > 0).collect();
            ids.drain(..ids.len().saturating_sub(IDS));
            let mut words = stood.unwrap_or_default().into_iter();
            ChoreResult(Done::Known(Past { ids, name: words.next(), rooms: words.collect() }))
        })
    }

    pub(super) fn open_segment(&self) -> &Segment {
        self.segments.back().expect("one is always open")
    }
}

/// Something that a segment knows of a session: an id, its goodbye, or the place of how it stood.
struct Trace {
    segment: u64,
    known: Known,
}

impl Trace {
    /// Numbers begin at 1, and no record lies at 0.
    fn is_goodbye(&self) -> bool {
        self.known.seq == 0 && self.known.id == 0
    }
}

fn traces_in(site: &Site, number: u64, ids: Ids, session: [u8; 16]) -> io::Result<Vec<Trace>> {
    if ids.count == 0 {
        return Ok(Vec::new());
    }
    let file = Arc::new(site.open(number)?);
    let (given, spans) = match foot::ids_of(&file, ids, session) {
        Ok(given) if given.is_empty() => return Ok(Vec::new()),
        Ok(given) => (given, foot::read(&file)?.ok_or(ErrorKind::InvalidData)?.spans),
        // The foot is damaged. The records know as well.
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            let mut digest = Digest::of(number, &file, false)?;
            digest.ids.retain(|given| given.session == session);
            (digest.ids, digest.spans)
        }
        Err(error) => return Err(error),
    };
    let named = |given: Given| {
        let room = if given.is_said() { spans.get(given.room as usize)?.0.clone() } else { String::new() };
        Some(Trace { segment: number, known: Known { id: given.id, room, seq: given.seq } })
    };
    Ok(given.into_iter().filter_map(named).collect())
}

/// The name and the rooms that a record at a place of a segment gives a session.
fn words_at(site: &Site, number: u64, at: u64) -> io::Result<Vec<String>> {
    let file = Arc::new(site.open(number)?);
    let end = file.metadata()?.len();
    let mut scan = Scan::new(file, at, end, true);
    match scan.step()? {
        Step::Record(raw) if raw.kind == kind::STANDS && raw.offset == at => {
            let (_, _, words) = stands(raw.body).ok_or(ErrorKind::InvalidData)?;
            Ok(words.map(str::to_owned).collect())
        }
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

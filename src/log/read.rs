//! Reading one room from one segment: at once from the cache, or later on a helper.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::format::{HEADER, MAGIC, message};
use super::scan::{Scan, Step, TURN_BYTES};
use super::segment::{Mark, Marks};
use super::{Chore, Damage, Record, foot};

/// What there is of a room after a number.
pub enum Read {
    /// The next messages, without a hole among them.
    Records(Batch),
    /// These numbers are not to be had: expired, damaged, or never given.
    Gap {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Nothing. So far.
    End,
    /// The answer may have to wait for the disk: a helper brings it, by way of [`super::Log::chore_done`].
    Later(Chore),
}

impl std::fmt::Debug for Read {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Records(batch) => out.debug_tuple("Records").field(batch).finish(),
            Self::Gap { from, to } => out.debug_struct("Gap").field("from", from).field("to", to).finish(),
            Self::End => out.write_str("End"),
            Self::Later(_) => out.write_str("Later"),
        }
    }
}

/// Messages of one room, numbered in a row.
#[derive(Debug, Default)]
pub struct Batch {
    /// Of each, one behind the other: the length of the body, the kind, the body.
    bytes: Vec<u8>,
    count: usize,
}

impl Batch {
    /// The messages, rising.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (&[low, high, kind], behind) = rest.split_first_chunk()?;
            let (body, behind) = behind.split_at(u16::from_le_bytes([low, high]).into());
            rest = behind;
            message(kind, body)
        })
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// None at all? Such a batch is not handed out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, kind: u8, body: &[u8]) {
        let [low, high] = u16::try_from(body.len()).expect("it was a record's body").to_le_bytes();
        self.bytes.extend([low, high, kind]);
        self.bytes.extend_from_slice(body);
        self.count += 1;
    }
}

/// Everything needed to read on, also on another thread.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) number: u64,
    /// Where the segment's records end.
    pub(super) end: u64,
    pub(super) room: Arc<str>,
    /// First and last number of the room in this segment.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) marks: Marks,
    /// The next number that is wanted.
    pub(super) next: u64,
    /// Older messages are not shown.
    pub(super) oldest: u64,
    pub(super) budget: usize,
}

impl Errand {
    /// The messages from `next` on, or the gap before them; `WouldBlock` when that takes longer than a turn may.
    pub(super) fn run(&self, file: &Arc<File>, wait: bool, damage: &mut Vec<Damage>) -> io::Result<Read> {
        let loaded;
        let marks = match &self.marks {
            Marks::Here(marks) => &marks[..],
            Marks::Foot { start, count } => {
                loaded = match foot::marks(file, self.end, *start, *count, wait) {
                    // Without marks it is a long walk from the beginning, and nothing for a turn.
                    Err(error) if error.kind() == ErrorKind::InvalidData && wait => Vec::new(),
                    Err(error) if error.kind() == ErrorKind::InvalidData => return Err(ErrorKind::WouldBlock.into()),
                    other => other?,
                };
                &loaded[..]
            }
        };
        let marks = &marks[before(marks, self.first, self.next)..];
        let mut batch = Batch::default();
        match self.walk(file, marks, &mut batch, wait, damage) {
            // What was found before the trouble is right; the trouble comes again.
            Err(error) if batch.is_empty() => Err(error),
            Ok(Some(gap)) if batch.is_empty() => Ok(gap),
            _ => Ok(Read::Records(batch)),
        }
    }

    /// Fills the batch, up to the first hole; answers that hole.
    fn walk(
        &self,
        file: &Arc<File>,
        mut marks: &[Mark],
        batch: &mut Batch,
        wait: bool,
        damage: &mut Vec<Damage>,
    ) -> io::Result<Option<Read>> {
        let from = marks.first().map_or(MAGIC.len() as u64, |mark| mark.offset.into());
        let mut scan = Scan::new(Arc::clone(file), from, self.end, wait);
        let mut next = self.next;
        while next <= self.last && batch.bytes.len() < self.budget {
            // A helper goes on until there is something to answer, and then not much further.
            if scan.read > TURN_BYTES && !batch.is_empty() {
                break;
            }
            let raw = match scan.step()? {
                Step::Record(raw) => raw,
                Step::Damage { from, to } => {
                    damage.push(Damage { segment: self.number, from, to });
                    continue;
                }
                Step::End { at, .. } => {
                    if at < self.end {
                        damage.push(Damage { segment: self.number, from: at, to: self.end });
                    }
                    break;
                }
            };
            let behind = raw.offset + (HEADER + raw.body.len()) as u64;
            while marks.get(1).is_some_and(|mark| u64::from(mark.offset) < behind) {
                marks = &marks[1..];
            }
            let Some(record) = message(raw.kind, raw.body).filter(|record| *record.room == *self.room) else {
                continue;
            };
            let seq = record.seq;
            if seq >= next && record.at >= self.oldest {
                if seq > next {
                    return Ok(Some(Read::Gap { from: next, to: seq - 1 }));
                }
                batch.push(raw.kind, raw.body);
                next += 1;
            }
            // If this was the last before the next mark, the next message of the room lies there.
            if let Some(mark) = marks.get(1)
                && seq + 1 >= self.first + u64::from(mark.rise)
            {
                scan.seek(mark.offset.into());
            }
        }
        Ok((next <= self.last).then_some(Read::Gap { from: next, to: self.last }))
    }
}

/// The last mark that is not behind a number.
pub(super) fn before(marks: &[Mark], first: u64, seq: u64) -> usize {
    marks.partition_point(|mark| first + u64::from(mark.rise) <= seq).saturating_sub(1)
}

//! Walking over the records of a file, past what is damaged.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::disk::read_at;
use super::format::{HEADER, Look, MAGIC, Raw, look};

/// What one walk may read within a turn, wanted or not. Past it a helper goes on.
pub(super) const TURN_BYTES: u64 = 512 * 1024;

/// A walk, from anywhere to `end`.
#[derive(Debug)]
pub(super) struct Scan {
    file: Arc<File>,
    /// Where it goes on.
    at: u64,
    /// Nothing from here on is looked at.
    end: u64,
    /// What was read, from `start` on.
    buffer: Vec<u8>,
    start: u64,
    chunk: usize,
    /// May a read wait for the disk?
    wait: bool,
    /// Bytes that were read.
    pub(super) read: u64,
}

/// What the walk came across.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Record(Raw<'a>),
    /// From here up to the next record, or up to the end, there is none.
    Damage {
        from: u64,
        to: u64,
    },
    /// The end: of the records, at `at`; behind them, up to `to`, lies what the tail says.
    End {
        at: u64,
        to: u64,
        tail: Tail,
    },
}

/// What lies behind the last record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    #[default]
    None,
    /// The beginning of a record: what a killed writer leaves.
    Torn,
    /// Nothing but zeros: what a power cut may leave.
    Zeros,
    /// Something else. It was a record once.
    Bad,
}

impl Scan {
    /// A walk over all records of a segment.
    pub(super) fn whole(file: Arc<File>, end: u64) -> Self {
        const CHUNK: usize = 256 * 1024;
        Self { chunk: CHUNK, ..Self::new(file, MAGIC.len() as u64, end, true) }
    }

    /// A walk from `at` in small steps.
    pub(super) fn new(file: Arc<File>, at: u64, end: u64, wait: bool) -> Self {
        const CHUNK: usize = 16 * 1024;
        Self { file, at, end: end.max(at), buffer: Vec::new(), start: at, chunk: CHUNK, wait, read: 0 }
    }

    /// Goes on from another place.
    pub(super) fn seek(&mut self, at: u64) {
        self.at = at;
    }

    /// The next record, or what is there instead.
    pub(super) fn step(&mut self) -> io::Result<Step<'_>> {
        let at = self.at;
        if at >= self.end {
            return Ok(Step::End { at, to: at, tail: Tail::None });
        }
        if let Look::Whole(size) = self.look(at)? {
            self.at = at + size as u64;
            let bytes = self.bytes(at, size);
            return Ok(Step::Record(Raw { offset: at, kind: bytes[2], body: &bytes[HEADER..] }));
        }
        for next in at + 1..self.end {
            if let Look::Whole(_) = self.look(next)? {
                self.at = next;
                return Ok(Step::Damage { from: at, to: next });
            }
        }
        let tail = match self.look(at)? {
            Look::Short(_) => Tail::Torn,
            _ if self.zeros(at)? => Tail::Zeros,
            _ => Tail::Bad,
        };
        self.at = self.end;
        Ok(Step::End { at, to: self.end, tail })
    }

    /// What lies at a place; reads on where it must.
    fn look(&mut self, at: u64) -> io::Result<Look> {
        let mut need = HEADER;
        loop {
            let there = self.fetch(at, need)?;
            match look(self.bytes(at, there), at) {
                Look::Short(size) if there >= need && size > need => need = size,
                other => return Ok(other),
            }
        }
    }

    fn zeros(&mut self, from: u64) -> io::Result<bool> {
        for at in from..self.end {
            if self.fetch(at, 1)? > 0 && self.bytes(at, 1) != [0] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn bytes(&self, at: u64, length: usize) -> &[u8] {
        let skip = usize::try_from(at - self.start).expect("`fetch` came before, and a buffer is small");
        &self.buffer[skip..skip + length]
    }

    /// Brings `need` bytes at `at` into the buffer. Answers how many there are, fewer at the end of the file.
    fn fetch(&mut self, at: u64, need: usize) -> io::Result<usize> {
        let held = self.start..=self.start + self.buffer.len() as u64;
        let mut skip = 0;
        if held.contains(&at) {
            skip = usize::try_from(at - self.start).expect("it lies in the buffer");
        } else {
            self.buffer.clear();
            self.start = at;
        }
        while self.buffer.len() - skip < need {
            if !self.wait && self.read > TURN_BYTES {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.start += skip as u64;
            self.buffer.drain(..std::mem::take(&mut skip));
            let (filled, from) = (self.buffer.len(), self.start + self.buffer.len() as u64);
            let left = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
            self.buffer.resize(filled + self.chunk.max(need - filled).min(left), 0);
            let count = read_at(&self.file, &mut self.buffer[filled..], from, self.wait);
            self.buffer.truncate(filled + *count.as_ref().unwrap_or(&0));
            self.read += count? as u64;
            if self.buffer.len() == filled {
                // The file is shorter than was said: here it ends.
                self.end = from;
                break;
            }
        }
        Ok(self.buffer.len() - skip)
    }
}

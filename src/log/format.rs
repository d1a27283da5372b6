//! Records: how they lie in a file, and how a reader tells a whole one from what is none.
//!
//! ```text
//!      0        2      3       4          8
//!     +--------+------+-------+----------+----------- - - -
//!     | length | kind | check |  crc32c  | body, `length` bytes
//!     +--------+------+-------+----------+----------- - - -
//! ```
//!
//! `check` vouches for the three bytes before it, so that a damaged length is never followed. The checksum begins with
//! the record's own offset: bytes that somebody said, or that lie in the wrong place, are no record.

use super::{Record, SyncMode};

/// The first bytes of every segment; the last of them is the version.
pub(super) const MAGIC: [u8; 8] = *b"parlor\x1a\x01";
/// The bytes before a record's body.
pub(super) const HEADER: usize = 8;
/// The largest body. People's messages stay far below; tables are cut into pieces.
pub(super) const MAX_BODY: usize = u16::MAX as usize;
/// The bytes of a message's body beside its strings.
const FIXED: usize = 8 + 8 + 16 + 3;

/// Kinds of records. All are controls other than TAB, which nobody's text can contain.
pub(super) mod kind {
    /// Said by somebody.
    pub(in crate::log) const SAID: u8 = 1;
    /// `/me`.
    pub(in crate::log) const ACTION: u8 = 2;
    /// A run of the server began to write here.
    pub(in crate::log) const RUN: u8 = 3;
    /// Rooms: last number and floor.
    pub(in crate::log) const ROOMS: u8 = 4;
    /// The run ended in order. Means something only as the last record.
    pub(in crate::log) const CLEAN: u8 = 5;
    /// The foot: where messages lie, by room.
    pub(in crate::log) const MARKS: u8 = 6;
    /// The foot: ids, by session.
    pub(in crate::log) const IDS: u8 = 7;
    /// The foot: first and last number by room.
    pub(in crate::log) const SPANS: u8 = 8;
    /// The last record of a sealed segment, of a fixed size.
    pub(in crate::log) const END: u8 = 11;
    /// A session has said goodbye: what it said is nobody's any more.
    pub(in crate::log) const GONE: u8 = 12;
    /// A session has this name and is in these rooms.
    pub(in crate::log) const STANDS: u8 = 13;

    /// Does it belong to a foot?
    pub(in crate::log) fn is_foot(kind: u8) -> bool {
        (MARKS..=END).contains(&kind)
    }
}

/// A record whose checksum is right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) offset: u64,
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// What lies at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A record with this many bytes, header included.
    Whole(usize),
    /// As far as one can see a record with this many bytes, of which too few are there.
    Short(usize),
    /// No record.
    Bad,
}

/// Appends a record that will begin at `offset` of its file; `fill` appends the body.
pub(super) fn put(out: &mut Vec<u8>, offset: u64, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; HEADER]);
    fill(out);
    let length = u16::try_from(out.len() - start - HEADER).expect("callers cut what is larger than MAX_BODY");
    let [low, high] = length.to_le_bytes();
    let front = [low, high, kind, check(low, high, kind)];
    let crc = checksum(offset, front, &out[start + HEADER..]);
    out[start..start + 4].copy_from_slice(&front);
    out[start + 4..start + HEADER].copy_from_slice(&crc.to_le_bytes());
}

/// Looks at bytes that lie at `offset`.
pub(super) fn look(bytes: &[u8], offset: u64) -> Look {
    let Some((&[low, high, kind, check_byte, crc @ ..], _)) = bytes.split_first_chunk::<HEADER>() else {
        return Look::Short(HEADER);
    };
    if check_byte != check(low, high, kind) || !(kind::SAID..=kind::STANDS).contains(&kind) {
        return Look::Bad;
    }
    let size = HEADER + usize::from(u16::from_le_bytes([low, high]));
    let Some(body) = bytes.get(HEADER..size) else { return Look::Short(size) };
    let right = checksum(offset, [low, high, kind, check_byte], body) == u32::from_le_bytes(crc);
    if right { Look::Whole(size) } else { Look::Bad }
}

/// Never zero for zeros: a stretch of zeros is no record.
fn check(low: u8, high: u8, kind: u8) -> u8 {
    0xa5 ^ low ^ high ^ kind
}

#[expect(clippy::cast_possible_truncation, reason = "segments are smaller than 4 GiB, and it is only a seed")]
fn checksum(offset: u64, front: [u8; 4], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(offset as u32, &front), body)
}

/// Appends a session's goodbye.
pub(super) fn put_gone(out: &mut Vec<u8>, offset: u64, session: &[u8; 16], at: u64) {
    put(out, offset, kind::GONE, |out| {
        out.extend_from_slice(session);
        out.extend_from_slice(&at.to_le_bytes());
    });
}

/// Whose goodbye it is, and when.
pub(super) fn gone(body: &[u8]) -> Option<([u8; 16], u64)> {
    let mut fields = Fields(body);
    Some((*fields.array()?, fields.u64()?))
}

/// Appends how a session stands. Of rooms, as many as fit.
pub(super) fn put_stands<'a>(
    out: &mut Vec<u8>,
    offset: u64,
    session: &[u8; 16],
    at: u64,
    words: impl Iterator<Item = &'a str>,
) {
    put(out, offset, kind::STANDS, |out| {
        let start = out.len();
        out.extend_from_slice(session);
        out.extend_from_slice(&at.to_le_bytes());
        for word in words.take_while(|word| u8::try_from(word.len()).is_ok()) {
            if out.len() - start + 1 + word.len() > MAX_BODY {
                break;
            }
            put_name(out, word);
        }
    });
}

/// How a session stood, and when: its name, then its rooms.
pub(super) fn stands(body: &[u8]) -> Option<([u8; 16], u64, impl Iterator<Item = &str>)> {
    let mut fields = Fields(body);
    let (session, at) = (*fields.array()?, fields.u64()?);
    Some((session, at, std::iter::from_fn(move || fields.name())))
}

/// Appends a message.
pub(super) fn put_message(out: &mut Vec<u8>, offset: u64, record: &Record<'_>) {
    let kind = if record.action { kind::ACTION } else { kind::SAID };
    put(out, offset, kind, |out| {
        out.extend_from_slice(&record.seq.to_le_bytes());
        out.extend_from_slice(&record.at.to_le_bytes());
        out.extend_from_slice(&record.session);
        out.extend([short(record.room), short(record.from), short(record.id)]);
        for text in [record.room, record.from, record.id, record.text] {
            out.extend_from_slice(text.as_bytes());
        }
    });
}

/// Does the message fit into a record? Callers' limits are far below.
pub(super) fn fits(record: &Record<'_>) -> bool {
    let names = [record.room.len(), record.from.len(), record.id.len()];
    names.iter().all(|length| u8::try_from(*length).is_ok())
        && FIXED + names.iter().sum::<usize>() + record.text.len() <= MAX_BODY
}

fn short(text: &str) -> u8 {
    u8::try_from(text.len()).expect("`fits` was asked before")
}

/// The message in a record; `None` for other kinds.
pub(super) fn message(kind: u8, body: &[u8]) -> Option<Record<'_>> {
    if kind != kind::SAID && kind != kind::ACTION {
        return None;
    }
    let mut fields = Fields(body);
    let (seq, at) = (fields.u64()?, fields.u64()?);
    let session = *fields.array()?;
    let &[room, from, id] = fields.array()?;
    let (room, from, id) = (fields.text(room.into())?, fields.text(from.into())?, fields.text(id.into())?);
    let text = fields.text(fields.0.len())?;
    Some(Record { room, seq, at, action: kind == kind::ACTION, from, session, id, text })
}

/// What the beginning of a run, and of a segment, says about the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// Which start of the machine this was; empty: unknown.
    pub(super) boot: String,
    pub(super) epoch: String,
    pub(super) sync: SyncMode,
    /// A room that no table knows may have been given numbers up to this one.
    pub(super) base: u64,
    /// No room had a higher last number.
    pub(super) highest: u64,
}

impl Run {
    /// Appends it.
    pub(super) fn put(&self, out: &mut Vec<u8>, offset: u64) {
        put(out, offset, kind::RUN, |out| {
            out.extend([self.sync as u8, short(&self.boot), short(&self.epoch)]);
            out.extend_from_slice(&self.base.to_le_bytes());
            out.extend_from_slice(&self.highest.to_le_bytes());
            out.extend_from_slice(self.boot.as_bytes());
            out.extend_from_slice(self.epoch.as_bytes());
        });
    }

    /// The reverse.
    pub(super) fn get(body: &[u8]) -> Option<Self> {
        let mut fields = Fields(body);
        let &[sync, boot, epoch] = fields.array()?;
        let sync =
            [SyncMode::Always, SyncMode::Second, SyncMode::Never].into_iter().find(|mode| *mode as u8 == sync)?;
        let (base, highest) = (fields.u64()?, fields.u64()?);
        let (boot, epoch) = (fields.text(boot.into())?.to_owned(), fields.text(epoch.into())?.to_owned());
        Some(Self { boot, epoch, sync, base, highest })
    }
}

/// Reads a body from its front.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn text(&mut self, length: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// A length in one byte, then so many bytes of text.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let &[length] = self.array()?;
        self.text(length.into())
    }
}

/// Appends what [`Fields::name`] reads.
pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    out.push(short(name));
    out.extend_from_slice(name.as_bytes());
}

/// Appends records of one kind, none larger than a body may be: `each` appends one entry, until it says no.
pub(super) fn put_pieces(out: &mut Vec<u8>, base: u64, kind: u8, mut each: impl FnMut(&mut Vec<u8>) -> bool) {
    // The largest entry is a name with its numbers.
    const ENTRY: usize = 512;
    let mut more = true;
    while more {
        let offset = base + out.len() as u64;
        put(out, offset, kind, |out| {
            let start = out.len();
            while out.len() - start < MAX_BODY - ENTRY && more {
                more = each(out);
            }
        });
    }
}

//! The foot of a sealed segment: where its messages lie, by room, and which ids its sessions gave.
//!
//! ```text
//!     records ... | MARKS x n | IDS x n | SPANS x n | END
//!                 '-- blocks of one size --'          '-- the last bytes of the file
//! ```

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::disk::{Site, read_at};
use super::format::{Fields, HEADER, Look, kind, look, put, put_name, put_pieces};
use super::scan::{Scan, Step};
use super::segment::{Digest, Given, Ids, Mark, Marks, Span};

/// Marks in a block.
const MARKS: u32 = 512;
const MARKS_BLOCK: u64 = HEADER as u64 + MARKS as u64 * 8;
/// Ids in a block.
const IDS: u32 = 112;
const IDS_BLOCK: u64 = HEADER as u64 + IDS as u64 * 36;
/// The size of the last record.
const END: usize = HEADER + 5 * 8 + 4;

/// What a sealed segment says about itself.
#[derive(Debug)]
pub(super) struct Foot {
    pub(super) spans: Vec<(String, Span)>,
    pub(super) ids: Ids,
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// Where the records end.
    pub(super) end: u64,
    pub(super) size: u64,
    /// Bytes that were read to know all this.
    pub(super) read: u64,
}

/// Writes the foot of a segment that was read through behind its records.
pub(super) fn seal(site: &Site, file: &File, digest: Digest) -> io::Result<Foot> {
    // What lies behind the records is none: a tail, or a foot that was not finished.
    file.set_len(digest.end)?;
    // A foot vouches for its records, so they come first, on the disk too.
    site.sync(file)?;
    let (foot, bytes) = build(digest);
    site.write(file, &bytes, foot.end)?;
    site.sync(file)?;
    Ok(foot)
}

fn build(digest: Digest) -> (Foot, Vec<u8>) {
    let Digest { end, first_at, last_at, mut spans, ids: mut given, .. } = digest;
    let (mut out, mut all) = (Vec::new(), Vec::new());
    for (_, span) in &mut spans {
        let start = narrow(all.len());
        if let Marks::Here(marks) = &span.marks {
            all.extend_from_slice(marks);
        }
        span.marks = Marks::Foot { start, count: narrow(all.len()) - start };
    }
    for block in all.chunks(MARKS as usize) {
        let offset = end + out.len() as u64;
        put(&mut out, offset, kind::MARKS, |out| {
            for mark in block {
                out.extend_from_slice(&mark.rise.to_le_bytes());
                out.extend_from_slice(&mark.offset.to_le_bytes());
            }
        });
    }
    // By session; within one as they came.
    given.sort_by_key(|given| given.session);
    let ids = Ids { at: end + out.len() as u64, count: narrow(given.len()) };
    for block in given.chunks(IDS as usize) {
        let offset = end + out.len() as u64;
        put(&mut out, offset, kind::IDS, |out| {
            for given in block {
                out.extend_from_slice(&given.session);
                out.extend_from_slice(&given.id.to_le_bytes());
                out.extend_from_slice(&given.seq.to_le_bytes());
                out.extend_from_slice(&given.room.to_le_bytes());
            }
        });
    }
    let spans_at = end + out.len() as u64;
    put_spans(&mut out, end, &spans);
    let offset = end + out.len() as u64;
    put(&mut out, offset, kind::END, |out| {
        for number in [end, ids.at, spans_at, first_at, last_at] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&ids.count.to_le_bytes());
    });
    let size = end + out.len() as u64;
    (Foot { spans, ids, first_at, last_at, end, size, read: digest.read }, out)
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a segment is smaller than 4 GiB")
}

fn put_spans(out: &mut Vec<u8>, base: u64, spans: &[(String, Span)]) {
    let mut left = spans.iter();
    put_pieces(out, base, kind::SPANS, |out| {
        let Some((name, span)) = left.next() else { return false };
        put_name(out, name);
        for number in [span.first, span.last, span.bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&span.marks.count().to_le_bytes());
        true
    });
}

/// The foot of a segment, if it has one and it is whole. Marks and ids stay where they are.
pub(super) fn read(file: &Arc<File>) -> io::Result<Option<Foot>> {
    let size = file.metadata()?.len();
    let Some(at) = size.checked_sub(END as u64) else { return Ok(None) };
    let mut bytes = [0; END];
    let count = read_at(file, &mut bytes, at, true)?;
    if look(&bytes[..count], at) != Look::Whole(END) || bytes[2] != kind::END {
        return Ok(None);
    }
    let mut fields = Fields(&bytes[HEADER..]);
    let mut number = || fields.u64().unwrap_or(0);
    let [end, ids_at, spans_at, first_at, last_at] = [number(), number(), number(), number(), number()];
    let ids = Ids { at: ids_at, count: fields.u32().unwrap_or(0) };
    let (mut spans, mut start) = (Vec::new(), 0);
    let mut scan = Scan::new(Arc::clone(file), spans_at, at, true);
    loop {
        match scan.step()? {
            Step::Record(raw) if raw.kind == kind::SPANS => {
                let mut fields = Fields(raw.body);
                while let Some((name, span)) = span(&mut fields, &mut start) {
                    spans.push((name, span));
                }
            }
            Step::End { at: found, .. } if found == at => break,
            _ => return Ok(None),
        }
    }
    Ok(Some(Foot { spans, ids, first_at, last_at, end, size, read: scan.read + END as u64 }))
}

fn span(fields: &mut Fields<'_>, start: &mut u32) -> Option<(String, Span)> {
    let name = fields.name()?.to_owned();
    let (first, last, bytes, count) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u32()?);
    let marks = Marks::Foot { start: *start, count };
    *start = start.checked_add(count)?;
    Some((name, Span { first, last, bytes, marks }))
}

/// The marks of one room; `InvalidData` when they are damaged.
pub(super) fn marks(file: &Arc<File>, end: u64, start: u32, count: u32, wait: bool) -> io::Result<Vec<Mark>> {
    let (first, last) = (start / MARKS, (start + count).div_ceil(MARKS));
    let from = end + u64::from(first) * MARKS_BLOCK;
    let mut scan = Scan::new(Arc::clone(file), from, end + u64::from(last) * MARKS_BLOCK, wait);
    let mut marks = Vec::new();
    for _ in first..last {
        let Step::Record(raw) = scan.step()? else { return Err(ErrorKind::InvalidData.into()) };
        let mut fields = Fields(raw.body);
        while let (Some(rise), Some(offset)) = (fields.u32(), fields.u32()) {
            marks.push(Mark { rise, offset });
        }
    }
    let skip = (start % MARKS) as usize;
    Ok(marks.get(skip..skip + count as usize).ok_or(ErrorKind::InvalidData)?.to_vec())
}

/// The ids that one session gave, oldest first; `InvalidData` when a block is damaged.
pub(super) fn ids_of(file: &Arc<File>, ids: Ids, session: [u8; 16]) -> io::Result<Vec<Given>> {
    let block = |number: u32| -> io::Result<Vec<Given>> {
        let at = ids.at + u64::from(number) * IDS_BLOCK;
        let mut scan = Scan::new(Arc::clone(file), at, at + IDS_BLOCK, true);
        let Step::Record(raw) = scan.step()? else { return Err(ErrorKind::InvalidData.into()) };
        let mut fields = Fields(raw.body);
        Ok(std::iter::from_fn(|| given(&mut fields)).collect())
    };
    let blocks = ids.count.div_ceil(IDS);
    // The first block whose last entry is not before the session.
    let (mut low, mut high) = (0, blocks);
    while low < high {
        let middle = low.midpoint(high);
        let before = block(middle)?.last().is_none_or(|given| given.session < session);
        (low, high) = if before { (middle + 1, high) } else { (low, middle) };
    }
    let mut found = Vec::new();
    for number in low..blocks {
        let entries = block(number)?;
        let beyond = entries.last().is_none_or(|given| given.session > session);
        found.extend(entries.into_iter().filter(|given| given.session == session));
        if beyond {
            break;
        }
    }
    Ok(found)
}

fn given(fields: &mut Fields<'_>) -> Option<Given> {
    Some(Given { session: *fields.array()?, id: fields.u64()?, seq: fields.u64()?, room: fields.u32()? })
}

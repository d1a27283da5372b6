//! Reading a history beside whoever keeps it: no lock, and nothing is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{segment_numbers, segment_path};
use super::format::{kind, message};
use super::scan::{Scan, Step, Tail};
use super::segment::Digest;
use super::{Damage, Record};

/// All messages of a folder, as they were written: rising in every room. A segment may be written, or removed, meanwhile.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    /// The segments still to come.
    numbers: std::vec::IntoIter<u64>,
    segment: u64,
    scan: Option<Scan>,
    floors: BTreeMap<String, u64>,
    oldest: u64,
    body: Vec<u8>,
    damage: Vec<Damage>,
}

impl Reader {
    /// Opens a folder. Messages from before `oldest`, milliseconds since 1970, are passed over.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn open(folder: &Path, oldest: u64) -> io::Result<Self> {
        let numbers = segment_numbers(folder)?;
        // What lies below a floor is not shown any more; the newest table has the highest floors.
        let newest = numbers.last().and_then(|number| {
            let file = Arc::new(File::open(segment_path(folder, *number)).ok()?);
            Digest::of(*number, &file, true).ok()
        });
        let rooms = newest.map_or_else(BTreeMap::new, |digest| digest.rooms);
        Ok(Self {
            folder: folder.to_owned(),
            numbers: numbers.into_iter(),
            segment: 0,
            scan: None,
            floors: rooms.into_iter().map(|(name, (_, floor))| (name, floor)).collect(),
            oldest,
            body: Vec::new(),
            damage: Vec::new(),
        })
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        while let Some(kind) = self.next_message()? {
            let shown = message(kind, &self.body).is_some_and(|record| {
                record.at >= self.oldest && self.floors.get(record.room).is_none_or(|floor| record.seq >= *floor)
            });
            if shown {
                return Ok(message(kind, &self.body));
            }
        }
        Ok(None)
    }

    /// What was found damaged so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Brings the next message's body; answers its kind.
    fn next_message(&mut self) -> io::Result<Option<u8>> {
        loop {
            if self.scan.is_none() && !self.next_segment()? {
                return Ok(None);
            }
            let Some(scan) = &mut self.scan else { continue };
            match scan.step()? {
                Step::Record(raw) if kind::is_foot(raw.kind) => self.scan = None,
                Step::Record(raw) if raw.kind <= kind::ACTION => {
                    self.body.clear();
                    self.body.extend_from_slice(raw.body);
                    return Ok(Some(raw.kind));
                }
                Step::Record(_) => {}
                Step::Damage { from, to } => self.damage.push(Damage { segment: self.segment, from, to }),
                // A record that is being written looks torn.
                Step::End { tail: Tail::None | Tail::Torn | Tail::Zeros, .. } => self.scan = None,
                Step::End { at, to, tail: Tail::Bad } => {
                    self.damage.push(Damage { segment: self.segment, from: at, to });
                    self.scan = None;
                }
            }
        }
    }

    fn next_segment(&mut self) -> io::Result<bool> {
        for number in self.numbers.by_ref() {
            match File::open(segment_path(&self.folder, number)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                file => {
                    let file = Arc::new(file?);
                    let size = file.metadata()?.len();
                    (self.segment, self.scan) = (number, Some(Scan::whole(file, size)));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

//! What the segments of a folder say, and how much of it can be trusted.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::disk::Site;
use super::foot::{self, Foot};
use super::format::Run;
use super::rooms::Rooms;
use super::scan::Tail;
use super::segment::{Digest, Segment};
use super::{JUMP, OpenError, Report, Settings, SyncMode};

/// The last segment is continued while it is no larger: restarts leave no small files behind, and few of its ids are
/// held in memory.
const CONTINUE: u64 = 4 * 1024 * 1024;

/// What the segments say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rooms: Rooms,
    pub(super) segments: Vec<Segment>,
    /// What was read of each segment without a foot; the last one is always read.
    pub(super) digests: VecDeque<Digest>,
    pub(super) run: Option<Run>,
    pub(super) bytes_read: u64,
}

impl Found {
    pub(super) fn read(site: &Site) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Failed { what: "reading the history", error };
        let mut found = Self::default();
        let numbers = site.numbers().map_err(failed)?;
        for number in &numbers {
            let file = Arc::new(site.open(*number).map_err(failed)?);
            let foot = if numbers.last() == Some(number) { None } else { foot::read(&file).map_err(failed)? };
            match foot {
                Some(foot) => found.sealed(*number, foot),
                None => found.unsealed(*number, file).map_err(failed)?,
            }
        }
        found.run = found.digests.back().and_then(|last| last.run.clone());
        // The beginning of the last one is lost. Those before it have said the same, some time earlier.
        for segment in found.segments.iter().rev().skip(1) {
            if found.run.is_none() {
                let file = site.open(segment.number).map_err(failed)?;
                let head = Digest::of(segment.number, &Arc::new(file), true).map_err(failed)?;
                for (name, (last, floor)) in &head.rooms {
                    found.rooms.raise(name, *last, *floor);
                }
                found.run = head.run;
            }
        }
        match found.digests.back() {
            Some(last) if last.newer && found.run.is_none() => Err(OpenError::Newer { segment: last.number }),
            _ => Ok(found),
        }
    }

    fn sealed(&mut self, number: u64, foot: Foot) {
        self.bytes_read += foot.read;
        let mut segment = Segment { sealed: true, ..Segment::new(number, None, foot.end) };
        (segment.size, segment.ids) = (foot.size, foot.ids);
        (segment.first_at, segment.last_at) = (foot.first_at, foot.last_at);
        segment.farewells = foot.spans.is_empty() && foot.ids.count > 0;
        for (name, span) in foot.spans {
            segment.spans.insert(self.rooms.raise(&name, span.last, 0), span);
        }
        self.segments.push(segment);
    }

    fn unsealed(&mut self, number: u64, file: Arc<File>) -> io::Result<()> {
        let digest = Digest::of(number, &file, false)?;
        self.bytes_read += digest.read;
        self.rooms.no_table();
        for (name, (last, floor)) in &digest.rooms {
            let place = self.rooms.raise(name, *last, *floor);
            self.rooms.in_table(place, *last);
        }
        let mut segment = Segment::new(number, Some(file), digest.end);
        (segment.first_at, segment.last_at) = (digest.first_at, digest.last_at);
        for (name, span) in &digest.spans {
            let place = self.rooms.raise(name, span.last, 0);
            self.rooms.in_table(place, span.last);
            segment.spans.insert(place, span.clone());
        }
        self.segments.push(segment);
        self.digests.push_back(digest);
        Ok(())
    }

    /// Is the last number of every room known for certain?
    pub(super) fn trusted(&self, boot: &str) -> bool {
        let Some((last, run)) = self.digests.back().zip(self.run.as_ref()) else { return false };
        let in_order = last.clean && last.tail == Tail::None;
        // A killed process leaves no zeros; where there are some, the machine or the disk failed.
        let zeros = self.digests.iter().any(|digest| digest.tail == Tail::Zeros);
        let same_boot = run.boot == boot && !boot.is_empty() && !zeros;
        !self.doubt() && (in_order || same_boot || run.sync == SyncMode::Always)
    }

    /// Leaves out numbers that may have been given.
    pub(super) fn leave_out(&mut self, trusted: bool, report: &mut Report) {
        let (base, highest) = self.run.as_ref().map_or((0, 0), |run| (run.base, run.highest));
        self.rooms.base = base;
        if !trusted {
            if self.doubt() {
                // A table that cannot be read may have had rooms that nothing else tells of.
                self.rooms.base = self.rooms.highest().max(highest);
            }
            self.rooms.jump(JUMP);
        }
        report.jumped = !trusted;
        for digest in &self.digests {
            report.damage.extend_from_slice(&digest.damage);
        }
    }

    pub(super) fn may_continue(&self, settings: &Settings, now: u64) -> bool {
        let most = CONTINUE.min(settings.segment_bytes / 2);
        self.digests.back().is_some_and(|last| {
            let old = last.first_at != 0 && last.first_at.saturating_add(settings.segment_age) <= now;
            last.end < most && !old && !last.foot
        })
    }

    /// Is there something that cannot be read, and that nothing behind it vouches for? The last segment but one may
    /// have been written after the last one's table.
    fn doubt(&self) -> bool {
        let recent = self.segments.iter().rev().take(2).map(|segment| segment.number).min();
        let recent = self.digests.iter().filter(|digest| Some(digest.number) >= recent);
        let bad = |digest: &Digest| !digest.damage.is_empty() || digest.tail == Tail::Bad || digest.run.is_none();
        recent.into_iter().any(bad)
    }
}

//! Opening: what is there, what of it can be trusted, and where writing goes on.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, RealDisk, Site};
use super::foot;
use super::format::{Run, kind, put};
use super::found::Found;
use super::rooms::Rooms;
use super::segment::{Digest, Given, Segment};
use super::{Log, OpenError, Report, Settings, Stopped};

impl Log {
    /// Opens the history in a folder, or begins one there. May wait for the disk: before the loop runs.
    ///
    /// # Errors
    /// When the folder is somebody else's, or cannot be read or written.
    pub fn open(
        folder: &Path,
        settings: Settings,
        now: u64,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(Self, Report), OpenError> {
        Self::open_on(Arc::new(RealDisk), folder, settings, now, random)
    }

    /// The same, on a disk that may fail.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        settings: Settings,
        now: u64,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(Self, Report), OpenError> {
        let failed = |what| move |error| OpenError::Failed { what, error };
        let mut settings = settings.fitted();
        let boot = settings.boot.take().unwrap_or_else(|| {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            boot.trim().to_owned()
        });
        let site = Site::claim(folder, disk)?;
        let mut found = Found::read(&site)?;
        let mut report = Report { new: found.run.is_none(), bytes_read: found.bytes_read, ..Report::default() };
        let trusted = found.digests.is_empty() || found.trusted(&boot);
        found.leave_out(trusted, &mut report);
        let continued = trusted && found.may_continue(&settings, now);
        let Found { mut rooms, mut segments, mut digests, run, .. } = found;
        let epoch = run.map_or_else(|| new_epoch(random), |run| run.epoch);
        let run = Run { boot, epoch, sync: settings.sync, base: rooms.base, highest: rooms.highest() };
        settle(&mut rooms, &mut segments);
        let last = if continued { segments.pop().zip(digests.pop_back()) } else { None };
        let mut log = Self::with(settings, site, run, rooms, segments, now);
        match last {
            Some((open, digest)) => log.continue_in(open, digest, &mut report),
            None => log.begin_segment(),
        }
        .map_err(failed("writing the history"))?;
        log.finish_older(digests, &mut report).map_err(failed("sealing a segment of the history"))?;
        log.retire(now);
        (report.segments, report.rooms) = (log.segments.len(), log.rooms.len());
        Ok((log, report))
    }

    fn with(settings: Settings, site: Arc<Site>, run: Run, rooms: Rooms, segments: Vec<Segment>, now: u64) -> Self {
        Self {
            settings,
            site,
            run,
            rooms,
            segments: segments.into(),
            batch: Vec::new(),
            unseen: VecDeque::new(),
            commits: 0,
            syncs: 0,
            next: None,
            now,
            unsynced_since: None,
            busy: false,
            synced: false,
            unsorted: true,
            doomed: Vec::new(),
            files: Vec::new(),
            noted: Vec::new(),
            told: 0,
            stopped: None,
            torn: None,
        }
    }

    /// Ends the run in order: after a restart numbers go on without a jump, whatever happened to the machine. No chore
    /// may be out. May wait for the disk.
    ///
    /// # Errors
    /// When the history is stopped, or stops now.
    pub fn close(mut self) -> Result<(), Stopped> {
        let closed = self.commit().map(|_| ());
        if let (Some(end), Some(file)) = (self.torn, &self.open_segment().file) {
            // If that fails as well, the records are found by the next run: said, and without a receipt.
            let _ = file.set_len(end);
        }
        closed?;
        let ended = self.put_end();
        ended.map_err(|error| Stopped(format!("ending the history failed: {error}")))
    }

    fn put_end(&self) -> io::Result<()> {
        // The mark speaks for everything before it.
        self.sync_dirty()?;
        let (open, mut mark) = (self.open_segment(), Vec::new());
        put(&mut mark, open.end, kind::CLEAN, |_| {});
        let file = open.file.as_ref().ok_or(ErrorKind::NotFound)?;
        self.site.write(file, &mark, open.end)?;
        self.site.sync(file)
    }

    fn sync_dirty(&self) -> io::Result<()> {
        let dirty = self.segments.iter().filter(|segment| segment.dirty);
        dirty.filter_map(|segment| segment.file.as_ref()).try_for_each(|file| self.site.sync(file))
    }

    /// Goes on in the last segment: cuts its tail, and says that this run begins here.
    fn continue_in(&mut self, mut open: Segment, digest: Digest, report: &mut Report) -> io::Result<()> {
        let file = open.file.clone().ok_or(ErrorKind::NotFound)?;
        cut(&file, &digest, report)?;
        let mut begin = Vec::new();
        self.run.put(&mut begin, open.end);
        // A head that was made in advance is older than the last messages of the segment before it.
        self.rooms.put(&mut begin, open.end, false);
        self.site.write(&file, &begin, open.end)?;
        // From here on this run's mode decides whether numbers jump: all before it, and that it began, must be safe.
        self.site.sync(&file)?;
        open.end += begin.len() as u64;
        (open.size, open.head) = (open.end, 0);
        let places: Vec<_> = digest.spans.iter().map(|(name, _)| self.rooms.place(name)).collect();
        let place = |given: &Given| if given.is_said() { places[given.room as usize] } else { 0 };
        let early = digest.ids.into_iter().map(|given| Given { room: place(&given), ..given });
        open.early = early.collect();
        self.segments.push_back(open);
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.segments.back().map_or(1, |last| last.number + 1);
        let head = self.head();
        let file = self.site.create(number, &head)?;
        self.segments.push_back(Segment::new(number, Some(Arc::new(file)), head.len() as u64));
        Ok(())
    }

    /// Gives a foot to every segment without one; one without messages goes. Only after the new head is safe: what
    /// made numbers jump must be seen again if this is not finished.
    fn finish_older(&mut self, digests: VecDeque<Digest>, report: &mut Report) -> io::Result<()> {
        for digest in digests {
            let number = digest.number;
            let Ok(index) = self.segments.binary_search_by_key(&number, |segment| segment.number) else { continue };
            let Some(file) = self.segments[index].file.clone() else { continue };
            cut(&file, &digest, report)?;
            if digest.spans.is_empty() && digest.ids.is_empty() {
                self.site.remove(number)?;
                self.segments.remove(index);
            } else {
                let foot = foot::seal(&self.site, &file, digest)?;
                self.sealed(number, foot);
                report.sealed += 1;
            }
        }
        Ok(())
    }
}

/// What lies below a floor is not served again, whatever the limits are now.
fn settle(rooms: &mut Rooms, segments: &mut [Segment]) {
    for segment in segments {
        segment.spans.retain(|place, span| {
            let room = rooms.get_mut(*place);
            let kept = span.last >= room.floor;
            room.bytes += if kept { span.bytes } else { 0 };
            kept
        });
    }
}

fn cut(file: &File, digest: &Digest, report: &mut Report) -> io::Result<()> {
    let Some(tail) = digest.tail_damage() else { return Ok(()) };
    report.cut.push(tail);
    file.set_len(digest.end)
}

fn new_epoch(random: &mut dyn FnMut(&mut [u8])) -> String {
    let mut bytes = [0; 8];
    random(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

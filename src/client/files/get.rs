//! `parlor get`: fetches a file, or what is missing of it, and puts it in its place when its digest is right.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::disk::{self, PIECE, Part};
use super::progress::Progress;
use super::{GOES_ON, PLACE, end, show};
use crate::client::errand::{Deed, Failure, Place, Way};
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, Hold, JobId, Lane, Reason};
use crate::services::chat::neutralise;

/// What came and is not written yet; beyond it the server waits.
const WAITING: usize = 2 * 1024 * 1024;

/// A job that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    /// Looking for a part of it.
    Looking,
    /// Writing so many bytes.
    Writing(usize),
    /// Throwing away a part of something else.
    Forgetting,
    /// Comparing the whole, and putting it in its place.
    Finishing,
}

/// What the server said of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Whole {
    size: u64,
    digest: String,
}

/// Getting one file.
#[derive(Debug)]
pub struct Get {
    name: String,
    path: PathBuf,
    force: bool,
    part: Option<Part>,
    whole: Option<Whole>,
    jobs: Vec<(JobId, Job)>,
    /// Came on this connection and is not with a helper yet, and where it belongs.
    unwritten: Vec<u8>,
    /// Where what comes next belongs.
    at: u64,
    /// With helpers.
    writing: usize,
    /// Written for sure.
    written: u64,
    held: bool,
    progress: Option<Progress>,
    /// It is in its place: its digest, and where that is.
    placed: String,
}

impl Get {
    /// A file to be got.
    #[must_use]
    pub fn new(name: String, path: PathBuf, force: bool) -> Self {
        Self {
            name,
            path,
            force,
            part: None,
            whole: None,
            jobs: Vec::new(),
            unwritten: Vec::new(),
            at: 0,
            writing: 0,
            written: 0,
            held: false,
            progress: None,
            placed: String::new(),
        }
    }

    fn job<T, W>(&mut self, way: &mut Way, cx: &mut Cx<'_>, job: Job, work: W)
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        match cx.job(Lane::Ordered, work) {
            Ok(id) => self.jobs.push((id, job)),
            Err(_) => way.fail(Failure::new(Failure::HERE, "too much is under way")),
        }
    }

    fn fail_here(&self, way: &mut Way, error: &io::Error) {
        way.fail(Failure::new(Failure::HERE, format!("{}: {error}", self.path.display())));
    }

    fn ask(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let from = self.part.as_ref().map_or(0, |part| part.size);
        let line = if from == 0 { format!("get {}", self.name) } else { format!("get {} {from}", self.name) };
        let _ = cx.send(id, line.as_bytes());
    }

    /// `- body NAME SIZE SHA256 OFFSET`, and the bytes follow.
    fn body(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, whole: Whole, from: u64) {
        if from > whole.size || !disk::is_digest(&whole.digest) {
            return way.fail(Failure::new(Failure::REFUSED, "the server's answer makes no sense"));
        }
        if let Some(part) = self.part.take_if(|part| part.digest != whole.digest) {
            // What we have is a part of something else. Its name may be ours again, so it must go first.
            let path = self.path.clone();
            self.job(way, cx, Job::Forgetting, move || disk::forget_part(&path, &part.digest));
            if from > 0 {
                return way.give_up(cx, id, Trouble::Impossible("the file is another one now".to_owned()));
            }
        }
        cx.set_raw(id, whole.size - from);
        (self.at, self.written) = (from, from);
        let shown = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.progress = Some(Progress::new(&neutralise(&shown), whole.size, from, cx.now()));
        self.part = Some(Part { digest: whole.digest.clone(), size: from });
        self.whole = Some(whole);
        way.proven();
        show(self.progress.as_mut(), from, cx.now());
        // An empty file is one too.
        let (path, digest) = (self.path.clone(), self.part.as_ref().map_or(String::new(), |part| part.digest.clone()));
        self.job(way, cx, Job::Writing(0), move || disk::open_part(&path, &digest).map(drop));
    }

    /// Hands what came to a helper, in large pieces or to the last byte.
    fn write(&mut self, way: &mut Way, cx: &mut Cx<'_>, all: bool) {
        let Some(whole) = &self.whole else { return };
        if self.unwritten.is_empty() || !all && self.unwritten.len() < PIECE {
            return;
        }
        let piece = std::mem::take(&mut self.unwritten);
        let (path, digest, at, size) = (self.path.clone(), whole.digest.clone(), self.at, piece.len());
        self.at += size as u64;
        self.writing += size;
        self.job(way, cx, Job::Writing(size), move || -> io::Result<()> {
            disk::open_part(&path, &digest)?.write_all_at(&piece, at)
        });
    }

    fn is_whole(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| self.at + self.unwritten.len() as u64 >= whole.size)
    }

    fn look_whether_whole(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        if !self.is_whole() {
            return;
        }
        self.write(way, cx, true);
        if let Some(whole) = &self.whole
            && self.written >= whole.size
            && self.writing == 0
            && self.jobs.is_empty()
        {
            let (path, digest, force) = (self.path.clone(), whole.digest.clone(), self.force);
            self.job(way, cx, Job::Finishing, move || disk::finish(&path, &digest, force));
        }
    }

    fn looked(&mut self, way: &mut Way, cx: &mut Cx<'_>, found: io::Result<Option<Part>>) {
        match found {
            Ok(part) => {
                self.part = part;
                way.connect(cx);
            }
            Err(error) => self.fail_here(way, &error),
        }
    }

    fn wrote(&mut self, way: &mut Way, cx: &mut Cx<'_>, size: usize, result: io::Result<()>) {
        if let Err(error) = result {
            return self.fail_here(way, &error);
        }
        self.writing -= size;
        self.written += size as u64;
        if let Some(part) = &mut self.part {
            part.size = self.written;
        }
        if self.held
            && self.writing < WAITING / 2
            && let Some(id) = way.conn()
        {
            self.held = false;
            cx.release(id, Hold::JOB);
        }
        show(self.progress.as_mut(), self.written, cx.now());
        self.look_whether_whole(way, cx);
    }

    fn finished(&mut self, way: &mut Way, result: io::Result<bool>) {
        match (result, &self.whole) {
            (Ok(true), Some(whole)) => {
                self.placed = format!("{}  {}\n", whole.digest, self.path.display());
                way.succeed(0);
            }
            (Err(error), _) => self.fail_here(way, &error),
            _ => {
                let text = "what came has another digest than the server said, and was thrown away";
                way.fail(Failure::new(Failure::CONTENT, text));
            }
        }
    }
}

/// What a job returned.
fn returned<T: 'static>(result: Done) -> io::Result<T> {
    match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<T>>) {
        Ok(Ok(result)) => *result,
        _ => Err(io::Error::other("a helper failed")),
    }
}

impl Deed for Get {
    const PLACE: Place = PLACE;
    const STOPPED: &'static str = GOES_ON;

    /// Perhaps a part of it is here.
    fn begin(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        let (path, force) = (self.path.clone(), self.force);
        self.job(way, cx, Job::Looking, move || disk::find_part(&path, force));
    }

    fn ready(&mut self, _way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        self.ask(cx, id);
    }

    fn answer(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, words: &str) {
        if let ["body", _, size, digest, from] = words.split(' ').collect::<Vec<_>>()[..]
            && let (Ok(size), Ok(from)) = (size.parse(), from.parse())
        {
            self.body(way, cx, id, Whole { size, digest: digest.to_lowercase() }, from);
        }
    }

    fn error(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, error: &str) {
        if error.starts_with("bad-offset:")
            && let Some(part) = self.part.take()
        {
            // What we have is longer than the file: it is a part of another one.
            let path = self.path.clone();
            self.job(way, cx, Job::Forgetting, move || disk::forget_part(&path, &part.digest));
            return self.ask(cx, id);
        }
        way.fail(Failure::told(error));
    }

    fn chunk(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.unwritten.extend_from_slice(bytes);
        self.write(way, cx, false);
        if self.writing > WAITING && !self.held {
            self.held = true;
            cx.hold(id, Hold::JOB);
        }
        self.look_whether_whole(way, cx);
    }

    fn done(&mut self, way: &mut Way, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Some(at) = self.jobs.iter().position(|(id, _)| *id == job) else { return };
        match self.jobs.swap_remove(at).1 {
            Job::Looking => self.looked(way, cx, returned(result)),
            Job::Writing(size) => self.wrote(way, cx, size, returned(result)),
            Job::Forgetting => {
                if let Err(error) = returned::<()>(result) {
                    self.fail_here(way, &error);
                }
                self.look_whether_whole(way, cx);
            }
            Job::Finishing => self.finished(way, returned(result)),
        }
    }

    fn closed(&mut self, _way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, _why: Reason) {
        self.held = false;
    }

    fn broke(&mut self, way: &mut Way, cx: &mut Cx<'_>, trouble: &Trouble) {
        if !self.is_whole() {
            // What came before the cut is worth keeping.
            self.write(way, cx, true);
            end(&mut self.progress);
            way.again(cx, trouble);
        }
    }

    fn again(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        if self.jobs.is_empty() {
            way.connect(cx);
        } else {
            // What came before the cut is still being written, and then we know how much that is.
            cx.set_alarm(cx.now() + std::time::Duration::from_millis(100));
        }
    }

    fn over(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        // What came before the end is worth keeping too.
        self.write(way, cx, true);
        end(&mut self.progress);
        cx.stop();
    }

    fn shown(&self) -> String {
        self.placed.clone()
    }
}

//! `parlor get`: fetches a file, or what is missing of it, and puts it in its place when its digest is right.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::disk::{self, PIECE, Part};
use super::progress::Progress;
use super::{GREETING, end, on_terminal, show};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::errand::{Errand, Failure, Word};
use crate::client::login::Login;
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, Hold, JobId, Lane, News, Reason, Service};

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
    errand: Errand,
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
    /// What became of it.
    pub outcome: Option<Result<String, Failure>>,
}

impl Get {
    /// A file to be got.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>, name: String, path: PathBuf, force: bool) -> Self {
        Self {
            errand: Errand::new(address, FILES_PORT, GREETING).logging_in(login),
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
            outcome: None,
        }
    }

    /// Begins: perhaps a part of it is here.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        let (path, force) = (self.path.clone(), self.force);
        self.job(cx, Job::Looking, move || disk::find_part(&path, force));
    }

    fn job<T: Send + 'static>(&mut self, cx: &mut Cx<'_>, job: Job, work: impl FnOnce() -> T + Send + 'static) {
        match cx.job(Lane::Ordered, work) {
            Ok(id) => self.jobs.push((id, job)),
            Err(_) => self.fail(cx, Failure::new(Failure::HERE, "too much is under way")),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>, outcome: Result<String, Failure>) {
        end(self.progress.as_ref());
        self.outcome.get_or_insert(outcome);
        cx.stop();
    }

    fn fail(&mut self, cx: &mut Cx<'_>, failure: Failure) {
        self.finish(cx, Err(failure));
    }

    fn fail_here(&mut self, cx: &mut Cx<'_>, error: &io::Error) {
        let text = format!("{}: {error}", self.path.display());
        self.fail(cx, Failure::new(Failure::HERE, text));
    }

    fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) {
        if self.outcome.is_some() || outcome.is_ok() || self.is_whole() {
            return;
        }
        // What came before the cut is worth keeping.
        self.write(cx, true);
        if let Some(failure) = self.errand.lost(cx, outcome) {
            self.fail(cx, failure);
        }
    }

    fn connect(&mut self, cx: &mut Cx<'_>) {
        let began = self.errand.line().connect(cx);
        self.lost(cx, began);
    }

    fn ask(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let from = self.part.as_ref().map_or(0, |part| part.size);
        let line = if from == 0 { format!("get {}", self.name) } else { format!("get {} {from}", self.name) };
        let _ = cx.send(id, line.as_bytes());
    }

    /// `- body NAME SIZE SHA256 OFFSET`, and the bytes follow.
    fn body(&mut self, cx: &mut Cx<'_>, id: ConnId, whole: Whole, from: u64) {
        if from > whole.size || !disk::is_digest(&whole.digest) {
            return self.fail(cx, Failure::new(Failure::REFUSED, "the server's answer makes no sense"));
        }
        if let Some(part) = self.part.take_if(|part| part.digest != whole.digest) {
            // What we have is a part of something else. Its name may be ours again, so it must go first.
            let path = self.path.clone();
            self.job(cx, Job::Forgetting, move || disk::forget_part(&path, &part.digest));
            if from > 0 {
                return self.errand.line().give_up(
                    cx,
                    id,
                    Trouble::Impossible("the file is another one now".to_owned()),
                );
            }
        }
        cx.set_raw(id, whole.size - from);
        (self.at, self.written) = (from, from);
        let shown = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.progress = Some(Progress::new(&shown, whole.size, from, cx.now(), on_terminal()));
        self.part = Some(Part { digest: whole.digest.clone(), size: from });
        self.whole = Some(whole);
        self.errand.proven();
        show(self.progress.as_mut(), from, cx.now());
        // An empty file is one too.
        let (path, digest) = (self.path.clone(), self.part.as_ref().map_or(String::new(), |part| part.digest.clone()));
        self.job(cx, Job::Writing(0), move || disk::open_part(&path, &digest).map(drop));
    }

    /// Hands what came to a helper, in large pieces or to the last byte.
    fn write(&mut self, cx: &mut Cx<'_>, all: bool) {
        let Some(whole) = &self.whole else { return };
        if self.unwritten.is_empty() || !all && self.unwritten.len() < PIECE {
            return;
        }
        let piece = std::mem::take(&mut self.unwritten);
        let (path, digest, at, size) = (self.path.clone(), whole.digest.clone(), self.at, piece.len());
        self.at += size as u64;
        self.writing += size;
        self.job(cx, Job::Writing(size), move || -> io::Result<()> {
            disk::open_part(&path, &digest)?.write_all_at(&piece, at)
        });
    }

    fn is_whole(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| self.at + self.unwritten.len() as u64 >= whole.size)
    }

    fn look_whether_whole(&mut self, cx: &mut Cx<'_>) {
        if !self.is_whole() {
            return;
        }
        self.write(cx, true);
        if let Some(whole) = &self.whole
            && self.written >= whole.size
            && self.writing == 0
            && self.jobs.is_empty()
        {
            let (path, digest, force) = (self.path.clone(), whole.digest.clone(), self.force);
            self.job(cx, Job::Finishing, move || disk::finish(&path, &digest, force));
        }
    }

    fn looked(&mut self, cx: &mut Cx<'_>, found: io::Result<Option<Part>>) {
        match found {
            Ok(part) => {
                self.part = part;
                self.connect(cx);
            }
            Err(error) => self.fail_here(cx, &error),
        }
    }

    fn wrote(&mut self, cx: &mut Cx<'_>, size: usize, result: io::Result<()>) {
        if let Err(error) = result {
            return self.fail_here(cx, &error);
        }
        self.writing -= size;
        self.written += size as u64;
        if let Some(part) = &mut self.part {
            part.size = self.written;
        }
        if self.held
            && self.writing < WAITING / 2
            && let Some(id) = self.errand.conn()
        {
            self.held = false;
            cx.release(id, Hold::JOB);
        }
        show(self.progress.as_mut(), self.written, cx.now());
        self.look_whether_whole(cx);
    }

    fn finished(&mut self, cx: &mut Cx<'_>, result: io::Result<bool>) {
        match (result, &self.whole) {
            (Ok(true), Some(whole)) => {
                let line = format!("{}  {}", whole.digest, self.path.display());
                self.finish(cx, Ok(line));
            }
            (Err(error), _) => self.fail_here(cx, &error),
            _ => {
                let text = "what came has another digest than the server said, and was thrown away";
                self.fail(cx, Failure::new(Failure::CONTENT, text));
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

impl Service for Get {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        match self.errand.hear(cx, id, &line) {
            Word::Ready => self.ask(cx, id),
            Word::Answer(words) => {
                let words: Vec<&str> = words.split(' ').collect();
                if let ["body", _, size, digest, from] = words[..]
                    && let (Ok(size), Ok(from)) = (size.parse(), from.parse())
                {
                    self.body(cx, id, Whole { size, digest: digest.to_lowercase() }, from);
                }
            }
            // What we have is longer than the file: it is a part of another one.
            Word::Error(error) if error.starts_with("bad-offset:") && self.part.is_some() => {
                let part = self.part.take().expect("it was looked at");
                let path = self.path.clone();
                self.job(cx, Job::Forgetting, move || disk::forget_part(&path, &part.digest));
                self.ask(cx, id);
            }
            Word::Error(error) => self.fail(cx, Failure::told(error)),
            Word::Stranger => {
                let failure = self.errand.stranger();
                self.fail(cx, failure);
            }
            Word::Other => {}
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.unwritten.extend_from_slice(bytes);
        self.write(cx, false);
        if self.writing > WAITING && !self.held {
            self.held = true;
            cx.hold(id, Hold::JOB);
        }
        self.look_whether_whole(cx);
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.errand.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.jobs.is_empty() {
            self.connect(cx);
        } else {
            // What came before the cut is still being written, and then we know how much that is.
            cx.set_alarm(cx.now() + std::time::Duration::from_millis(100));
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Some(at) = self.jobs.iter().position(|(id, _)| *id == job) else {
            let outcome = self.errand.line().done(cx, job, result);
            return self.lost(cx, outcome);
        };
        match self.jobs.swap_remove(at).1 {
            Job::Looking => self.looked(cx, returned(result)),
            Job::Writing(size) => self.wrote(cx, size, returned(result)),
            Job::Forgetting => {
                if let Err(error) = returned::<()>(result) {
                    self.fail_here(cx, &error);
                }
                self.look_whether_whole(cx);
            }
            Job::Finishing => self.finished(cx, returned(result)),
        }
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping && self.outcome.is_none() {
            self.write(cx, true);
            self.fail(cx, Failure::new(Failure::INTERRUPTED, "stopped; the same command goes on where it was"));
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.held = false;
        let outcome = self.errand.line().closed(cx, id, why);
        self.lost(cx, outcome);
    }
}

//! `parlor put`: offers a file, sends what the server has not got yet, and learns that it is stored.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{self, PIECE, Source};
use super::progress::Progress;
use super::{GREETING, end, on_terminal, show};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::errand::{Errand, Failure, Word};
use crate::client::login::Login;
use crate::hub::{ConnId, Cx, Done, JobId, Lane, News, Reason, Sent, Service};
use crate::services::chat::neutralise;

/// How far we run ahead of what the server says it has: what a cut costs.
const AHEAD: u64 = 2 * 1024 * 1024;

/// Putting one file.
#[derive(Debug)]
pub struct Put {
    errand: Errand,
    path: PathBuf,
    name: String,
    source: Option<Source>,
    measuring: Option<JobId>,
    /// The read that is under way, and on which connection it is to be sent.
    reading: Option<(JobId, ConnId)>,
    /// Sent on this connection, and known to be in the server's hands. None before it said from where to send.
    sent: Option<u64>,
    have: u64,
    /// The connection has taken what it was sent.
    clear: bool,
    /// The server found another digest once already.
    doubted: bool,
    progress: Option<Progress>,
    /// What became of it.
    pub outcome: Option<Result<String, Failure>>,
}

impl Put {
    /// A file to be put under a name.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>, path: PathBuf, name: String) -> Self {
        let errand = Errand::new(address, FILES_PORT, GREETING).logging_in(login);
        let (source, measuring, reading, sent, progress, outcome) = (None, None, None, None, None, None);
        let (have, clear, doubted) = (0, true, false);
        Self { errand, path, name, source, measuring, reading, sent, have, clear, doubted, progress, outcome }
    }

    /// Begins: with the digest, for that is what the server asks for.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        let path = self.path.clone();
        self.measuring = cx.job(Lane::Any, move || disk::measure(&path)).ok();
    }

    fn finish(&mut self, cx: &mut Cx<'_>, outcome: Result<String, Failure>) {
        end(self.progress.as_ref());
        self.outcome.get_or_insert(outcome);
        cx.stop();
    }

    fn fail(&mut self, cx: &mut Cx<'_>, failure: Failure) {
        self.finish(cx, Err(failure));
    }

    fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), crate::client::trouble::Trouble>) {
        if self.outcome.is_none()
            && let Some(failure) = self.errand.lost(cx, outcome)
        {
            self.fail(cx, failure);
        }
    }

    fn measured(&mut self, cx: &mut Cx<'_>, result: Done) {
        match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<Source>>) {
            Ok(Ok(source)) => match *source {
                Ok(source) => {
                    self.source = Some(source);
                    let began = self.errand.line().connect(cx);
                    self.lost(cx, began);
                }
                Err(error) => {
                    let text = format!("{}: {error}", self.path.display());
                    self.fail(cx, Failure::new(Failure::HERE, text));
                }
            },
            _ => self.fail(cx, Failure::new(Failure::HERE, "the file could not be read")),
        }
    }

    fn offer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        (self.sent, self.clear) = (None, true);
        if let Some(source) = &self.source {
            let _ = cx.send(id, format!("offer {} {} {}", self.name, source.size, source.digest).as_bytes());
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        let Some(size) = self.source.as_ref().map(|source| source.size) else { return };
        match words[..] {
            ["send", name, offset] => {
                let Some(offset) = offset.parse().ok().filter(|&offset| offset <= size) else {
                    return self.fail(cx, Failure::new(Failure::REFUSED, "the server asks for what is not there"));
                };
                name.clone_into(&mut self.name);
                (self.sent, self.have) = (Some(offset), offset);
                self.progress = Some(Progress::new(&neutralise(name), size, offset, cx.now(), on_terminal()));
                show(self.progress.as_mut(), offset, cx.now());
                self.errand.proven();
                self.go_on(cx);
            }
            ["have", count] => {
                let count = count.parse().unwrap_or(0);
                self.have = self.have.max(count).min(size);
                show(self.progress.as_mut(), self.have, cx.now());
                self.go_on(cx);
            }
            // A digest that is cut is the end of a line that broke; the next offer will tell.
            ["stored", name, _, digest] if disk::is_digest(digest) => {
                let source = self.source.as_ref().expect("its size is known");
                if digest.eq_ignore_ascii_case(&source.digest) {
                    show(self.progress.as_mut(), size, cx.now());
                    self.finish(cx, Ok(format!("{}  {}", source.digest, neutralise(name))));
                } else {
                    self.fail(cx, Failure::new(Failure::CONTENT, "the server stored something else"));
                }
            }
            _ => {}
        }
    }

    /// Reads the next piece, unless enough is on its way.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let (Some(id), Some(sent), Some(source)) = (self.errand.conn(), self.sent, &self.source) else { return };
        let left = source.size.saturating_sub(sent);
        if left == 0 || self.reading.is_some() || !self.clear || sent >= self.have + AHEAD {
            return;
        }
        let (file, most) = (Arc::clone(&source.file), usize::try_from(left).unwrap_or(PIECE).min(PIECE));
        self.reading = cx.job(Lane::Ordered, move || disk::read(&file, sent, most)).ok().map(|job| (job, id));
    }

    fn was_read(&mut self, cx: &mut Cx<'_>, id: ConnId, result: Done) {
        let piece = match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<Vec<u8>>>) {
            Ok(Ok(piece)) => *piece,
            _ => Err(io::Error::other("it could not be read")),
        };
        // Read for a connection that broke meanwhile: the next one begins anew.
        if self.errand.conn() != Some(id) || self.sent.is_none() {
            return self.go_on(cx);
        }
        match piece {
            Ok(piece) if !piece.is_empty() => {
                self.sent = self.sent.map(|sent| sent + piece.len() as u64);
                self.clear = cx.send_wire(id, &piece) != Sent::Full;
                self.go_on(cx);
            }
            Ok(_) => {
                let text = format!("{}: it became shorter while it was sent", self.path.display());
                self.fail(cx, Failure::new(Failure::CONTENT, text));
            }
            Err(error) => {
                let text = format!("{}: {error}", self.path.display());
                self.fail(cx, Failure::new(Failure::HERE, text));
            }
        }
    }
}

impl Service for Put {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        match self.errand.hear(cx, id, &line) {
            Word::Ready => self.offer(cx, id),
            Word::Answer(words) => self.answer(cx, words),
            Word::Error(error) if error.starts_with("digest:") && !self.doubted => {
                self.doubted = true;
                self.offer(cx, id);
            }
            Word::Error(error) => self.fail(cx, Failure::told(error)),
            Word::Stranger => {
                let failure = self.errand.stranger();
                self.fail(cx, failure);
            }
            Word::Other => {}
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.errand.conn() == Some(id) {
            self.clear = true;
            self.go_on(cx);
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.errand.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        let began = self.errand.line().connect(cx);
        self.lost(cx, began);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        if self.measuring == Some(job) {
            self.measured(cx, result);
        } else if let Some((_, id)) = self.reading.take_if(|(reading, _)| *reading == job) {
            self.was_read(cx, id, result);
        } else {
            let outcome = self.errand.line().done(cx, job, result);
            self.lost(cx, outcome);
        }
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping && self.outcome.is_none() {
            self.fail(cx, Failure::new(Failure::INTERRUPTED, "stopped; the same command goes on where it was"));
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let outcome = self.errand.line().closed(cx, id, why);
        self.lost(cx, outcome);
    }
}

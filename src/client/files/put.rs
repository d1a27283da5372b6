//! `parlor put`: offers a file, sends what the server has not got yet, and learns that it is stored.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{self, PIECE, Source};
use super::progress::Progress;
use super::{GOES_ON, PLACE, end, show};
use crate::client::errand::{Deed, Failure, Place, Way};
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, JobId, Lane, Sent};
use crate::services::chat::neutralise;

/// How far we run ahead of what the server says it has: what a cut costs.
const AHEAD: u64 = 2 * 1024 * 1024;

/// Putting one file.
#[derive(Debug)]
pub struct Put {
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
    /// The server has it: its digest and its name.
    stored: String,
}

impl Put {
    /// A file to be put under a name.
    #[must_use]
    pub fn new(path: PathBuf, name: String) -> Self {
        let (source, measuring, reading, sent, progress, stored) = (None, None, None, None, None, String::new());
        let (have, clear, doubted) = (0, true, false);
        Self { path, name, source, measuring, reading, sent, have, clear, doubted, progress, stored }
    }

    fn measured(&mut self, way: &mut Way, cx: &mut Cx<'_>, result: Done) {
        match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<Source>>) {
            Ok(Ok(source)) => match *source {
                Ok(source) => {
                    self.source = Some(source);
                    way.connect(cx);
                }
                Err(error) => self.fail_here(way, &error),
            },
            _ => way.fail(Failure::new(Failure::HERE, "the file could not be read")),
        }
    }

    fn fail_here(&self, way: &mut Way, error: &io::Error) {
        way.fail(Failure::new(Failure::HERE, format!("{}: {error}", self.path.display())));
    }

    fn offer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        (self.sent, self.clear) = (None, true);
        if let Some(source) = &self.source {
            let _ = cx.send(id, format!("offer {} {} {}", self.name, source.size, source.digest).as_bytes());
        }
    }

    /// Reads the next piece, unless enough is on its way.
    fn go_on(&mut self, way: &Way, cx: &mut Cx<'_>) {
        let (Some(id), Some(sent), Some(source)) = (way.conn(), self.sent, &self.source) else { return };
        let left = source.size.saturating_sub(sent);
        if left == 0 || self.reading.is_some() || !self.clear || sent >= self.have + AHEAD {
            return;
        }
        let (file, most) = (Arc::clone(&source.file), usize::try_from(left).unwrap_or(PIECE).min(PIECE));
        self.reading = cx.job(Lane::Ordered, move || disk::read(&file, sent, most)).ok().map(|job| (job, id));
    }

    fn was_read(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, result: Done) {
        let piece = match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<Vec<u8>>>) {
            Ok(Ok(piece)) => *piece,
            _ => Err(io::Error::other("it could not be read")),
        };
        // Read for a connection that broke meanwhile: the next one begins anew.
        if way.conn() != Some(id) || self.sent.is_none() {
            return self.go_on(way, cx);
        }
        match piece {
            Ok(piece) if !piece.is_empty() => {
                self.sent = self.sent.map(|sent| sent + piece.len() as u64);
                self.clear = cx.send_wire(id, &piece) != Sent::Full;
                self.go_on(way, cx);
            }
            Ok(_) => {
                let text = format!("{}: it became shorter while it was sent", self.path.display());
                way.fail(Failure::new(Failure::CONTENT, text));
            }
            Err(error) => self.fail_here(way, &error),
        }
    }
}

impl Deed for Put {
    const PLACE: Place = PLACE;
    const STOPPED: &'static str = GOES_ON;

    /// With the digest, for that is what the server asks for.
    fn begin(&mut self, _way: &mut Way, cx: &mut Cx<'_>) {
        let path = self.path.clone();
        self.measuring = cx.job(Lane::Any, move || disk::measure(&path)).ok();
    }

    fn ready(&mut self, _way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        self.offer(cx, id);
    }

    fn answer(&mut self, way: &mut Way, cx: &mut Cx<'_>, _id: ConnId, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        let Some(size) = self.source.as_ref().map(|source| source.size) else { return };
        match words[..] {
            ["send", name, offset] => {
                let Some(offset) = offset.parse().ok().filter(|&offset| offset <= size) else {
                    return way.fail(Failure::new(Failure::REFUSED, "the server asks for what is not there"));
                };
                name.clone_into(&mut self.name);
                (self.sent, self.have) = (Some(offset), offset);
                self.progress = Some(Progress::new(&neutralise(name), size, offset, cx.now()));
                show(self.progress.as_mut(), offset, cx.now());
                way.proven();
                self.go_on(way, cx);
            }
            ["have", count] => {
                let count = count.parse().unwrap_or(0);
                self.have = self.have.max(count).min(size);
                show(self.progress.as_mut(), self.have, cx.now());
                self.go_on(way, cx);
            }
            // A digest that is cut is the end of a line that broke; the next offer will tell.
            ["stored", name, _, digest] if disk::is_digest(digest) => {
                let source = self.source.as_ref().expect("its size is known");
                if digest.eq_ignore_ascii_case(&source.digest) {
                    show(self.progress.as_mut(), size, cx.now());
                    self.stored = format!("{}  {}\n", source.digest, neutralise(name));
                    way.succeed(0);
                } else {
                    way.fail(Failure::new(Failure::CONTENT, "the server stored something else"));
                }
            }
            _ => {}
        }
    }

    fn error(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, error: &str) {
        if error.starts_with("digest:") && !std::mem::replace(&mut self.doubted, true) {
            return self.offer(cx, id);
        }
        way.fail(Failure::told(error));
    }

    fn drained(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        if way.conn() == Some(id) {
            self.clear = true;
            self.go_on(way, cx);
        }
    }

    fn done(&mut self, way: &mut Way, cx: &mut Cx<'_>, job: JobId, result: Done) {
        if self.measuring == Some(job) {
            self.measured(way, cx, result);
        } else if let Some((_, id)) = self.reading.take_if(|(reading, _)| *reading == job) {
            self.was_read(way, cx, id, result);
        }
    }

    fn broke(&mut self, way: &mut Way, cx: &mut Cx<'_>, trouble: &Trouble) {
        end(&mut self.progress);
        way.again(cx, trouble);
    }

    fn over(&mut self, _way: &mut Way, cx: &mut Cx<'_>) {
        end(&mut self.progress);
        cx.stop();
    }

    fn shown(&self) -> String {
        self.stored.clone()
    }
}

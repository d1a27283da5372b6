//! `parlor files`: what the server has.

use super::GREETING;
use super::progress::size;
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::errand::{Errand, Failure, Word};
use crate::client::login::Login;
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, JobId, News, Reason, Service};
use crate::services::chat::neutralise;

/// The list of all files.
#[derive(Debug)]
pub struct List {
    errand: Errand,
    lines: Vec<String>,
    /// What became of it.
    pub outcome: Option<Result<Vec<String>, Failure>>,
}

impl List {
    /// A list to be asked for.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>) -> Self {
        let errand = Errand::new(address, FILES_PORT, GREETING).logging_in(login);
        Self { errand, lines: Vec::new(), outcome: None }
    }

    /// Begins.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        let began = self.errand.line().connect(cx);
        self.lost(cx, began);
    }

    fn finish(&mut self, cx: &mut Cx<'_>, outcome: Result<Vec<String>, Failure>) {
        self.outcome.get_or_insert(outcome);
        cx.stop();
    }

    fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) {
        self.lines.clear();
        if self.outcome.is_none()
            && let Some(failure) = self.errand.lost(cx, outcome)
        {
            self.finish(cx, Err(failure));
        }
    }
}

impl Service for List {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        match self.errand.hear(cx, id, &line) {
            Word::Ready => drop(cx.send(id, b"list")),
            Word::Answer("end list") => {
                let lines = std::mem::take(&mut self.lines);
                self.finish(cx, Ok(lines));
            }
            Word::Answer(words) => {
                let words: Vec<&str> = words.split(' ').collect();
                if let ["file", name, bytes, time] = words[..] {
                    let shown = bytes.parse().map_or_else(|_| bytes.to_owned(), size);
                    self.lines.push(neutralise(&format!("{shown:>12}  {time}  {name}")).into_owned() + "\n");
                }
            }
            Word::Error(error) => self.finish(cx, Err(Failure::told(error))),
            Word::Stranger => {
                let failure = self.errand.stranger();
                self.finish(cx, Err(failure));
            }
            Word::Other => {}
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.errand.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.begin(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let outcome = self.errand.line().done(cx, job, result);
        self.lost(cx, outcome);
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            self.outcome.get_or_insert(Err(Failure::new(Failure::INTERRUPTED, "stopped")));
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let outcome = self.errand.line().closed(cx, id, why);
        self.lost(cx, outcome);
    }
}

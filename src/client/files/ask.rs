//! Short questions to the server, each with an answer of one line: `remove`, `quota`.

use super::GREETING;
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::errand::{Errand, Failure, Word};
use crate::client::login::Login;
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, JobId, News, Reason, Service};
use crate::services::chat::neutralise;

/// Questions, asked one after another until one is refused.
#[derive(Debug)]
pub struct Ask {
    errand: Errand,
    /// What is still to be asked, the next one last.
    questions: Vec<String>,
    /// The answers so far.
    pub answers: Vec<String>,
    /// What became of all of them.
    pub outcome: Option<Result<(), Failure>>,
}

impl Ask {
    /// Questions to be asked, at least one.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>, mut questions: Vec<String>) -> Self {
        questions.reverse();
        let errand = Errand::new(address, FILES_PORT, GREETING).logging_in(login);
        Self { errand, questions, answers: Vec::new(), outcome: None }
    }

    /// Begins.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        let began = self.errand.line().connect(cx);
        self.lost(cx, began);
    }

    fn next(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        match self.questions.pop() {
            Some(question) => drop(cx.send(id, question.as_bytes())),
            None => self.finish(cx, Ok(())),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Failure>) {
        self.outcome.get_or_insert(outcome);
        cx.stop();
    }

    /// Nobody knows whether what was asked last was done, so it is not asked again.
    fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) {
        if let (Err(trouble), None) = (outcome, &self.outcome) {
            let failure = self.errand.broken(&trouble);
            self.finish(cx, Err(failure));
        }
    }
}

impl Service for Ask {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        match self.errand.hear(cx, id, &line) {
            Word::Ready => self.next(cx, id),
            Word::Answer(words) => {
                self.answers.push(neutralise(words).into_owned());
                self.next(cx, id);
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

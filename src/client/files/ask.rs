//! Short questions to the server, each with an answer of one line: `remove`, `quota`.

use super::PLACE;
use crate::client::errand::{Deed, Place, Way};
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx};
use crate::services::chat::neutralise;

/// Questions, asked one after another until one is refused.
#[derive(Debug)]
pub struct Ask {
    /// What is still to be asked, the next one last.
    questions: Vec<String>,
    /// The answers so far, as lines.
    answers: String,
}

impl Ask {
    /// Questions to be asked, at least one.
    #[must_use]
    pub fn new(mut questions: Vec<String>) -> Self {
        questions.reverse();
        Self { questions, answers: String::new() }
    }
}

impl Deed for Ask {
    const PLACE: Place = PLACE;

    fn ready(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        match self.questions.pop() {
            Some(question) => drop(cx.send(id, question.as_bytes())),
            None => way.succeed(0),
        }
    }

    fn answer(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, words: &str) {
        let told = match words.split(' ').collect::<Vec<_>>()[..] {
            ["quota", used, most] => format!("{used} of {most} bytes"),
            _ => words.to_owned(),
        };
        self.answers += &neutralise(&told);
        self.answers.push('\n');
        self.ready(way, cx, id);
    }

    /// Nobody knows whether what was asked last was done, so it is not asked again.
    fn broke(&mut self, way: &mut Way, _cx: &mut Cx<'_>, trouble: &Trouble) {
        way.fail_to_stand(trouble);
    }

    fn shown(&self) -> String {
        self.answers.clone()
    }
}

//! What services that are spoken to in plain lines have in common: errors, the heartbeat, words.

use std::fmt;

use super::is_blank;
use crate::hub::{ConnId, Cx, Done};

/// How one logs in.
pub(super) const LOGIN: &str = "login NAME PASSWORD";

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// One word for programs.
    pub code: &'static str,
    /// What was wrong, and what would be right.
    pub text: String,
}

impl Wrong {
    /// It, with its code.
    #[must_use]
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// A command is written otherwise.
    pub(super) fn usage(usage: &str) -> Self {
        Self::new("usage", format!("it is written {usage}"))
    }

    /// This is for those who have logged in.
    pub(super) fn login_first() -> Self {
        Self::new("login-first", format!("{LOGIN} comes first"))
    }

    /// This is no command.
    pub(super) fn unknown(word: &str) -> Self {
        let word: String = word.chars().take(32).collect();
        Self::new("unknown-command", format!("{word:?} is no command; help lists them"))
    }

    /// The same, without saying what it was.
    pub(super) fn unnamed() -> Self {
        Self::new("unknown-command", "this is no command; help lists them")
    }
}

/// As it goes over the wire.
impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "! {}: {}", self.code, self.text)
    }
}

/// A number of bytes: digits, and nothing else that Rust would take for a number too.
pub(super) fn number(word: &str) -> Option<u64> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

/// A line as text.
fn text(line: &[u8]) -> Result<&str, Wrong> {
    let wrong = |_| Wrong::new("not-utf8", "these bytes are no UTF-8 text; nothing was done with them");
    std::str::from_utf8(line).map_err(wrong)
}

/// Does what a line asks for: a heartbeat here, a command by the service. What is wrong with it is answered.
pub(super) fn obey(
    cx: &mut Cx<'_>,
    id: ConnId,
    frame: &[u8],
    command: impl FnOnce(&mut Cx<'_>, &str) -> Result<(), Wrong>,
) {
    if is_blank(cx, id, frame) {
        return;
    }
    let done = text(frame).and_then(|line| match heartbeat(line) {
        Some(pong) if pong.is_empty() => Ok(()),
        Some(pong) => {
            let _ = cx.send(id, pong.as_bytes());
            Ok(())
        }
        None => command(cx, line),
    });
    if let Err(wrong) = done {
        let _ = cx.send(id, wrong.to_string().as_bytes());
    }
}

/// The longest word behind a PING.
const MAX_TOKEN: usize = 64;

/// The answer to a PING; empty for a PONG, which has none.
fn heartbeat(line: &str) -> Option<String> {
    let (word, token) = line.split_once(' ').unwrap_or((line, ""));
    let is_one_word = token.len() <= MAX_TOKEN && !token.contains(' ');
    match word {
        "PING" if is_one_word => Some(format!("PONG {token}").trim_end().to_owned()),
        "PONG" if is_one_word => Some(String::new()),
        _ => None,
    }
}

/// Says something that is no error.
pub(super) fn say(cx: &mut Cx<'_>, id: ConnId, answer: &str) {
    // Whoever does not read is not read, so what waits for one connection stays small.
    let _ = cx.send(id, format!("- {answer}").as_bytes());
}

/// The answer of a helper; `None` if it panicked.
pub(super) fn answer<T: 'static>(result: Done) -> Option<T> {
    result.ok()?.downcast().ok().map(|answer| *answer)
}

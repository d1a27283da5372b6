//! Why an errand was not done.

use std::fmt;

use crate::services::chat::neutralise;

/// Why something was not done: a code for scripts, words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// One line.
    pub text: String,
}

impl Failure {
    /// Of this machine: a file that can't be read or written, and everything that has no code of its own.
    pub const HERE: u8 = 1;
    /// No connection, or not the right service.
    pub const CONNECTION: u8 = 3;
    /// The server refused.
    pub const REFUSED: u8 = 4;
    /// The server has no such thing.
    pub const NOTHING: u8 = 5;
    /// The content is not what it should be.
    pub const CONTENT: u8 = 6;
    /// Somebody interrupted it.
    pub const INTERRUPTED: u8 = 130;

    /// A failure with its code.
    #[must_use]
    pub fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// What the server said in an error line behind its `! `.
    #[must_use]
    pub fn told(error: &str) -> Self {
        let code = match error.split(':').next().unwrap_or_default() {
            "no-such-file" | "no-such-command" => Self::NOTHING,
            "digest" => Self::CONTENT,
            _ => Self::REFUSED,
        };
        Self::new(code, neutralise(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

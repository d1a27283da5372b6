//! What was wrong with a line, and what would be right.

use super::{Help, Speech};

/// Why a line is refused. Never holds a password or a session's token, so that it may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// One word for programs.
    pub code: &'static str,
    /// What was wrong, and what would be right.
    pub text: String,
}

impl Complaint {
    /// A complaint.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// It, as it is said.
    #[must_use]
    pub fn speech(&self) -> Speech<'_> {
        Speech::Error { code: self.code, text: &self.text }
    }

    /// A command's arguments are wrong.
    pub(super) fn usage(help: &Help, wrong: &str) -> Self {
        Self::new("usage", format!("{wrong}; usage: {}", help.usage))
    }

    /// A name has too many characters, or none.
    pub(in crate::services::chat) fn too_long_name(count: usize, most: usize) -> Self {
        Self::new("bad-name", format!("a name has 1 to {most} characters, this one has {count}"))
    }

    /// Something has more bytes than it may have.
    pub(in crate::services::chat) fn too_long(what: &str, len: usize, max: usize) -> Self {
        Self::new("too-long", format!("{what} may have {max} bytes, and this has {len}"))
    }
}

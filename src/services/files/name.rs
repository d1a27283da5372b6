//! What a file may be called, and what is in it.

use std::fmt;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::services::accounts::Owner;
use crate::services::line::Wrong;

/// The longest name in bytes; file systems take 255.
pub const MAX_NAME: usize = 200;

/// Digits that tell owners apart.
const TAG: usize = 32;

/// The name of a file in the folder. It can lead nowhere else: it has no slash and does not begin with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// A name, brought into Unicode's form C.
    ///
    /// # Errors
    /// It is none by the rules of this server.
    pub fn new(text: &str) -> Result<Self, Wrong> {
        let wrong = |text: String| Err(Wrong::new("bad-name", text));
        if text.is_empty() || text.len() > MAX_NAME {
            return wrong(format!("a name has 1 to {MAX_NAME} bytes, and this has {}", text.len()));
        }
        let name: String = text.nfc().collect();
        let stranger = name.chars().find(|&c| !c.is_alphanumeric() && !is_combining_mark(c) && !"._-+".contains(c));
        if let Some(stranger) = stranger {
            return wrong(format!("names have letters, digits, . _ - and +; {stranger:?} is none of them"));
        }
        match name.chars().next().filter(|&first| !first.is_alphanumeric() && first != '_') {
            Some(first) => wrong(format!("a name begins with a letter, a digit or _, not with {first:?}")),
            None if name.len() > MAX_NAME => wrong(format!("a name has at most {MAX_NAME} bytes in Unicode's form C")),
            None => Ok(Self(name)),
        }
    }

    /// It, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The SHA-256 of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub(super) fn of(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// What somebody offers: a name, and what will be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) name: FileName,
    pub(super) size: u64,
    pub(super) digest: Digest,
}

/// How the names of all parts of an owner begin. Whoever else offers the same begins a part of their own.
pub(super) fn tag(owner: &Owner) -> String {
    let mut tag = Digest::of(Sha256::new_with_prefix(format!("{owner}\n"))).to_string();
    tag.truncate(TAG);
    tag + "-"
}

impl Offered {
    /// What the part is called while it grows: the same for the same owner, name, size and digest, and a secret to
    /// whoever does not know all of them.
    pub(super) fn part(&self, owner: &Owner) -> String {
        let hasher = Sha256::new_with_prefix(format!("{owner}\n{}\n{}\n{}\n", self.name, self.size, self.digest));
        tag(owner) + &Digest::of(hasher).to_string()
    }
}

/// As it is said once it is stored.
impl fmt::Display for Offered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.name, self.size, self.digest)
    }
}

//! What is told about a history: to the operator when it opens, and when something is wrong.

use std::error::Error;
use std::fmt;
use std::io;

/// Bytes that are no records, with records behind them. What they were is not guessed; readers hear of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The segment's number, which is its file's name.
    pub segment: u64,
    /// The first damaged byte.
    pub from: u64,
    /// The first good byte behind.
    pub to: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, from, to } = self;
        write!(out, "{segment:08}.log is damaged from byte {from} to {to}; its messages there are served as a gap")
    }
}

/// What was found when a history was opened.
#[derive(Debug, Default)]
pub struct Report {
    /// Is the history new, and so its epoch?
    pub new: bool,
    /// Segments that are there.
    pub segments: usize,
    /// Rooms that have had a message.
    pub rooms: usize,
    /// Behind the last record lay what was none, and was cut off.
    pub cut: Vec<Damage>,
    /// Damage in the middle.
    pub damage: Vec<Damage>,
    /// Every room's next number has jumped.
    pub jumped: bool,
    /// Segments that had no foot and got one.
    pub sealed: usize,
    /// How much was read to know all this.
    pub bytes_read: u64,
}

impl Report {
    /// One line for the log for everything that an operator should know.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let cut = self.cut.iter().map(|cut| {
            let bytes = cut.to - cut.from;
            format!(
                "{:08}.log ended in {bytes} bytes that are no message; they were cut off at {}",
                cut.segment, cut.from
            )
        });
        let jump = "numbers jump in every room: the last run did not end in order, and some given may be lost";
        let jump = self.jumped.then(|| jump.to_owned());
        cut.chain(self.damage.iter().map(Damage::to_string)).chain(jump)
    }
}

/// The history takes nothing any more, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped(pub String);

impl fmt::Display for Stopped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the history is stopped: {}", self.0)
    }
}

impl Error for Stopped {}

/// Why a history can't be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process keeps its history there.
    Taken {
        /// Which, if it says so.
        pid: Option<u32>,
    },
    /// A segment was written by a newer version.
    Newer {
        /// Its number.
        segment: u64,
    },
    /// The system refused.
    Failed {
        /// What was being done.
        what: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Nobody else has our number where we are.
            Self::Taken { pid: Some(pid) } if *pid == std::process::id() => {
                write!(out, "process {pid} of another container keeps its history there")
            }
            Self::Taken { pid: Some(pid) } => write!(out, "process {pid} keeps its history there"),
            Self::Taken { pid: None } => out.write_str("another process keeps its history there"),
            Self::Newer { segment } => write!(out, "{segment:08}.log was written by a newer version"),
            Self::Failed { what, error } => write!(out, "{what} failed: {error}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}

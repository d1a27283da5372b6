//! What the server says, read from its objects. Fields that are not known are left out, and so are types.

use serde::Deserialize;

/// One object of the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Heard {
    /// The answer to `/format json` and to `/session`.
    Welcome {
        /// Our name.
        nick: String,
        /// The session's token.
        session: String,
        /// The history's name.
        #[serde(default)]
        epoch: String,
    },
    /// Somebody said something.
    Message(Said),
    /// Somebody did something.
    Action(Said),
    /// Said to us alone.
    Private {
        /// By whom.
        from: String,
        /// When.
        #[serde(default)]
        at: String,
        /// What.
        text: String,
    },
    /// Somebody came.
    Join {
        /// Where.
        room: String,
        /// Who.
        from: String,
        /// When.
        #[serde(default)]
        at: String,
        /// After a broken line.
        #[serde(default)]
        back: bool,
    },
    /// Somebody went.
    Leave {
        /// Where.
        room: String,
        /// Who.
        from: String,
        /// When.
        #[serde(default)]
        at: String,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Somebody has another name.
    Nick {
        /// Where.
        room: String,
        /// Who it was.
        from: String,
        /// When.
        #[serde(default)]
        at: String,
        /// Who it is.
        to: String,
    },
    /// What a room is about.
    Topic {
        /// Which.
        room: String,
        /// Who says so.
        from: String,
        /// When.
        #[serde(default)]
        at: String,
        /// The topic; empty when it was taken away.
        #[serde(default)]
        text: String,
    },
    /// What we said is safe.
    Receipt {
        /// Where.
        room: String,
        /// Its number.
        #[serde(default)]
        seq: Option<u64>,
        /// Our id for it.
        id: String,
    },
    /// Numbers that are not to be had.
    Gap {
        /// Where.
        room: String,
        /// The first.
        from_seq: u64,
        /// The last.
        to_seq: u64,
    },
    /// A long answer is over.
    End {
        /// Which.
        of: String,
    },
    /// An answer, or news.
    Info {
        /// One line.
        text: String,
    },
    /// Something was wrong.
    Error {
        /// One word for programs.
        #[serde(default)]
        code: String,
        /// What was wrong.
        text: String,
    },
    /// Are we there?
    Ping {
        /// To be given back.
        #[serde(default)]
        token: String,
    },
    /// It is there.
    Pong {
        /// What we sent.
        #[serde(default)]
        token: String,
    },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Something that was said or done in a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// Where.
    pub room: String,
    /// Its number; none where nothing is kept.
    #[serde(default)]
    pub seq: Option<u64>,
    /// When.
    #[serde(default)]
    pub at: String,
    /// By whom.
    pub from: String,
    /// What.
    pub text: String,
    /// Our own id, on our own.
    #[serde(default)]
    pub id: Option<String>,
    /// Heard again after a broken line.
    #[serde(default)]
    pub replay: bool,
    /// A line of `/history`.
    #[serde(default)]
    pub old: bool,
}

impl Heard {
    /// Reads a line of the server. None: it is no whole object, for the line broke in the middle of it.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// What was said or done in a room, if that is what it is.
    #[must_use]
    pub fn said(&self) -> Option<&Said> {
        match self {
            Self::Message(said) | Self::Action(said) => Some(said),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_and_what_is_not_known_in_them_is_left_out() {
        let line =
            r#"{"type":"message","room":"r","seq":7,"at":"T","from":"a","text":"x","replay":true,"mood":{"a":[1]}}"#;
        let said = Said {
            room: "r".into(),
            seq: Some(7),
            at: "T".into(),
            from: "a".into(),
            text: "x".into(),
            id: None,
            replay: true,
            old: false,
        };
        assert_eq!(Heard::read(line), Some(Heard::Message(said)));
        assert_eq!(Heard::read(r#"{"type":"end","of":"who"}"#), Some(Heard::End { of: "who".into() }));
        assert_eq!(Heard::read(r#"{"type":"wave","height":3}"#), Some(Heard::Unknown));
        for broken in ["", "- hello", "{", r#"{"type":"message"}"#, "[]", "17"] {
            assert_eq!(Heard::read(broken), None, "{broken}");
        }
        for cut in 0..line.len() {
            assert_eq!(Heard::read(&line[..cut]), None, "{}", &line[..cut]);
        }
    }
}

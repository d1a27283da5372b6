//! Everything that the chat can say to somebody, whatever the form.

use super::{json, plain};
use crate::hub::Wall;

/// How the server speaks to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Lines for people.
    #[default]
    Plain,
    /// Objects for programs.
    Json,
}

/// When something that was said is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Now.
    Live,
    /// In a replay, to catch up.
    Replay,
    /// In an answer to `/history`.
    Old,
}

/// One thing to say. Names and texts are clean already: what peers send is neutralised on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech<'a> {
    /// Somebody said something in a room, or did something (`/me`).
    Said {
        /// The room, without `#`.
        room: &'a str,
        /// Its number; none where there is no history.
        seq: Option<u64>,
        /// When it was said.
        at: Wall,
        /// Who said it.
        from: &'a str,
        /// What.
        text: &'a str,
        /// `/me`
        action: bool,
        /// How it comes to be heard.
        when: When,
        /// The speaker's own id for it, shown only in a replay to the session that said it.
        id: Option<&'a str>,
    },
    /// A private message.
    Private {
        /// From whom.
        from: &'a str,
        /// When.
        at: Wall,
        /// What.
        text: &'a str,
    },
    /// Somebody came; `back` after a broken line.
    Joined {
        /// The room.
        room: &'a str,
        /// Who.
        from: &'a str,
        /// When.
        at: Wall,
        /// Of an earlier session.
        back: bool,
    },
    /// Somebody left.
    Left {
        /// The room.
        room: &'a str,
        /// Who.
        from: &'a str,
        /// When.
        at: Wall,
        /// Why, or the parting words.
        reason: &'a str,
    },
    /// Somebody has another name.
    Renamed {
        /// The room in which this is heard.
        room: &'a str,
        /// Who.
        from: &'a str,
        /// When.
        at: Wall,
        /// The new name.
        to: &'a str,
    },
    /// Somebody set the topic.
    Topic {
        /// The room.
        room: &'a str,
        /// Who.
        from: &'a str,
        /// When.
        at: Wall,
        /// The topic; empty when it was taken away.
        text: &'a str,
    },
    /// What was said with an id is as durable as promised.
    Receipt {
        /// The room.
        room: &'a str,
        /// Its number; none where there is no history.
        seq: Option<u64>,
        /// The speaker's id for it.
        id: &'a str,
    },
    /// These numbers are not to be had.
    Gap {
        /// The room.
        room: &'a str,
        /// The first.
        from_seq: u64,
        /// The last.
        to_seq: u64,
    },
    /// A long answer is over: `history`, `who`, `rooms`, `resume` ….
    End {
        /// Which.
        of: &'a str,
    },
    /// An answer, or news.
    Info {
        /// One line.
        text: &'a str,
    },
    /// Something was wrong.
    Error {
        /// One word for programs.
        code: &'a str,
        /// What was wrong, and what would be right.
        text: &'a str,
    },
    /// Are you there?
    Ping {
        /// To be given back.
        token: &'a str,
    },
    /// Here.
    Pong {
        /// What the PING brought; may be empty.
        token: &'a str,
    },
    /// The answer to `/format json`, and to taking up a session in JSON form.
    Welcome {
        /// The connection's name.
        nick: &'a str,
        /// Its session's token.
        session: &'a str,
        /// The history's name; empty without history.
        epoch: &'a str,
    },
}

/// Appends `speech` to `out` as one frame in `form`, without any line end.
pub fn write(form: Form, speech: &Speech<'_>, out: &mut Vec<u8>) {
    match form {
        Form::Plain => plain(speech, out),
        Form::Json => json(speech, out),
    }
}

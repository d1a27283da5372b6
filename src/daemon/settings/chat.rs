//! What can be chosen about the chat and its history.
#![expect(clippy::doc_markdown, reason = "comments on arguments are help texts, and terminals show no markdown")]

use std::path::PathBuf;

use clap::ValueEnum;

use super::values::{Bytes, Span, whole};
use crate::daemon::History;
use crate::log::{self, SyncMode};
use crate::services::chat::{self, Alphabet, Bounds, Flood, Name, Slow};

/// Four segments, which is the least that a limit of the history holds, of a few of the longest messages each.
const LEAST_HISTORY: Bytes = Bytes(256 * 1024);

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ChatArgs {
    /// Folder of the history [default: $STATE_DIRECTORY, else $XDG_STATE_HOME/parlor, else ~/.local/state/parlor]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep no history
    #[arg(long)]
    no_history: bool,
    /// When what was said is on the disk for sure: always before it is heard, once a second, or when the system likes
    #[arg(long, value_name = "WHEN", default_value = "second")]
    sync: Sync,
    /// How fast somebody may speak: so many at once, then so many a second; or off
    #[arg(long, value_name = "BURST/RATE|off", default_value = "50/20")]
    flood: FloodArg,
    /// What becomes of those who read too slowly: disconnect, gap or pause
    #[arg(long, value_name = "POLICY", default_value = "disconnect")]
    slow: Slow,
    /// Rooms in which speakers wait for slow readers, with --slow pause
    #[arg(long, value_name = "ROOM,…", value_delimiter = ',', value_parser = room_name)]
    pause_rooms: Vec<Name>,
    /// Which letters names may have: those of any one script, or of ASCII alone
    #[arg(long, value_name = "LETTERS", default_value = "script")]
    names: Names,
    /// Messages older than this are not shown, and go
    #[arg(long, value_name = "TIME", default_value_t = Span::from_millis(log::Settings::default().keep_age))]
    limit_history_age: Span,
    /// The most that is kept of one room; the oldest goes
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(log::Settings::default().keep_room))]
    limit_history_room: Bytes,
    /// The most that is kept of all rooms together
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(log::Settings::default().keep_total))]
    limit_history_total: Bytes,
    /// Rooms with members
    #[arg(long, value_name = "N", default_value_t = Bounds::default().rooms, value_parser = whole::<usize>)]
    limit_rooms: usize,
    /// Rooms that one can be in
    #[arg(long, value_name = "N", default_value_t = Bounds::default().rooms_each, value_parser = whole::<usize>)]
    limit_rooms_each: usize,
    /// Rooms that may be opened from one address beyond this machine in an hour
    #[arg(long, value_name = "N", default_value_t = Bounds::default().rooms_per_hour, value_parser = whole::<u32>)]
    limit_rooms_per_hour: u32,
    /// Sessions of broken lines that are remembered; the oldest go
    #[arg(long, value_name = "N", default_value_t = Bounds::default().sessions, value_parser = whole::<usize>)]
    limit_sessions: usize,
    /// For how long they are
    #[arg(long, value_name = "TIME", default_value_t = Span(Bounds::default().session_age))]
    limit_session_age: Span,
    /// For how long the name of somebody whose line broke is kept for them
    #[arg(long, value_name = "TIME", default_value_t = Span(Bounds::default().name_held))]
    limit_name_held: Span,
    /// Silence after which clients that speak of it are sent a PING
    #[arg(long, value_name = "TIME", default_value_t = Span(Bounds::default().ping_after))]
    limit_ping_after: Span,
    /// Silence after which they are gone
    #[arg(long, value_name = "TIME", default_value_t = Span(Bounds::default().gone_after))]
    limit_gone_after: Span,
    /// The longest thing that can be said
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::default().said.into())]
    limit_said: Bytes,
    /// The longest topic, and the longest parting words
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::default().topic.into())]
    limit_topic: Bytes,
    /// Characters of a name
    #[arg(long, value_name = "N", default_value_t = Bounds::default().name, value_parser = whole::<usize>)]
    limit_name: usize,
    /// Ids of messages that are remembered of each session, so that nothing is said twice
    #[arg(long, value_name = "N", default_value_t = Bounds::default().ids, value_parser = whole::<usize>)]
    limit_ids: usize,
    /// Messages of a connection that may wait for their receipts; then it is not read
    #[arg(long, value_name = "N", default_value_t = Bounds::default().unreceipted.into(), value_parser = whole::<u32>)]
    limit_unreceipted: u32,
    /// How long somebody may be slowed down without a break before they are closed
    #[arg(long, value_name = "TIME", default_value_t = Span(Bounds::default().flooding))]
    limit_flooding: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sync {
    Always,
    Second,
    Never,
}

impl From<Sync> for SyncMode {
    fn from(sync: Sync) -> Self {
        match sync {
            Sync::Always => Self::Always,
            Sync::Second => Self::Second,
            Sync::Never => Self::Never,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Names {
    Script,
    Ascii,
}

/// A pace; `None`: as fast as they can.
#[derive(Debug, Clone, Copy)]
struct FloodArg(Option<Flood>);

impl std::str::FromStr for FloodArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.split_once('/').and_then(|(burst, rate)| Some((burst.parse().ok()?, rate.parse().ok()?)));
        match parsed {
            Some((burst, rate)) if burst > 0 && rate > 0 => Ok(Self(Some(Flood { burst, rate }))),
            _ => Err("expected BURST/RATE, two numbers above 0, or off".to_owned()),
        }
    }
}

fn room_name(text: &str) -> Result<Name, String> {
    Name::new(text.trim_start_matches('#'), Alphabet::OneScript).map_err(|complaint| complaint.text)
}

impl ChatArgs {
    /// Is none kept?
    pub(super) fn is_without_history(&self) -> bool {
        self.no_history
    }

    /// Where the history is kept, if it is.
    pub(super) fn history(&self) -> Result<Option<History>, String> {
        if self.no_history {
            return Ok(None);
        }
        let folder = self.kept().0;
        let folder =
            folder.ok_or("there is no home for the history; name a folder with --data, or say --no-history")?;
        Ok(Some(History { folder, settings: self.kept_of_it() }))
    }

    /// How much of a history is kept.
    fn kept_of_it(&self) -> log::Settings {
        log::Settings {
            sync: self.sync.into(),
            keep_age: self.limit_history_age.millis(),
            keep_room: self.limit_history_room.0,
            keep_total: self.limit_history_total.0,
            ..log::Settings::default()
        }
    }

    /// Where a history would be, and how old what is shown of it may be.
    pub(super) fn kept(&self) -> (Option<PathBuf>, Span) {
        (self.data.clone().or_else(crate::daemon::history::default_folder), self.limit_history_age)
    }

    /// Where bans and locks are kept: beside the history, or in the folder that was named though none is kept.
    pub(super) fn rules(&self) -> Option<PathBuf> {
        let folder = if self.no_history { self.data.clone() } else { self.kept().0 };
        folder.map(|folder| folder.join(crate::daemon::entry::RULES))
    }

    /// The chat's own settings.
    pub(super) fn chat(&self) -> chat::Settings {
        chat::Settings {
            flood: self.flood.0,
            slow: self.slow,
            pausing: self.pause_rooms.clone(),
            days: crate::daemon::history::days(self.limit_history_age.millis()),
            names: if self.names == Names::Ascii { Alphabet::Ascii } else { Alphabet::OneScript },
            kept: self.kept_of_it(),
            sync: self.sync.into(),
            bounds: self.bounds(),
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            ping_after: self.limit_ping_after.0,
            gone_after: self.limit_gone_after.0,
            flooding: self.limit_flooding.0,
            rooms: self.limit_rooms,
            rooms_each: self.limit_rooms_each,
            rooms_per_hour: self.limit_rooms_per_hour,
            sessions: self.limit_sessions,
            session_age: self.limit_session_age.0,
            name_held: self.limit_name_held.0,
            said: self.limit_said.size(),
            topic: self.limit_topic.size(),
            name: self.limit_name,
            ids: self.limit_ids,
            unreceipted: u16::try_from(self.limit_unreceipted).unwrap_or(u16::MAX),
        }
    }

    /// Settings that have a least and a most.
    fn out_of_bounds(&self, found: &mut Vec<(&'static str, String)>) {
        let usual = Bounds::default();
        for (name, value, least, most) in [
            // Clients and the history count on these being the most.
            ("limit-said", self.limit_said.0, 1, usual.said as u64),
            ("limit-topic", self.limit_topic.0, 1, usual.topic as u64),
            ("limit-name", self.limit_name as u64, 1, usual.name as u64),
            ("limit-ids", self.limit_ids as u64, 1, chat::MAX_IDS as u64),
            ("limit-unreceipted", self.limit_unreceipted.into(), 2, 10_000),
        ] {
            if !(least..=most).contains(&value) {
                found.push((name, format!("expected {least} to {most}")));
            }
        }
    }

    pub(super) fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        self.out_of_bounds(found);
        if self.limit_ping_after.millis() < 1000 {
            found.push((
                "limit-ping-after",
                "nobody is asked more often than once a second: expected at least 1s".to_owned(),
            ));
        }
        if self.limit_gone_after.0 <= self.limit_ping_after.0 {
            let asked = self.limit_ping_after;
            let why = format!("nobody is gone before they were asked (limits.ping-after): expected more than {asked}");
            found.push(("limit-gone-after", why));
        }
        for (name, rooms) in [("limit-rooms", self.limit_rooms), ("limit-rooms-each", self.limit_rooms_each)] {
            if rooms == 0 {
                found.push((name, "everybody comes to the lobby, which is a room: expected at least 1".to_owned()));
            }
        }
        if self.limit_history_room.0 > self.limit_history_total.0 {
            let total = self.limit_history_total;
            let why = format!("one room can't have more than all of limits.history-total: expected at most {total}");
            found.push(("limit-history-room", why));
        }
        if self.limit_history_room.0 < LEAST_HISTORY.0 {
            let why = format!("too little to keep anything in: expected at least {LEAST_HISTORY}");
            found.push(("limit-history-room", why));
        }
        if self.limit_history_age.0.as_secs() < 60 {
            let why = "a history of less than a minute is none, as no-history says: expected at least 1m";
            found.push(("limit-history-age", why.to_owned()));
        }
    }
}

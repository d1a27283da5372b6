//! `parlor chat` on a terminal: what is said arrives while one types, and never disturbs the line being typed.

pub mod board;
pub mod complete;
pub mod editor;
pub mod entry;
mod happenings;
pub mod keys;
pub mod paint;
mod pressed;
mod tty;
mod typed;
pub mod view;
pub mod width;
pub mod window;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;

use self::board::Board;
use self::complete::Completion;
use self::editor::Editor;
use self::entry::{Entry, Kind};
use super::chat::{LOBBY, Talk};
use super::standard::say_aside;
use crate::hub::{ConnId, Cx, Done, Fault, JobId, Moment, News, Reason, Service};

pub use self::window::{Window, can_paint};

/// After so long without a connection a word is said.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the goodbye may take: the documents' number.
const FAREWELL: Duration = Duration::from_secs(2);

/// How somebody wants it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Ring when we are named.
    pub bell: bool,
    /// Names have colours.
    pub colours: bool,
}

/// The terminal's side of a talk.
#[derive(Debug)]
pub struct Terminal {
    talk: Talk,
    settings: Settings,
    window: Window,
    zone: TimeZone,
    board: Board,
    editor: Editor,
    completion: Option<Completion>,
    rings: bool,
    /// Why there is no connection, and when it is tried again.
    down: Option<(String, Moment)>,
    round_trip: Option<Duration>,
    /// Lists of members that were asked for; `true`: by ourselves.
    lists: VecDeque<bool>,
    /// The name that we had when it was last looked at.
    me: String,
    /// When whoever waits for a connection is told so.
    patience: Moment,
    farewell: Moment,
    leaving: bool,
    failure: Option<String>,
}

impl Terminal {
    /// A terminal's client to be.
    #[must_use]
    pub fn new(talk: Talk, settings: Settings) -> Self {
        let room = talk.conversation.room().to_owned();
        Self {
            talk,
            settings,
            window: Window::default(),
            zone: TimeZone::system(),
            board: Board::new(&room, settings.colours),
            editor: Editor::default(),
            completion: None,
            rings: false,
            down: None,
            round_trip: None,
            lists: VecDeque::new(),
            me: String::new(),
            patience: Moment::NEVER,
            farewell: Moment::NEVER,
            leaving: false,
            failure: None,
        }
    }

    /// Begins.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        self.patience = cx.now() + PATIENCE;
        self.talk.connect(cx);
        self.follow(cx);
    }

    /// Why it did not go well, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Shows what has changed, if the terminal has taken what it was shown before.
    fn paint(&mut self, cx: &mut Cx<'_>) {
        if self.window.wants_picture(cx) {
            let title = format!("#{}", self.board.current().name);
            let status = self.status(cx.now());
            let (rows, cursor) = view::screen(&mut self.board, &self.editor, &title, &status, self.window.size());
            self.window.show(cx, rows, cursor, std::mem::take(&mut self.rings));
        }
    }

    /// What matters most stands first: a narrow terminal shows no more.
    fn status(&self, now: Moment) -> String {
        let me = self.talk.conversation.me();
        let waiting = |before: &str| match self.talk.conversation.outgoing.len() {
            0 => String::new(),
            count => format!("{before}{count} on the way"),
        };
        match (&self.down, self.round_trip) {
            (Some((why, again)), _) => {
                let seconds = (*again - now).as_secs() + 1;
                let when = if now < *again { format!("again in {seconds} s") } else { "trying again".to_owned() };
                format!("{me} | NO CONNECTION, {when}{}: {why}", waiting(", "))
            }
            (None, Some(time)) => format!("{me} | connected, {} ms{}", time.as_millis(), waiting(" | ")),
            (None, None) => format!("{me} | connected{}", waiting(" | ")),
        }
    }

    /// A word of our own, in the room that is looked at.
    fn notice(&mut self, cx: &Cx<'_>, kind: Kind, text: &str) {
        let entry = Entry::plain(kind, &self.time_now(cx.wall()), text);
        self.board.add(None, entry);
        self.window.change();
    }

    fn leave(&mut self, cx: &mut Cx<'_>, words: &str) {
        if self.leaving || !self.talk.leave(cx, words) {
            return self.end(cx);
        }
        self.leaving = true;
        self.farewell = cx.now() + FAREWELL;
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.leaving = true;
        let left = self.talk.conversation.outgoing.len();
        if left > 0 {
            self.failure.get_or_insert(format!("{left} lines have no receipt; perhaps nobody heard them"));
        }
        self.window.close(cx);
        cx.stop();
    }

    /// The rooms that we are in.
    fn rooms(&self) -> Vec<String> {
        match self.talk.conversation.rooms() {
            [] => vec![LOBBY.to_owned()],
            rooms => rooms.to_vec(),
        }
    }
}

impl Service for Terminal {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.opened(cx, id);
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if self.talk.is(id) {
            self.talk.frame(cx, id, frame);
            self.follow(cx);
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let (keys, wrong) = self.window.hear(id, bytes);
        self.keys(cx, &keys);
        if let Some(wrong) = wrong {
            self.notice(cx, Kind::Wrong, &wrong);
        }
        self.follow(cx);
    }

    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _fault: Fault) {}

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.timer(cx, id);
        }
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.talk.alarm(cx);
        if cx.now() >= self.farewell {
            return self.end(cx);
        }
        if cx.now() >= self.patience {
            self.patience = Moment::NEVER;
            if !self.window.is_open() {
                say_aside(&format!("connecting to {}; Ctrl-C gives up", self.talk.address()));
            }
        }
        if self.down.is_some() {
            // The seconds until the next try are counted down.
            self.window.change();
        }
        self.follow(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.talk.done(cx, job, result);
        self.follow(cx);
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        self.leaving |= news == News::Stopping;
        if self.leaving && !self.window.is_open() {
            self.failure.get_or_insert("interrupted before there was a connection".to_owned());
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.paint(cx);
        let mut due = self.talk.due().min(self.farewell).min(self.patience).min(self.window.due(cx.now()));
        if self.down.is_some() {
            due = due.min(cx.now() + Duration::from_secs(1));
        }
        cx.set_alarm(due);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        if self.window.is_at(id) {
            // The terminal is gone, and with it whoever sat there.
            self.end(cx);
        } else if self.talk.is(id) {
            self.talk.closed(cx, id, why);
            self.follow(cx);
        }
    }
}

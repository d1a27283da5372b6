//! A talk on a terminal: what comes is shown above the line that is being typed, and leaves it alone.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::client::terminal::board::Board;
use crate::client::terminal::editor::Editor;
use crate::client::terminal::entry::{Entry, Kind};
use crate::client::terminal::keys::Key;
use crate::client::terminal::{Window, view};
use crate::hub::{ConnId, Cx, Moment, Wall};
use crate::services::chat::neutralise;

/// What somebody did at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Typed a line.
    Line(String),
    /// Leaves.
    Leave,
}

/// The terminal's side of a talk.
#[derive(Debug)]
pub(super) struct Screen {
    window: Window,
    board: Board,
    editor: Editor,
    zone: TimeZone,
    /// The status that was asked for last.
    status: String,
}

impl Screen {
    /// A screen that is not to be seen yet. Names may have colours.
    pub(super) fn new(colours: bool) -> Self {
        let (window, editor) = (Window::default(), Editor::default());
        Self { window, board: Board::new("", colours), editor, zone: TimeZone::system(), status: String::new() }
    }

    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it can't be had.
    pub(super) fn open(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.window.open(cx)
    }

    /// Do keys come from this connection, or pictures go to it?
    pub(super) fn is_at(&self, id: ConnId) -> bool {
        self.window.is_at(id)
    }

    /// Something came from the terminal; answers what it means.
    pub(super) fn hear(&mut self, cx: &Cx<'_>, id: ConnId, bytes: &[u8]) -> Vec<Act> {
        let (keys, wrong) = self.window.hear(id, bytes);
        if let Some(wrong) = wrong {
            self.note(cx.wall(), Kind::Wrong, &wrong);
        }
        keys.iter().filter_map(|key| self.key(key)).collect()
    }

    fn key(&mut self, key: &Key) -> Option<Act> {
        let page = isize::try_from(self.window.size().1.saturating_sub(3).max(1)).unwrap_or(1);
        match key {
            Key::PageUp => self.board.scroll(page),
            Key::PageDown => self.board.scroll(-page),
            Key::Ctrl('c') => return Some(Act::Leave),
            Key::Ctrl('d') if self.editor.text().is_empty() => return Some(Act::Leave),
            key => {
                let line = self.editor.press(key)?;
                self.board.current_mut().scroll = 0;
                return Some(Act::Line(line));
            }
        }
        None
    }

    /// Somebody, perhaps ourselves, said something.
    pub(super) fn said(&mut self, wall: Wall, who: &str, text: &str) {
        let entry = Entry::plain(Kind::Said, &self.time(wall), &neutralise(text));
        self.board.add(None, Entry { who: who.to_owned(), ..entry });
        self.window.change();
    }

    /// A word of our own.
    pub(super) fn note(&mut self, wall: Wall, kind: Kind, text: &str) {
        self.board.add(None, Entry::plain(kind, &self.time(wall), &neutralise(text)));
        self.window.change();
    }

    fn time(&self, wall: Wall) -> String {
        let time = i64::try_from(wall.millis()).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        time.map_or_else(String::new, |time| time.to_zoned(self.zone.clone()).strftime("%H:%M").to_string())
    }

    /// Shows what has changed, if the terminal has taken what it was shown before.
    pub(super) fn paint(&mut self, cx: &mut Cx<'_>, title: &str, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            self.window.change();
        }
        if self.window.wants_picture(cx) {
            let (rows, cursor) = view::screen(&mut self.board, &self.editor, title, status, self.window.size());
            self.window.show(cx, rows, cursor, false);
        }
    }

    /// When there will be something to paint, unless something happens before.
    pub(super) fn due(&self, now: Moment) -> Moment {
        self.window.due(now)
    }

    /// Nothing more is shown.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        self.window.close(cx);
    }
}

//! `parlor chat` on a terminal: what is said arrives while one types, and never disturbs the line being typed.

pub mod board;
pub mod complete;
pub mod editor;
mod happenings;
pub mod keys;
pub mod paint;
mod tty;
mod typed;
pub mod view;
pub mod width;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::time::Duration;

use jiff::tz::TimeZone;
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use self::board::{Board, Entry, Kind};
use self::complete::Completion;
use self::editor::Editor;
use self::keys::{Key, Keyboard};
use self::paint::Canvas;
use self::tty::Tty;
use super::chat::{LOBBY, Talk};
use super::standard::Standard;
use crate::hub::{ConnId, Cx, Done, Fault, Framing, JobId, Limits, Moment, News, Reason, Service};

/// Between two pictures, when nobody types: more than sixty a second are seen by nobody.
const FRAME: Duration = Duration::from_millis(16);
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

/// The connections besides the server's.
#[derive(Debug, Default)]
struct Ends {
    input: Option<ConnId>,
    output: Option<ConnId>,
    resized: Option<ConnId>,
    stopped: Option<ConnId>,
    continued: Option<ConnId>,
}

/// The terminal's side of a talk.
#[derive(Debug)]
pub struct Terminal {
    talk: Talk,
    settings: Settings,
    standard: Standard,
    /// Ours from the moment on in which there is something to show.
    tty: Option<Tty>,
    ends: Ends,
    zone: TimeZone,
    size: (usize, usize),
    board: Board,
    editor: Editor,
    keyboard: Keyboard,
    completion: Option<Completion>,
    canvas: Canvas,
    /// The picture is not what it should be; and a key was pressed, so it must not wait.
    stale: bool,
    typed: bool,
    next_frame: Moment,
    rings: bool,
    /// Why there is no connection, and when it is tried again.
    down: Option<(String, Moment)>,
    round_trip: Option<Duration>,
    /// Lists of members that were asked for; `true`: by ourselves.
    lists: VecDeque<bool>,
    /// Ids of what stands on the board already.
    own: BTreeSet<String>,
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
            standard: Standard::default(),
            tty: None,
            ends: Ends::default(),
            zone: TimeZone::system(),
            size: (80, 24),
            board: Board::new(&room, settings.colours),
            editor: Editor::default(),
            keyboard: Keyboard::default(),
            completion: None,
            canvas: Canvas::default(),
            stale: false,
            typed: false,
            next_frame: Moment::START,
            rings: false,
            down: None,
            round_trip: None,
            lists: VecDeque::new(),
            own: BTreeSet::new(),
            farewell: Moment::NEVER,
            leaving: false,
            failure: None,
        }
    }

    /// Begins.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        self.talk.connect(cx);
        self.follow(cx);
    }

    /// Why it did not go well, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// There is something to show.
    fn open_screen(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.tty = Some(Tty::take()?);
        let mut open = |target: io::Result<_>| target.map(|target| cx.open(target, Framing::Raw));
        self.ends = Ends {
            input: Some(open(self.standard.input())?),
            output: Some(open(self.standard.output())?),
            resized: Some(open(tty::watch(SIGWINCH))?),
            stopped: Some(open(tty::watch(SIGTSTP))?),
            continued: Some(open(tty::watch(SIGCONT))?),
        };
        if let Some(output) = self.ends.output {
            // A terminal that was stopped with Ctrl-S stands still as long as somebody likes.
            let patient = Limits { stall: Duration::from_secs(u64::from(u32::MAX)), low: 0, ..Limits::default() };
            cx.set_limits(output, &std::rc::Rc::new(patient));
        }
        self.anew();
        Ok(())
    }

    /// Everything is to be painted anew.
    fn anew(&mut self) {
        self.size = tty::size();
        self.board.width = self.size.0;
        self.canvas.forget();
        (self.stale, self.typed) = (true, true);
    }

    /// Shows what is stale, if the terminal has taken what it was shown before.
    fn paint(&mut self, cx: &mut Cx<'_>) {
        let Some(output) = self.ends.output.filter(|_| self.stale && self.tty.is_some()) else { return };
        let may = self.typed || cx.now() >= self.next_frame;
        if !may || !cx.fits(output, usize::MAX) {
            return;
        }
        (self.stale, self.typed) = (false, false);
        self.next_frame = cx.now() + FRAME;
        let (width, height) = self.size;
        let status = self.status(cx.now());
        let (rows, cursor) = view::screen(&mut self.board, &self.editor, &status, width, height);
        let mut picture = self.canvas.paint(rows, width, cursor);
        if std::mem::take(&mut self.rings) {
            picture.push('\x07');
        }
        let _ = cx.send_wire(output, picture.as_bytes());
    }

    fn status(&self, now: Moment) -> String {
        let waiting = match self.talk.conversation.outgoing.len() {
            0 => String::new(),
            count => format!(" | {count} on the way"),
        };
        let line = match (&self.down, self.round_trip) {
            (Some((why, again)), _) => {
                let seconds = (*again - now).as_secs() + 1;
                format!("NO CONNECTION: {why}; again in {seconds} s")
            }
            (None, Some(time)) => format!("connected, {} ms", time.as_millis()),
            (None, None) => "connected".to_owned(),
        };
        format!("{} | {line}{waiting}", self.talk.conversation.me())
    }

    fn keys(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        for key in self.keyboard.press(bytes) {
            self.key(cx, &key);
        }
        (self.stale, self.typed) = (true, true);
        self.follow(cx);
    }

    fn key(&mut self, cx: &mut Cx<'_>, key: &Key) {
        let page = isize::try_from(self.size.1.saturating_sub(3).max(1)).unwrap_or(1);
        match key {
            Key::Tab | Key::BackTab => {
                let before = self.completion.take();
                self.completion = complete::complete(&mut self.editor, &self.board, before, *key == Key::BackTab);
            }
            Key::PageUp => self.board.scroll(page),
            Key::PageDown => self.board.scroll(-page),
            Key::Alt(digit @ '1'..='9') => {
                let place = digit.to_digit(10).unwrap_or(1) as usize - 1;
                self.board.look_at(place);
            }
            Key::Ctrl('l') => self.canvas.forget(),
            Key::Ctrl('c') => self.leave(cx, ""),
            Key::Ctrl('d') if self.editor.text().is_empty() => self.leave(cx, ""),
            Key::Ctrl('z') => {
                // To everybody who was started with us, as the terminal itself would do.
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
            }
            key => {
                if let Some(line) = self.editor.press(key) {
                    self.board.current_mut().scroll = 0;
                    self.line(cx, &line);
                }
            }
        }
    }

    /// Somebody wants us to stop for a while.
    fn suspend(&mut self) {
        tty::give_back();
        if let Err(error) = tty::stop() {
            self.notice(Kind::Wrong, &format!("this can't be stopped: {error}"));
        }
        self.resumed();
    }

    fn resumed(&mut self) {
        if let Err(error) = tty::enter() {
            self.failure.get_or_insert(format!("the terminal: {error}"));
        }
        self.anew();
    }

    /// A word of our own, in the room that is looked at.
    fn notice(&mut self, kind: Kind, text: &str) {
        let entry = Entry::plain(kind, "", text);
        self.board.add(None, entry);
        self.stale = true;
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
        // What the terminal has not taken by now is of no use any more.
        self.ends.output.take().into_iter().for_each(|output| cx.close(output));
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
    fn opened(&mut self, _cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.opened();
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if self.talk.is(id) {
            self.talk.frame(cx, id, frame);
            self.follow(cx);
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        match Some(id) {
            end if end == self.ends.input => self.keys(cx, bytes),
            end if end == self.ends.resized => self.anew(),
            end if end == self.ends.stopped => self.suspend(),
            end if end == self.ends.continued => self.resumed(),
            _ => {}
        }
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
        // The seconds until the next try are counted down.
        self.stale |= self.down.is_some();
        self.follow(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.talk.done(cx, job, result);
        self.follow(cx);
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        self.leaving |= news == News::Stopping;
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.paint(cx);
        let mut due = self.talk.due().min(self.farewell);
        if self.stale && self.tty.is_some() && cx.now() < self.next_frame {
            due = due.min(self.next_frame);
        }
        if self.down.is_some() {
            due = due.min(cx.now() + Duration::from_secs(1));
        }
        cx.set_alarm(due);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        if Some(id) == self.ends.input || Some(id) == self.ends.output {
            // The terminal is gone, and with it whoever sat there.
            self.end(cx);
        } else if self.talk.is(id) {
            self.talk.closed(cx, id, why);
            self.follow(cx);
        }
    }
}

//! What somebody sits at: keys come from it, pictures go to it, and whatever ends us, it is given back as it was.

use std::io::{self, IsTerminal, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use super::keys::{Key, Keyboard};
use super::paint::{Canvas, Row};
use super::tty::{self, Tty};
use crate::client::standard::Standard;
use crate::hub::{ConnId, Cx, Framing, Limits, Moment};

/// Between two pictures, when nobody types: more than sixty a second are seen by nobody.
const FRAME: Duration = Duration::from_millis(16);

/// The connections to it.
#[derive(Debug, Default)]
struct Ends {
    input: Option<ConnId>,
    output: Option<ConnId>,
    resized: Option<ConnId>,
    stopped: Option<ConnId>,
    continued: Option<ConnId>,
    dying: Option<ConnId>,
}

/// A terminal, on the loop.
#[derive(Debug)]
pub struct Window {
    standard: Standard,
    /// Ours from the moment on in which there is something to show.
    tty: Option<Tty>,
    ends: Ends,
    /// The signal that is to end us, once it has come.
    deadly: Arc<AtomicUsize>,
    /// Columns and rows.
    size: (usize, usize),
    keyboard: Keyboard,
    canvas: Canvas,
    /// The picture is not what it should be; and a key was pressed, so it must not wait.
    stale: bool,
    typed: bool,
    next_frame: Moment,
}

/// Can a terminal of this kind be told to draw?
#[must_use]
pub fn can_paint() -> bool {
    std::env::var("TERM").is_ok_and(|terminal| terminal != "dumb" && !terminal.is_empty())
}

impl Default for Window {
    fn default() -> Self {
        Self {
            standard: Standard::default(),
            tty: None,
            ends: Ends::default(),
            deadly: Arc::default(),
            size: (80, 24),
            keyboard: Keyboard::default(),
            canvas: Canvas::default(),
            stale: false,
            typed: false,
            next_frame: Moment::START,
        }
    }
}

impl Window {
    /// Does somebody sit at a terminal that can show a picture?
    #[must_use]
    pub fn is_here() -> bool {
        stdin().is_terminal() && stdout().is_terminal() && can_paint()
    }

    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it can't be had.
    pub fn open(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.tty = Some(Tty::take()?);
        let (dying, deadly) = tty::watch_deadly()?;
        self.deadly = deadly;
        let mut open = |target: io::Result<_>| target.map(|target| cx.open(target, Framing::Raw));
        self.ends = Ends {
            input: Some(open(self.standard.input())?),
            output: Some(open(self.standard.output())?),
            resized: Some(open(tty::watch(SIGWINCH))?),
            stopped: Some(open(tty::watch(SIGTSTP))?),
            continued: Some(open(tty::watch(SIGCONT))?),
            dying: Some(open(Ok(dying))?),
        };
        if let Some(output) = self.ends.output {
            // A terminal that was stopped with Ctrl-S stands still as long as somebody likes.
            let patient = Limits { stall: Duration::from_secs(u64::from(u32::MAX)), low: 0, ..Limits::default() };
            cx.set_limits(output, &std::rc::Rc::new(patient));
        }
        self.anew();
        Ok(())
    }

    /// Is it ours?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tty.is_some()
    }

    /// Do keys come from this connection, or pictures go to it?
    #[must_use]
    pub fn is_at(&self, id: ConnId) -> bool {
        Some(id) == self.ends.input || Some(id) == self.ends.output
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Something came from one of its ends; answers the keys among it, and what went wrong, in words for the user. What is
    /// the same for everybody is done here: another size, Ctrl-Z, Ctrl-L.
    pub fn hear(&mut self, id: ConnId, bytes: &[u8]) -> (Vec<Key>, Option<String>) {
        let done = match Some(id) {
            end if end == self.ends.input => return self.pressed(bytes),
            end if end == self.ends.resized => {
                self.anew();
                Ok(())
            }
            end if end == self.ends.stopped => self.suspend(),
            end if end == self.ends.continued => self.resume(),
            end if end == self.ends.dying => self.die(),
            _ => Ok(()),
        };
        (Vec::new(), done.err())
    }

    fn pressed(&mut self, bytes: &[u8]) -> (Vec<Key>, Option<String>) {
        (self.stale, self.typed) = (true, true);
        let mut wrong = None;
        let mut keys = self.keyboard.press(bytes);
        keys.retain(|key| match key {
            Key::Ctrl('l') => {
                self.canvas.forget();
                false
            }
            Key::Ctrl('z') if !tty::is_anybodys() => {
                wrong = Some("there is no shell to go back to".to_owned());
                false
            }
            Key::Ctrl('z') => {
                // To everybody who was started with us, as the terminal itself would do.
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
                false
            }
            _ => true,
        });
        (keys, wrong)
    }

    /// Somebody wants us to stop for a while.
    fn suspend(&mut self) -> Result<(), String> {
        self.standard.give_back();
        tty::give_back();
        let stopped = tty::stop().map_err(|error| format!("this can't be stopped: {error}"));
        self.resume()?;
        stopped
    }

    fn resume(&mut self) -> Result<(), String> {
        self.anew();
        let entered = tty::enter().map_err(|error| format!("the terminal: {error}"));
        self.standard.take_again();
        entered
    }

    fn die(&mut self) -> Result<(), String> {
        self.standard.give_back();
        tty::give_back();
        tty::die_of(self.deadly.load(Ordering::Relaxed)).map_err(|error| format!("this can't be ended so: {error}"))
    }

    /// Everything is to be painted anew.
    fn anew(&mut self) {
        self.size = tty::size();
        self.canvas.forget();
        (self.stale, self.typed) = (true, true);
    }

    /// The picture is not what it should be any more.
    pub fn change(&mut self) {
        self.stale = true;
    }

    /// Is a picture due, and has the terminal taken what it was shown before? Then the next call is [`Window::show`].
    pub fn wants_picture(&self, cx: &mut Cx<'_>) -> bool {
        let Some(output) = self.ends.output.filter(|_| self.stale && self.is_open()) else { return false };
        (self.typed || cx.now() >= self.next_frame) && cx.fits(output, usize::MAX)
    }

    /// Shows a picture, and rings.
    pub fn show(&mut self, cx: &mut Cx<'_>, rows: Vec<Row>, cursor: (usize, usize), rings: bool) {
        let Some(output) = self.ends.output else { return };
        (self.stale, self.typed) = (false, false);
        self.next_frame = cx.now() + FRAME;
        let mut picture = self.canvas.paint(rows, self.size.0, cursor);
        if rings {
            picture.push('\x07');
        }
        let _ = cx.send_wire(output, picture.as_bytes());
    }

    /// When a picture will be due, unless a key is pressed before.
    #[must_use]
    pub fn due(&self, now: Moment) -> Moment {
        if self.stale && self.is_open() && now < self.next_frame { self.next_frame } else { Moment::NEVER }
    }

    /// No more pictures. What the terminal has not taken by now is of no use any more.
    pub fn close(&mut self, cx: &mut Cx<'_>) {
        self.ends.output.take().into_iter().for_each(|output| cx.close(output));
    }
}

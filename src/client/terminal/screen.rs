//! The screen: when it is taken, painted, given back for a while, and taken again.

use std::io;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use super::entry::Kind;
use super::tty::{self, Tty};
use super::{Ends, Terminal, view};
use crate::hub::{Cx, Framing, Limits, Moment};

/// Between two pictures, when nobody types: more than sixty a second are seen by nobody.
const FRAME: Duration = Duration::from_millis(16);

impl Terminal {
    /// There is something to show.
    pub(super) fn open_screen(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.tty = Some(Tty::take()?);
        self.patience = Moment::NEVER;
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
    pub(super) fn anew(&mut self) {
        self.size = tty::size();
        self.board.width = self.size.0;
        self.canvas.forget();
        (self.stale, self.typed) = (true, true);
    }

    /// Shows what is stale, if the terminal has taken what it was shown before.
    pub(super) fn paint(&mut self, cx: &mut Cx<'_>) {
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

    pub(super) fn status(&self, now: Moment) -> String {
        let waiting = match self.talk.conversation.outgoing.len() {
            0 => String::new(),
            count => format!(" | {count} on the way"),
        };
        let line = match (&self.down, self.round_trip) {
            (Some((why, again)), _) => {
                let seconds = (*again - now).as_secs() + 1;
                let when = if now < *again { format!("again in {seconds} s") } else { "trying again".to_owned() };
                format!("NO CONNECTION: {why}; {when}")
            }
            (None, Some(time)) => format!("connected, {} ms", time.as_millis()),
            (None, None) => "connected".to_owned(),
        };
        format!("{} | {line}{waiting}", self.talk.conversation.me())
    }

    /// Somebody wants us to stop for a while.
    pub(super) fn suspend(&mut self) {
        self.standard.give_back();
        tty::give_back();
        if let Err(error) = tty::stop() {
            self.notice(Kind::Wrong, &format!("this can't be stopped: {error}"));
        }
        self.resumed();
    }

    pub(super) fn resumed(&mut self) {
        if let Err(error) = tty::enter() {
            self.failure.get_or_insert(format!("the terminal: {error}"));
        }
        self.standard.take_again();
        self.anew();
    }
}

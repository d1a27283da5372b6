//! How somebody has a talk before them: as lines in and lines out, or as a screen.

use std::io::{self, Write};

use super::circle::Line;
use super::screen::Screen;
use crate::client::standard::Standard;
use crate::client::terminal::entry::Kind;
use crate::hub::{ConnId, Cx, Framing, Hold, Sent};
use crate::services::chat::neutralise;

/// One of the two.
#[derive(Debug)]
pub(super) enum Face {
    /// For scripts, and terminals that can show no picture.
    Lines(Lines),
    /// For people.
    Screen(Box<Screen>),
}

/// What others say goes to standard output, all else to standard error.
#[derive(Debug, Default)]
pub(super) struct Lines {
    standard: Standard,
    pub(super) input: Option<ConnId>,
    pub(super) output: Option<ConnId>,
    /// Standard output takes no more for now: what comes is not taken either, and will come again.
    lags: bool,
}

impl Lines {
    fn open(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.input = Some(cx.open(self.standard.input()?, Framing::LINES));
        self.output = Some(cx.open(self.standard.output()?, Framing::LINES));
        Ok(())
    }

    fn said(&mut self, cx: &mut Cx<'_>, who: &str, text: &str) {
        let Some(output) = self.output else { return };
        self.lags |= cx.send(output, format!("<{who}> {}", neutralise(text)).as_bytes()) == Sent::Full;
    }

    /// There is room on standard output again.
    pub(super) fn drained(&mut self, id: ConnId) {
        self.lags &= Some(id) != self.output;
    }

    /// So much waits to be said that no more is read.
    pub(super) fn hold(&self, cx: &mut Cx<'_>) {
        self.input.into_iter().for_each(|input| cx.hold(input, Hold::PEER));
    }

    /// The reverse.
    pub(super) fn release(&self, cx: &mut Cx<'_>) {
        self.input.into_iter().for_each(|input| cx.release(input, Hold::PEER));
    }
}

impl Face {
    /// Opens the connections to it.
    pub(super) fn open(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        match self {
            Self::Lines(lines) => lines.open(cx),
            Self::Screen(screen) => screen.open(cx),
        }
    }

    /// Can nothing be shown for now?
    pub(super) fn lags(&self) -> bool {
        matches!(self, Self::Lines(lines) if lines.lags)
    }

    /// Somebody said something.
    pub(super) fn heard(&mut self, cx: &mut Cx<'_>, line: &Line) {
        if let Some(news) = &line.news {
            self.note(cx, news);
        }
        match self {
            Self::Lines(lines) => lines.said(cx, &line.who, &line.text),
            Self::Screen(screen) => screen.said(cx.wall(), &line.who, &line.text),
        }
    }

    /// We said something. In lines it stands there already.
    pub(super) fn said(&mut self, cx: &Cx<'_>, me: &str, text: &str) {
        if let Self::Screen(screen) = self {
            screen.said(cx.wall(), me, text);
        }
    }

    /// Tells the user something that nobody said. Where nobody listens, it is lost.
    pub(super) fn note(&mut self, cx: &Cx<'_>, text: &str) {
        match self {
            Self::Lines(_) => drop(writeln!(io::stderr(), "- {text}")),
            Self::Screen(screen) => screen.note(cx.wall(), Kind::Notice, text),
        }
    }

    /// The same of something that went wrong: a code, and what.
    pub(super) fn complain(&mut self, cx: &Cx<'_>, text: &str) {
        match self {
            Self::Lines(_) => drop(writeln!(io::stderr(), "- ! {text}")),
            Self::Screen(screen) => screen.note(cx.wall(), Kind::Wrong, text),
        }
    }
}

//! One thing to show in a room, and the rows that it takes. Pure.

use super::paint::{Look, Row, colour_of};
use super::width::{columns, wrapped};

/// Columns of the time and the blank behind it: where further lines of a text begin.
const INDENT: usize = 6;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said it.
    Said,
    /// Somebody did it.
    Done,
    /// Said to us alone.
    Private,
    /// We said it to one person.
    Whispered,
    /// Of the room: who came, who went.
    News,
    /// An answer of the server, or the client's own word.
    Notice,
    /// Something is wrong.
    Wrong,
}

/// One thing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `HH:MM`, or nothing.
    pub time: String,
    /// What it is.
    pub kind: Kind,
    /// Who, where somebody did.
    pub who: String,
    /// What.
    pub text: String,
    /// Our id, while the server has not said that it is safe.
    pub pending: Option<String>,
    /// From before we came.
    pub old: bool,
    /// It names us.
    pub mention: bool,
}

impl Entry {
    /// A line with nobody behind it.
    #[must_use]
    pub fn plain(kind: Kind, time: &str, text: &str) -> Self {
        let (who, text) = (String::new(), text.to_owned());
        Self { time: time.to_owned(), kind, who, text, pending: None, old: false, mention: false }
    }

    pub(super) fn rows(&self, width: usize, colours: bool) -> Vec<Row> {
        let dim = Look { dim: true, ..Look::default() };
        let colour = |colour| Look { colour: Some(colour).filter(|_| colours), ..Look::default() };
        let name = Look { bold: self.mention, ..colour(colour_of(&self.who)) };
        let (before, who, after) = match self.kind {
            Kind::Said => ("<", self.who.as_str(), "> "),
            Kind::Done => ("* ", self.who.as_str(), " "),
            Kind::Private => ("@", self.who.as_str(), " "),
            Kind::Whispered => ("to @", self.who.as_str(), " "),
            Kind::News => ("-- ", "", ""),
            Kind::Notice => ("- ", "", ""),
            Kind::Wrong => ("! ", "", ""),
        };
        let text = match self.kind {
            Kind::News | Kind::Notice => dim,
            Kind::Wrong => colour(160),
            _ if self.pending.is_some() || self.old => dim,
            _ => Look { bold: self.mention || self.kind == Kind::Private, ..Look::default() },
        };
        let time = format!("{:<1$} ", self.time, INDENT - 1);
        let used = columns(&time) + columns(before) + columns(who) + columns(after);
        // A tab would leave what stood there before.
        let shown = self.text.replace('\t', "    ");
        let lines = wrapped(&shown, width.saturating_sub(used), width.saturating_sub(INDENT));
        let head = Row::new().with(dim, &time).with(text, before).with(name, who).with(text, after);
        let mut rows = vec![head.with(text, lines[0])];
        rows.extend(lines[1..].iter().map(|line| Row::new().with(dim, &" ".repeat(INDENT)).with(text, line)));
        rows
    }
}

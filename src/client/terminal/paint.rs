//! Rows of text with colours, and what to send to a terminal so that it shows them: only what has changed.

use std::fmt::Write as _;

use super::width::{columns, fitting};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// One of the 256 colours.
    pub colour: Option<u8>,
    /// Brighter.
    pub bold: bool,
    /// Darker.
    pub dim: bool,
    /// Dark on light.
    pub reverse: bool,
}

/// A row: pieces of text, from left to right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row(Vec<(Look, String)>);

impl Row {
    /// An empty row.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one piece more.
    #[must_use]
    pub fn with(mut self, look: Look, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push((look, text.to_owned()));
        }
        self
    }

    /// Its columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }

    /// Filled with blanks in a look, up to so many columns.
    #[must_use]
    pub fn filled(self, look: Look, width: usize) -> Self {
        let missing = width.saturating_sub(self.columns());
        self.with(look, &" ".repeat(missing))
    }

    /// What a terminal is sent for it: never more than `width` columns.
    fn escapes(&self, width: usize, out: &mut String) {
        // Erased first, and not behind the text: terminals differ in how wide some characters are.
        out.push_str("\x1b[K");
        let mut left = width;
        for (look, text) in &self.0 {
            let piece = fitting(text, left);
            left -= columns(piece);
            let plain = *look == Look::default();
            if !plain {
                open(*look, out);
            }
            out.push_str(piece);
            if !plain {
                out.push_str("\x1b[0m");
            }
            if piece.len() < text.len() {
                break;
            }
        }
    }
}

fn open(look: Look, out: &mut String) {
    out.push_str("\x1b[0");
    for (is, code) in [(look.bold, ";1"), (look.dim, ";2"), (look.reverse, ";7")] {
        if is {
            out.push_str(code);
        }
    }
    if let Some(colour) = look.colour {
        write!(out, ";38;5;{colour}").expect("a string takes everything");
    }
    out.push('m');
}

/// What a terminal shows, as far as we know.
#[derive(Debug, Default)]
pub struct Canvas {
    size: (usize, usize),
    shown: Vec<Row>,
    cursor: Option<(usize, usize)>,
}

impl Canvas {
    /// Something else was on the terminal, or it has another size: all of it is to be painted anew.
    pub fn forget(&mut self) {
        self.shown.clear();
        self.cursor = None;
    }

    /// What to send so that these rows are shown, and the cursor at a row and column, both from 0.
    pub fn paint(&mut self, rows: Vec<Row>, width: usize, cursor: (usize, usize)) -> String {
        let size = (width, rows.len());
        let mut out = String::new();
        if self.size != size || self.shown.is_empty() {
            self.size = size;
            self.shown.clear();
            self.cursor = None;
            out.push_str("\x1b[0m\x1b[2J");
        }
        for (at, row) in rows.iter().enumerate() {
            if self.shown.get(at) != Some(row) {
                write!(out, "\x1b[{};1H", at + 1).expect("a string takes everything");
                row.escapes(width, &mut out);
            }
        }
        self.shown = rows;
        if out.is_empty() && self.cursor == Some(cursor) {
            return out;
        }
        self.cursor = Some(cursor);
        let (row, column) = (cursor.0 + 1, cursor.1.min(width.saturating_sub(1)) + 1);
        // The cursor is not seen while it wanders.
        format!("\x1b[?25l{out}\x1b[{row};{column}H\x1b[?25h")
    }
}

/// The colour of a name: the same name has always the same. With colours that can be read on light and dark.
#[must_use]
pub fn colour_of(name: &str) -> u8 {
    const COLOURS: [u8; 14] = [31, 34, 35, 37, 64, 67, 71, 97, 99, 130, 132, 136, 161, 167];
    // FNV-1a: every letter counts, and so does its place.
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    let hash = name.to_lowercase().bytes().fold(2_166_136_261, mix);
    COLOURS[hash as usize % COLOURS.len()]
}

/// A terminal that shows what it is sent, for tests.
#[cfg(test)]
pub(super) fn emulator(height: usize, width: usize) -> vt100::Parser {
    let size = |size: usize| u16::try_from(size).ok().and_then(std::num::NonZeroU16::new).expect("a terminal's size");
    vt100::Parser::new(size(height), size(width), 0)
}

/// Its rows.
#[cfg(test)]
pub(super) fn contents(terminal: &vt100::Parser) -> Vec<String> {
    let (_, width) = terminal.screen().size();
    terminal.screen().rows(0, width.get()).map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        Row::new().with(Look::default(), text)
    }

    #[test]
    fn a_terminal_shows_the_rows_and_only_changes_are_sent() {
        let mut terminal = emulator(3, 10);
        let mut canvas = Canvas::default();
        terminal.process(canvas.paint(vec![row("one"), row("two"), row("three")], 10, (2, 5)).as_bytes());
        assert_eq!(contents(&terminal), ["one", "two", "three"]);
        assert_eq!(terminal.screen().cursor_position(), (2, 5));
        let change = canvas.paint(vec![row("one"), row("t"), row("three")], 10, (2, 5));
        assert!(!change.contains("one") && !change.contains("three"), "{change:?}");
        terminal.process(change.as_bytes());
        assert_eq!(contents(&terminal), ["one", "t", "three"]);
        assert_eq!(canvas.paint(vec![row("one"), row("t"), row("three")], 10, (2, 5)), "");
    }

    #[test]
    fn what_is_too_wide_is_cut_and_never_runs_into_the_next_row() {
        let mut terminal = emulator(3, 7);
        let mut canvas = Canvas::default();
        let rows = vec![row("你好世界"), row("abcdefghij"), row("x")];
        terminal.process(canvas.paint(rows, 7, (2, 100)).as_bytes());
        assert_eq!(contents(&terminal), ["你好世", "abcdefg", "x"]);
        assert_eq!(terminal.screen().cursor_position(), (2, 6));
    }

    #[test]
    fn nothing_of_what_stood_there_stays_where_a_terminal_shows_a_text_narrower_than_we_think() {
        let mut terminal = emulator(1, 8);
        let mut canvas = Canvas::default();
        terminal.process(canvas.paint(vec![row("xxxxxxxx")], 8, (0, 0)).as_bytes());
        // Six women of two columns each for us; what the terminal makes of the joiners is its own affair.
        let women = "👩\u{200d}👩".repeat(4);
        terminal.process(canvas.paint(vec![row(&women)], 8, (0, 0)).as_bytes());
        assert!(!contents(&terminal)[0].contains('x'), "{:?}", contents(&terminal));
    }

    #[test]
    fn another_size_paints_everything_anew() {
        let mut canvas = Canvas::default();
        canvas.paint(vec![row("one"), row("two")], 10, (1, 0));
        let mut terminal = emulator(3, 12);
        terminal.process(b"garbage\r\ngarbage\r\ngarbage");
        terminal.process(canvas.paint(vec![row("one"), row("two"), row("")], 12, (1, 0)).as_bytes());
        assert_eq!(contents(&terminal), ["one", "two", ""]);
    }

    #[test]
    fn looks_end_where_their_piece_ends() {
        let mut terminal = emulator(1, 10);
        let mut canvas = Canvas::default();
        let bold = Look { bold: true, colour: Some(31), ..Look::default() };
        terminal
            .process(canvas.paint(vec![Row::new().with(bold, "a").with(Look::default(), "b")], 10, (0, 0)).as_bytes());
        let cell = |column| terminal.screen().cell(0, column).expect("it is there");
        assert!(cell(0).bold() && !cell(1).bold());
        assert_eq!((cell(0).fgcolor(), cell(1).fgcolor()), (vt100::Color::Idx(31), vt100::Color::Default));
    }

    #[test]
    fn a_name_has_its_colour_in_any_case() {
        assert_eq!(colour_of("Ann"), colour_of("ann"));
        assert_ne!(colour_of("ann"), colour_of("bob"));
    }
}

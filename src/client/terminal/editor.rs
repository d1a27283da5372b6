//! The line that is being typed. Pure: keys go in, a line comes out.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::keys::Key;
use crate::services::chat::{holds_a_secret, neutralise};

/// The longest line: what can be said at most, and a command before it.
const LONGEST: usize = 5 * 1024;
/// Lines that Up brings back.
const HISTORY: usize = 500;

/// The editor.
#[derive(Debug, Default)]
pub struct Editor {
    text: String,
    /// Where the cursor stands: a byte between two characters as people see them.
    at: usize,
    history: Vec<String>,
    /// Which line of the history is shown, and what was being typed before.
    shown: Option<usize>,
    draft: String,
    /// What was cut out last.
    killed: String,
    /// More came than fits.
    overflowed: bool,
}

impl Editor {
    /// What is being typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor stands in it.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.at
    }

    /// Did more come than fits, since this was asked last?
    pub fn overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    /// A key was pressed. Answers the line when it was Enter.
    pub fn press(&mut self, key: &Key) -> Option<String> {
        match key {
            Key::Enter => return self.enter(),
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => self.insert(&text.replace("\r\n", " ").replace(['\r', '\n', '\t'], " ")),
            Key::Backspace | Key::Ctrl('h') => self.cut(self.before(), self.at, false),
            Key::Delete | Key::Ctrl('d') => self.cut(self.at, self.after(), false),
            Key::Left | Key::Ctrl('b') => self.at = self.before(),
            Key::Right | Key::Ctrl('f') => self.at = self.after(),
            Key::Home | Key::Ctrl('a') => self.at = 0,
            Key::End | Key::Ctrl('e') => self.at = self.text.len(),
            Key::WordLeft | Key::Alt('b') => self.at = self.word_before(char::is_alphanumeric),
            Key::WordRight | Key::Alt('f') => self.at = self.word_after(),
            Key::Ctrl('w') => self.cut(self.word_before(|c| c != ' '), self.at, true),
            Key::DeleteWord => self.cut(self.word_before(char::is_alphanumeric), self.at, true),
            Key::Alt('d') => self.cut(self.at, self.word_after(), true),
            Key::Ctrl('u') => self.cut(0, self.at, true),
            Key::Ctrl('k') => self.cut(self.at, self.text.len(), true),
            Key::Ctrl('y') => self.insert(&self.killed.clone()),
            Key::Up | Key::Ctrl('p') => self.older(),
            Key::Down | Key::Ctrl('n') => self.newer(),
            _ => {}
        }
        None
    }

    /// Puts a text in the place of what stands between `from` and the cursor.
    pub fn complete(&mut self, from: usize, text: &str) {
        self.text.replace_range(from..self.at, text);
        self.at = from + text.len();
    }

    fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        let (text, rest) = text.split_at(text.floor_char_boundary(room));
        self.overflowed |= !rest.is_empty();
        if text.is_empty() {
            return;
        }
        let clean = neutralise(text);
        self.text.insert_str(self.at, &clean);
        self.at += clean.len();
        // An accent joins the letter before it, and then the cursor must not stand between them.
        self.at = self.boundary(self.at);
    }

    /// The first place between characters that is not before `at`.
    fn boundary(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match cursor.is_boundary(&self.text, 0) {
            Ok(true) => at,
            _ => cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len()),
        }
    }

    fn before(&self) -> usize {
        self.text[..self.at].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.at + self.text[self.at..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self, belongs: impl Fn(char) -> bool) -> usize {
        let before = self.text[..self.at].trim_end_matches(|c: char| !belongs(c));
        before.trim_end_matches(belongs).len()
    }

    fn word_after(&self) -> usize {
        let after = self.text[self.at..].trim_start_matches(|c: char| !c.is_alphanumeric());
        self.text.len() - after.trim_start_matches(char::is_alphanumeric).len()
    }

    fn cut(&mut self, from: usize, to: usize, keep: bool) {
        let cut: String = self.text.drain(from..to).collect();
        if keep && !cut.is_empty() {
            self.killed = cut;
        }
        self.at = from;
    }

    fn enter(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.text);
        self.at = 0;
        self.shown = None;
        self.draft.clear();
        if line.trim().is_empty() {
            return None;
        }
        // A secret is not to be found again by whoever comes to this keyboard next.
        if self.history.last() != Some(&line) && !holds_a_secret(&line) {
            self.history.push(line.clone());
        }
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
        Some(line)
    }

    fn older(&mut self) {
        let place = match self.shown {
            None if !self.history.is_empty() => {
                self.draft.clone_from(&self.text);
                self.history.len() - 1
            }
            Some(place) if place > 0 => place - 1,
            _ => return,
        };
        self.show(Some(place));
    }

    fn newer(&mut self) {
        match self.shown {
            Some(place) if place + 1 < self.history.len() => self.show(Some(place + 1)),
            Some(_) => self.show(None),
            None => {}
        }
    }

    fn show(&mut self, place: Option<usize>) {
        self.shown = place;
        let text = place.map_or(&self.draft, |place| &self.history[place]);
        self.text.clone_from(text);
        self.at = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::terminal::keys::Keyboard;

    /// What stands there after typing, with `|` for the cursor.
    fn after(typed: &str) -> String {
        let mut editor = Editor::default();
        press(&mut editor, typed);
        shown(&editor)
    }

    fn press(editor: &mut Editor, typed: &str) -> Vec<String> {
        Keyboard::default().press(typed.as_bytes()).iter().filter_map(|key| editor.press(key)).collect()
    }

    fn shown(editor: &Editor) -> String {
        format!("{}|{}", &editor.text[..editor.at], &editor.text[editor.at..])
    }

    #[test]
    fn a_line_is_edited_as_in_any_shell() {
        assert_eq!(after("hello\x01X\x05Y"), "XhelloY|");
        assert_eq!(after("one two three\x17\x17"), "one |");
        assert_eq!(after("one two\x1b[D\x1b[D\x15"), "|wo");
        assert_eq!(after("one two\x1bb\x0b"), "one |");
        assert_eq!(after("one two\x1bb\x0b\x01\x19 "), "two |one ");
        assert_eq!(after("one two\x01\x1bf\x1b[3~"), "one|two");
        assert_eq!(after("a.b-c\x1b\x7f\x1b\x7f"), "a.|");
        assert_eq!(after("one two\x01\x1bd"), "| two");
        assert_eq!(after("\x7f\x1b[3~\x1b[D\x1b[C\x17\x15\x0b"), "|");
    }

    #[test]
    fn chinese_accents_and_emoji_are_one_character_each() {
        assert_eq!(after("你好世界\x1b[D\x1b[D\x7f"), "你|世界");
        assert_eq!(after("你好世界\x1b[D\x1b[D们"), "你好们|世界");
        assert_eq!(after("ae\u{301}b\x1b[D\x7f"), "a|b");
        assert_eq!(after("x👩\u{200d}👩\u{200d}👧\x7f"), "x|");
        assert_eq!(after("x🇨🇳y\x1b[D\x1b[D\x1b[3~"), "x|y");
        assert_eq!(after("eb\x1b[D\u{301}"), "e\u{301}|b");
    }

    #[test]
    fn the_history_brings_lines_back_and_keeps_what_was_being_typed() {
        let mut editor = Editor::default();
        assert_eq!(press(&mut editor, "one\rtwo\r\r  \rtwo\r"), ["one", "two", "two"]);
        press(&mut editor, "draft\x1b[A");
        assert_eq!(shown(&editor), "two|");
        press(&mut editor, "\x1b[A\x1b[A");
        assert_eq!(shown(&editor), "one|");
        press(&mut editor, "\x1b[B\x1b[B");
        assert_eq!(shown(&editor), "draft|");
    }

    #[test]
    fn secrets_are_not_kept_in_the_history() {
        let mut editor = Editor::default();
        for line in ["/login ann secret", "/LOGIN ann secret", " /login ann secret", "/lock secret", "/join den secret"]
        {
            press(&mut editor, &format!("{line}\r\x1b[A"));
            assert_eq!(shown(&editor), "|", "{line}");
        }
        press(&mut editor, "/join den\r\x1b[A");
        assert_eq!(shown(&editor), "/join den|");
    }

    #[test]
    fn a_paste_is_one_line_and_speaks_to_no_terminal() {
        assert_eq!(after("\x1b[200~one\r\ntwo\tthree\x1b[2J\x1b[201~"), "one two three\u{fffd}[2J|");
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_known() {
        let mut editor = Editor::default();
        press(&mut editor, "\x1b[200~first\x1b[201~");
        assert!(!editor.overflowed());
        press(&mut editor, &format!("\x1b[200~{}\x1b[201~", "x".repeat(100_000)));
        assert!(editor.overflowed() && !editor.overflowed());
        assert_eq!(editor.text(), format!("first{}", "x".repeat(LONGEST - 5)));
        assert_eq!(press(&mut editor, "y\r").len(), 1);
        assert!(editor.overflowed() && editor.text().is_empty());
    }

    #[test]
    fn the_line_is_bounded() {
        let mut editor = Editor::default();
        for _ in 0..60 {
            press(&mut editor, &format!("\x1b[200~{}\x1b[201~", "你好".repeat(20)));
        }
        assert!(editor.text.len() <= LONGEST);
    }

    #[test]
    fn any_keys_leave_the_cursor_between_characters() {
        let pieces = [
            "a",
            "你",
            "e\u{301}",
            "👩\u{200d}👧",
            " ",
            "\x1b[D",
            "\x1b[C",
            "\x7f",
            "\x17",
            "\x1bb",
            "\x1bf",
            "\x01",
            "\x19",
            "\u{200d}",
        ];
        let mut state: u32 = 1;
        let mut editor = Editor::default();
        for _ in 0..2_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            press(&mut editor, pieces[(state >> 16) as usize % pieces.len()]);
            assert!(editor.text.is_char_boundary(editor.at), "{}", editor.text);
            assert!(editor.at <= editor.text.len());
        }
    }
}

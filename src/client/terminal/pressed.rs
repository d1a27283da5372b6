//! What becomes of a key that was pressed.

use super::Terminal;
use super::complete;
use super::entry::Kind;
use super::keys::Key;
use crate::hub::Cx;

impl Terminal {
    pub(super) fn keys(&mut self, cx: &mut Cx<'_>, keys: &[Key]) {
        for key in keys {
            self.key(cx, key);
        }
        if self.editor.overflowed() {
            self.notice(cx, Kind::Wrong, "the line is full, and what came behind it was left out");
        }
    }

    fn key(&mut self, cx: &mut Cx<'_>, key: &Key) {
        let page = isize::try_from(self.window.size().1.saturating_sub(3).max(1)).unwrap_or(1);
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
            Key::Ctrl('c') => self.leave(cx, ""),
            Key::Ctrl('d') if self.editor.text().is_empty() => self.leave(cx, ""),
            key => {
                if let Some(line) = self.editor.press(key) {
                    self.board.current_mut().scroll = 0;
                    self.line(cx, &line);
                }
            }
        }
    }
}

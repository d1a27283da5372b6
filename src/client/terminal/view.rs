//! The whole screen: what was said, a line about how things are, and the line being typed. Pure.

use unicode_segmentation::UnicodeSegmentation;

use super::board::Board;
use super::editor::Editor;
use super::paint::{Look, Row};
use super::width::columns;

/// What stands before the line being typed.
const PROMPT: &str = "> ";

/// The screen, and where the cursor stands.
pub fn screen(
    board: &mut Board,
    editor: &Editor,
    title: &str,
    status: &str,
    (width, height): (usize, usize),
) -> (Vec<Row>, (usize, usize)) {
    board.width = width;
    let mut rows = board.rows(height.saturating_sub(2));
    if height >= 2 {
        rows.push(status_row(board, title, status, width));
    }
    let (row, column) = input(editor, width);
    rows.push(row);
    (rows, (height.saturating_sub(1), column))
}

fn status_row(board: &Board, title: &str, status: &str, width: usize) -> Row {
    let bar = Look { reverse: true, ..Look::default() };
    let loud = Look { bold: true, ..bar };
    let room = board.current();
    let here = if room.members.is_empty() { String::new() } else { format!(" {} here |", room.members.len()) };
    let mut row = Row::new().with(loud, &format!(" {title} ")).with(bar, &format!("|{here} {status} "));
    if room.scroll > 0 {
        row = row.with(loud, &format!("| {} lines below ", room.scroll));
    }
    for (place, other) in board.rooms.iter().enumerate().filter(|(place, _)| *place != board.place()) {
        let mark = match (other.unread, other.named) {
            (0, _) => String::new(),
            (count, false) => format!("({count})"),
            (count, true) => format!("({count}!)"),
        };
        let look = if other.unread > 0 { loud } else { bar };
        row = row.with(look, &format!("| {}:{}{mark} ", place + 1, other.name));
    }
    row.filled(bar, width)
}

/// The line being typed, moved so that the cursor is in sight; and the cursor's column.
fn input(editor: &Editor, width: usize) -> (Row, usize) {
    let (text, at) = (editor.text(), editor.cursor());
    let mut room = width.saturating_sub(PROMPT.len() + 1);
    // As many characters before the cursor as fit, the nearest first.
    let before = text[..at].grapheme_indices(true).rev().take_while(|(_, character)| {
        let used = columns(character);
        let fits = used <= room;
        room -= if fits { used } else { 0 };
        fits
    });
    let start = before.last().map_or(at, |(start, _)| start);
    let bold = Look { bold: true, ..Look::default() };
    let prompt = if start > 0 { "< " } else { PROMPT };
    let row = Row::new().with(bold, prompt).with(Look::default(), &text[start..]);
    (row, PROMPT.len() + columns(&text[start..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::terminal::entry::{Entry, Kind};
    use crate::client::terminal::keys::Keyboard;
    use crate::client::terminal::paint::{Canvas, contents, emulator};

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        for key in Keyboard::default().press(text.as_bytes()) {
            editor.press(&key);
        }
        editor
    }

    fn shown(editor: &Editor, width: usize, height: usize) -> (Vec<String>, (u16, u16)) {
        let mut board = Board::new("lobby", true);
        board.add(None, Entry { who: "ann".to_owned(), ..Entry::plain(Kind::Said, "12:34", "你好, everybody") });
        let (rows, cursor) = screen(&mut board, editor, "#lobby", "bob | 12 ms", (width, height));
        let mut terminal = emulator(height, width);
        terminal.process(Canvas::default().paint(rows, width, cursor).as_bytes());
        (contents(&terminal), terminal.screen().cursor_position())
    }

    #[test]
    fn the_screen_has_what_was_said_then_how_things_are_then_what_is_typed() {
        let (lines, cursor) = shown(&typed("你好吗\x1b[D"), 40, 4);
        assert_eq!(lines, ["", "12:34 <ann> 你好, everybody", " #lobby | bob | 12 ms", "> 你好吗"]);
        assert_eq!(cursor, (3, 6));
    }

    #[test]
    fn a_line_that_is_too_long_is_moved_so_that_the_cursor_is_in_sight() {
        let (lines, cursor) = shown(&typed("0123456789abcdefghij"), 12, 4);
        assert_eq!((lines[3].as_str(), cursor), ("< bcdefghij", (3, 11)));
        let (lines, cursor) = shown(&typed("一二三四五六七八九十"), 12, 4);
        assert_eq!((lines[3].as_str(), cursor), ("< 七八九十", (3, 10)));
        let (lines, cursor) = shown(&typed("0123456789abcdefghij\x01"), 12, 4);
        assert_eq!((lines[3].as_str(), cursor), ("> 0123456789", (3, 2)));
    }

    #[test]
    fn characters_of_several_pieces_are_whole_or_not_there_at_the_edge() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let text = format!("ab{family}e\u{301}{family}cd你");
        for width in 4..24 {
            let (lines, cursor) = shown(&typed(&text), width, 4);
            let line = lines[3].replacen(['>', '<'], "", 1);
            assert!(text.ends_with(line.trim_start()), "{width}: {line:?}");
            assert!(usize::from(cursor.1) < width, "{width}: {cursor:?}");
        }
    }

    #[test]
    fn the_longest_line_is_shown_at_once_wherever_the_cursor_stands() {
        let mut editor = typed(&format!("\x1b[200~{}\x1b[201~", "你".repeat(1700)));
        for _ in 0..200 {
            let (row, column) = input(&editor, 80);
            assert_eq!((row.columns() >= 78, column <= 79), (true, true));
            editor.press(&crate::client::terminal::keys::Key::Left);
        }
    }

    #[test]
    fn no_size_is_too_small() {
        for width in 1..12 {
            for height in 1..6 {
                shown(&typed("你好 everybody"), width, height);
            }
        }
    }
}

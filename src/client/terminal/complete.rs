//! What Tab makes of the word before the cursor: commands, rooms, names. Pure.

use super::board::Board;
use super::editor::Editor;
use crate::services::chat::COMMANDS;

/// Commands behind which a room stands.
const ROOM_COMMANDS: [&str; 5] = ["/join", "/leave", "/who", "/history", "/room"];
/// Commands that the client has besides the server's.
const OWN: [&str; 2] = ["room", "clear"];

/// A word that is being completed: each further Tab shows the next that it may be.
#[derive(Debug)]
pub struct Completion {
    from: usize,
    choices: Vec<String>,
    at: usize,
    /// The line as we left it: whoever changed it since begins anew.
    left: String,
}

/// Tab was pressed, or Shift and Tab.
pub fn complete(editor: &mut Editor, board: &Board, before: Option<Completion>, back: bool) -> Option<Completion> {
    let mut going = if let Some(mut going) = before.filter(|going| going.left == editor.text()) {
        let count = going.choices.len();
        going.at = (going.at + if back { count - 1 } else { 1 }) % count;
        going
    } else {
        let head = &editor.text()[..editor.cursor()];
        let from = head.rfind(' ').map_or(0, |blank| blank + 1);
        let choices = choices(&head[from..], &head[..from], board);
        if choices.is_empty() {
            return None;
        }
        Completion { from, choices, at: 0, left: String::new() }
    };
    editor.complete(going.from, &going.choices[going.at]);
    editor.text().clone_into(&mut going.left);
    Some(going)
}

fn choices(word: &str, head: &str, board: &Board) -> Vec<String> {
    let begins = |name: &str, with: &str| name.to_lowercase().starts_with(&with.to_lowercase());
    if let Some(command) = word.strip_prefix('/').filter(|_| head.is_empty()) {
        let mut names: Vec<&str> = COMMANDS.iter().map(|entry| entry.name).chain(OWN).collect();
        names.sort_unstable();
        names.dedup();
        return names.iter().filter(|name| begins(name, command)).map(|name| format!("/{name} ")).collect();
    }
    let (mark, bare) = match word.chars().next() {
        Some(mark @ ('#' | '@')) => word.split_at(mark.len_utf8()),
        _ => ("", word),
    };
    if mark == "#" || ROOM_COMMANDS.contains(&head.trim_end()) {
        let rooms = board.rooms.iter().filter(|room| begins(&room.name, bare));
        return rooms.map(|room| format!("{mark}{} ", room.name)).collect();
    }
    let end = if head.is_empty() && mark.is_empty() { ": " } else { " " };
    let names = board.current().members.iter().filter(|name| !bare.is_empty() && begins(name, bare));
    names.map(|name| format!("{mark}{name}{end}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::terminal::keys::Keyboard;

    fn board() -> Board {
        let mut board = Board::new("lobby", false);
        board.set_rooms(&["lobby".to_owned(), "linux".to_owned()]);
        for name in ["Alice", "alan", "bob"] {
            board.rooms[0].came(name);
        }
        board
    }

    /// The line after typing and so many Tabs.
    fn after(typed: &str, tabs: usize) -> String {
        let mut editor = Editor::default();
        for key in Keyboard::default().press(typed.as_bytes()) {
            editor.press(&key);
        }
        let mut going = None;
        for _ in 0..tabs {
            going = complete(&mut editor, &board(), going, false);
        }
        editor.text().to_owned()
    }

    #[test]
    fn names_rooms_and_commands_are_completed_where_they_belong() {
        assert_eq!(after("al", 1), "Alice: ");
        assert_eq!(after("al", 2), "alan: ");
        assert_eq!(after("al", 3), "Alice: ");
        assert_eq!(after("hello AL", 1), "hello Alice ");
        assert_eq!(after("@b", 1), "@bob ");
        assert_eq!(after("/ni", 1), "/nick ");
        assert_eq!(after("/join l", 1), "/join lobby ");
        assert_eq!(after("see #li", 1), "see #linux ");
        assert_eq!(after("nobody", 1), "nobody");
        assert_eq!(after("", 1), "");
    }

    #[test]
    fn what_stands_behind_the_cursor_stays() {
        assert_eq!(after("bo there\x01\x1bf", 1), "bob:  there");
    }
}

//! What was said in each room, as far back as it is kept here, and what of it nobody has seen yet. Pure.

use std::collections::{BTreeSet, VecDeque};

use super::entry::{Entry, Kind};
use super::paint::Row;

/// Lines kept of each room. Further back there is `/history`.
const KEPT: usize = 5000;
/// And their text together: as much as a chat says in days, and little for a machine with a screen.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// Members whose names are kept for the count and for Tab.
const MEMBERS: usize = 10_000;

/// One room.
#[derive(Debug, Default)]
pub struct Room {
    /// Its name.
    pub name: String,
    entries: VecDeque<Entry>,
    /// Of their texts.
    bytes: usize,
    /// What came while another room was looked at.
    pub unread: usize,
    /// Some of it names us.
    pub named: bool,
    /// Who is here, as far as we know.
    pub members: BTreeSet<String>,
    /// How many rows up from the newest we look.
    pub scroll: usize,
}

impl Room {
    /// Somebody came.
    pub fn came(&mut self, name: &str) {
        if self.members.len() < MEMBERS {
            self.members.insert(name.to_owned());
        }
    }
}

/// All rooms.
#[derive(Debug)]
pub struct Board {
    /// In the order of Alt and a number.
    pub rooms: Vec<Room>,
    current: usize,
    /// Columns of the terminal.
    pub width: usize,
    colours: bool,
}

impl Board {
    /// With one room.
    #[must_use]
    pub fn new(room: &str, colours: bool) -> Self {
        let room = Room { name: room.to_owned(), ..Room::default() };
        Self { rooms: vec![room], current: 0, width: 80, colours }
    }

    /// The room that is looked at.
    #[must_use]
    pub fn current(&self) -> &Room {
        &self.rooms[self.current]
    }

    /// Its place.
    #[must_use]
    pub fn place(&self) -> usize {
        self.current
    }

    /// The same, to be changed.
    pub fn current_mut(&mut self) -> &mut Room {
        &mut self.rooms[self.current]
    }

    /// A room by its name.
    pub fn room_mut(&mut self, name: &str) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.name == name)
    }

    /// These are the rooms from now on. A new one is looked at, if there were others before.
    pub fn set_rooms(&mut self, names: &[String]) {
        let looked_at = self.current().name.clone();
        let had = !self.current().entries.is_empty();
        self.rooms.retain(|room| names.contains(&room.name));
        let mut new = None;
        for name in names {
            if self.room_mut(name).is_none() {
                self.rooms.push(Room { name: name.clone(), ..Room::default() });
                new = Some(self.rooms.len() - 1);
            }
        }
        let before = self.rooms.iter().position(|room| room.name == looked_at);
        let place = if had { new.or(before) } else { before.or(Some(0)) };
        self.look_at(place.unwrap_or(0));
    }

    /// Looks at a room; `false` if there is none of this number.
    pub fn look_at(&mut self, place: usize) -> bool {
        if place >= self.rooms.len() {
            return false;
        }
        self.current = place;
        let room = self.current_mut();
        (room.unread, room.named) = (0, false);
        true
    }

    /// Somebody has another name, in every room where they are.
    pub fn renamed(&mut self, from: &str, to: &str) {
        for room in &mut self.rooms {
            if room.members.remove(from) {
                room.came(to);
            }
        }
    }

    /// Adds a line to a room, or to the one that is looked at. What one looks at while looking back stays where it is.
    pub fn add(&mut self, room: Option<&str>, entry: Entry) {
        let place = room.and_then(|name| self.rooms.iter().position(|room| room.name == name)).unwrap_or(self.current);
        let rows = entry.rows(self.width, self.colours).len();
        let is_current = place == self.current;
        let room = &mut self.rooms[place];
        if room.scroll > 0 {
            room.scroll += rows;
        }
        if !is_current && !entry.old && matches!(entry.kind, Kind::Said | Kind::Done | Kind::Private) {
            room.unread += 1;
            room.named |= entry.mention;
        }
        room.bytes += entry.text.len();
        room.entries.push_back(entry);
        while room.entries.len() > KEPT || room.bytes > KEPT_BYTES {
            let Some(oldest) = room.entries.pop_front() else { break };
            room.bytes -= oldest.text.len();
        }
    }

    /// What was said under this id is safe.
    pub fn confirm(&mut self, id: &str) {
        for room in &mut self.rooms {
            let own = room.entries.iter_mut().rev().find(|entry| entry.pending.as_deref() == Some(id));
            if let Some(entry) = own {
                entry.pending = None;
            }
        }
    }

    /// Looks further back, or forth again.
    pub fn scroll(&mut self, rows: isize) {
        let room = self.current_mut();
        room.scroll = room.scroll.saturating_add_signed(rows);
    }

    /// Forgets what was said in the room that is looked at.
    pub fn clear(&mut self) {
        let room = self.current_mut();
        room.entries.clear();
        (room.bytes, room.scroll) = (0, 0);
    }

    /// The last rows of the room that is looked at, or those further back.
    pub fn rows(&mut self, height: usize) -> Vec<Row> {
        let (width, colours) = (self.width, self.colours);
        let room = self.current_mut();
        let wanted = height + room.scroll;
        let mut rows: VecDeque<Row> = VecDeque::new();
        for entry in room.entries.iter().rev() {
            if rows.len() >= wanted {
                break;
            }
            for row in entry.rows(width, colours).into_iter().rev() {
                rows.push_front(row);
            }
        }
        // One can't look further back than there is something.
        room.scroll = room.scroll.min(rows.len().saturating_sub(height));
        let end = rows.len() - room.scroll;
        let mut shown: Vec<Row> = rows.range(end.saturating_sub(height)..end).cloned().collect();
        let missing = height - shown.len();
        shown.splice(0..0, vec![Row::new(); missing]);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::terminal::paint::{Canvas, contents, emulator};

    fn said(text: &str) -> Entry {
        Entry { who: "ann".to_owned(), ..Entry::plain(Kind::Said, "12:34", text) }
    }

    fn board(width: usize) -> Board {
        Board { width, ..Board::new("lobby", false) }
    }

    fn shown(board: &mut Board, height: usize) -> Vec<String> {
        let mut terminal = emulator(height, 80);
        let rows = board.rows(height);
        terminal.process(Canvas::default().paint(rows, 80, (0, 0)).as_bytes());
        contents(&terminal)
    }

    #[test]
    fn lines_have_their_time_their_name_and_are_wrapped_under_themselves() {
        let mut board = board(26);
        board.add(None, said("one two three four five"));
        board.add(None, Entry { kind: Kind::Done, ..said("waves") });
        board.add(None, Entry::plain(Kind::News, "12:35", "bob joined"));
        let wanted = ["", "12:34 <ann> one two three", "      four five", "12:34 * ann waves", "12:35 -- bob joined"];
        assert_eq!(shown(&mut board, 5), wanted);
    }

    #[test]
    fn looking_back_stays_where_it_is_while_others_speak() {
        let mut board = board(80);
        for number in 0..100 {
            board.add(None, said(&number.to_string()));
        }
        board.scroll(10);
        let before = shown(&mut board, 3);
        assert_eq!(before[2], "12:34 <ann> 89");
        board.add(None, said("later"));
        assert_eq!(shown(&mut board, 3), before);
        board.scroll(-1000);
        assert_eq!(shown(&mut board, 3)[2], "12:34 <ann> later");
        board.scroll(1000);
        assert_eq!(shown(&mut board, 3)[0], "12:34 <ann> 0");
    }

    #[test]
    fn what_is_said_elsewhere_is_counted_until_it_is_looked_at() {
        let mut board = board(80);
        board.set_rooms(&["lobby".to_owned(), "tea".to_owned()]);
        board.add(Some("tea"), said("x"));
        board.add(Some("tea"), Entry { mention: true, ..said("y") });
        board.add(Some("tea"), Entry::plain(Kind::News, "", "bob joined"));
        assert_eq!((board.rooms[1].unread, board.rooms[1].named), (2, true));
        assert!(board.look_at(1) && !board.look_at(7));
        assert_eq!((board.rooms[1].unread, board.rooms[1].named), (0, false));
    }

    #[test]
    fn a_new_room_is_looked_at_and_one_that_was_left_is_gone() {
        let mut board = board(80);
        board.add(None, said("x"));
        board.set_rooms(&["lobby".to_owned(), "tea".to_owned()]);
        assert_eq!(board.current().name, "tea");
        board.set_rooms(&["lobby".to_owned()]);
        assert_eq!((board.current().name.as_str(), board.rooms.len()), ("lobby", 1));
    }

    #[test]
    fn a_tab_leaves_nothing_of_what_stood_there_before() {
        let mut board = board(40);
        board.add(None, said("0123456789"));
        let mut canvas = Canvas::default();
        let mut terminal = emulator(1, 40);
        terminal.process(canvas.paint(board.rows(1), 40, (0, 0)).as_bytes());
        board.add(None, said("a\tb"));
        terminal.process(canvas.paint(board.rows(1), 40, (0, 0)).as_bytes());
        assert_eq!(contents(&terminal), ["12:34 <ann> a    b"]);
    }

    #[test]
    fn long_texts_count_for_more() {
        let mut board = board(80);
        for _ in 0..200 {
            board.add(None, said(&"x".repeat(KEPT_BYTES / 100)));
        }
        assert_eq!(board.current().entries.len(), 100);
        assert_eq!(board.current().bytes, 100 * (KEPT_BYTES / 100));
        board.clear();
        assert_eq!(board.current().bytes, 0);
    }

    #[test]
    fn whoever_has_another_name_is_one_and_not_two() {
        let mut board = board(80);
        board.current_mut().came("ann");
        board.renamed("ann", "anna");
        board.renamed("nobody", "somebody");
        assert_eq!(board.current().members.iter().collect::<Vec<_>>(), ["anna"]);
    }

    #[test]
    fn a_room_is_kept_to_a_bound() {
        let mut board = board(80);
        for _ in 0..KEPT + 10 {
            board.add(None, said("x"));
        }
        assert_eq!(board.current().entries.len(), KEPT);
    }
}

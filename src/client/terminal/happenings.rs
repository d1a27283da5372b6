//! What becomes of what happens in the chat: where it is shown, and what it changes.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

use super::Terminal;
use super::entry::{Entry, Kind};
use crate::client::chat::naming;
use crate::client::chat::{Event, Heard, News, Said};
use crate::client::trouble::Trouble;
use crate::hub::{Cx, Wall};
use crate::services::chat::neutralise;

impl Terminal {
    /// Draws the consequences of whatever happened.
    pub(super) fn follow(&mut self, cx: &mut Cx<'_>) {
        while let Some(news) = self.talk.news() {
            self.window.change();
            match news {
                News::Event(event) => self.event(cx, event),
                News::Down(trouble, pause) => self.went_down(cx, &trouble, pause),
                News::RoundTrip(time) => self.round_trip = Some(time),
            }
        }
        self.talk.send(cx);
        let me = self.talk.conversation.me();
        if me != self.me {
            self.board.renamed(&self.me, me);
            me.clone_into(&mut self.me);
        }
    }

    fn went_down(&mut self, cx: &mut Cx<'_>, trouble: &Trouble, pause: Option<Duration>) {
        self.round_trip = None;
        self.lists.clear();
        match pause {
            _ if self.leaving => self.end(cx),
            Some(pause) => {
                if self.down.is_none() {
                    self.notice(cx, Kind::Wrong, &format!("no connection: {trouble}"));
                }
                self.down = Some((trouble.to_string(), cx.now() + pause));
            }
            None => self.fail_to_stand(cx, trouble),
        }
    }

    fn fail_to_stand(&mut self, cx: &mut Cx<'_>, trouble: &Trouble) {
        let why = self.talk.ended(trouble);
        self.fail(cx, &why);
    }

    fn fail(&mut self, cx: &mut Cx<'_>, why: &str) {
        self.failure.get_or_insert(why.to_owned());
        self.talk.hang_up(cx);
        self.end(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        match event {
            Event::Ready(back) => {
                if !self.window.is_open()
                    && let Err(error) = self.window.open(cx)
                {
                    return self.fail(cx, &format!("the terminal: {error}"));
                }
                if !back {
                    self.board.look_at(0);
                }
                if back && self.down.take().is_some() {
                    self.notice(cx, Kind::Notice, "connected again");
                }
                self.enter_rooms(true);
                self.talk.measure(cx);
            }
            Event::Heard(_, heard) => self.heard(cx, heard),
            Event::Receipt(id, _) => {
                self.board.confirm(&id);
            }
            Event::Refused(saying) => self.notice(cx, Kind::Wrong, &format!("not said: {}", neutralise(&saying.text))),
            Event::Pong(_) => {}
            Event::Failed(why) => self.fail_to_stand(cx, &Trouble::Wrong(why)),
        }
    }

    /// Shows the rooms that we are in, and asks who else is in those that are new.
    fn enter_rooms(&mut self, all: bool) {
        let rooms = self.rooms();
        let new = |room: &&String| all || self.board.rooms.iter().all(|known| known.name != **room);
        let asked: Vec<&String> = rooms.iter().filter(new).collect();
        for room in asked {
            self.lists.push_back(true);
            if let Some(known) = self.board.room_mut(room) {
                // Who is here is told from the beginning.
                known.members.clear();
            }
            self.talk.conversation.outgoing.command(&format!("/who #{room}"));
        }
        self.board.set_rooms(&rooms);
    }

    fn time(&self, at: &str) -> String {
        at.parse::<Timestamp>().map_or_else(|_| String::new(), |at| self.shown(at))
    }

    /// The calendar time of this turn, as our own words show it.
    pub(super) fn time_now(&self, wall: Wall) -> String {
        let millis = i64::try_from(wall.millis()).unwrap_or_default();
        Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |at| self.shown(at))
    }

    fn shown(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    fn heard(&mut self, cx: &mut Cx<'_>, heard: Heard) {
        let now = self.time_now(cx.wall());
        match heard {
            Heard::Message(said) => self.said(&said, Kind::Said),
            Heard::Action(said) => self.said(&said, Kind::Done),
            Heard::Private { from, at, text } => {
                let (who, text) = (naming::tidy(&from), neutralise(&text).into_owned());
                self.rings |= self.settings.bell;
                let entry = Entry::plain(Kind::Private, &self.time(&at), &text);
                self.board.add(None, Entry { who, ..entry });
            }
            Heard::Join { room, from, at, back } => {
                let back = if back { " (back)" } else { "" };
                self.news(&room, &at, &format!("{from} joined{back}"));
                if let Some(room) = self.board.room_mut(&room) {
                    room.came(&naming::tidy(&from));
                }
            }
            Heard::Leave { room, from, at, reason } => {
                self.news(&room, &at, &format!("{from} left ({reason})"));
                if let Some(room) = self.board.room_mut(&room) {
                    room.members.remove(&naming::tidy(&from));
                }
            }
            Heard::Nick { room, from, at, to } => {
                self.news(&room, &at, &format!("{from} is now {to}"));
                if let Some(room) = self.board.room_mut(&room) {
                    room.members.remove(&naming::tidy(&from));
                    room.came(&naming::tidy(&to));
                }
            }
            Heard::Topic { room, from, at, text } => self.news(&room, &at, &format!("{from} topic: {text}")),
            Heard::Gap { room, from_seq, to_seq } => {
                let text = format!("what was said here from number {from_seq} to {to_seq} is not to be had");
                self.board.add(Some(&room), Entry::plain(Kind::Notice, &now, &text));
            }
            Heard::Info { text } => self.answer(&now, &text),
            Heard::End { of } => {
                if of == "who" {
                    self.lists.pop_front();
                }
            }
            Heard::Error { code, text } => {
                if code == "not-member" {
                    self.lists.pop_front();
                }
                let text = neutralise(&text);
                self.board.add(None, Entry::plain(Kind::Wrong, &now, &text));
            }
            Heard::Welcome { .. }
            | Heard::Receipt { .. }
            | Heard::Ping { .. }
            | Heard::Pong { .. }
            | Heard::Unknown => {}
        }
    }

    fn said(&mut self, said: &Said, kind: Kind) {
        let text = neutralise(&said.text).into_owned();
        let me = self.talk.conversation.me();
        let mention = said.from != me && names(&text, me);
        self.rings |= mention && self.settings.bell && !said.old;
        let who = naming::tidy(&said.from);
        if let Some(room) = self.board.room_mut(&said.room).filter(|room| !said.old && !room.members.contains(&who)) {
            room.came(&who);
        }
        let entry = Entry::plain(kind, &self.time(&said.at), &text);
        self.board.add(Some(&said.room), Entry { who, old: said.old, mention, ..entry });
    }

    fn news(&mut self, room: &str, at: &str, text: &str) {
        let entry = Entry::plain(Kind::News, &self.time(at), &neutralise(text));
        self.board.add(Some(room), entry);
    }

    fn answer(&mut self, now: &str, text: &str) {
        if self.lists.front() == Some(&true)
            && let Some((room, names)) = text.strip_prefix('#').and_then(|rest| rest.split_once(':'))
        {
            let room = self.talk.conversation.spelled(room);
            if let Some(room) = self.board.room_mut(&room) {
                names.split_whitespace().for_each(|name| room.came(&naming::tidy(name)));
            }
            return;
        }
        self.enter_rooms(false);
        if !self.leaving {
            self.board.add(None, Entry::plain(Kind::Notice, now, &neutralise(text)));
        }
    }
}

/// Does a text have this name in it, as a word of its own? Chinese, Japanese and Korean stand without blanks between words.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let joins = |c: char| (c.is_alphanumeric() || c == '_' || c == '-') && c.width() != Some(2);
    let ends = |one: Option<char>, other: Option<char>| !(one.is_some_and(joins) && other.is_some_and(joins));
    let stands = |(at, found): (usize, &str)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        ends(before.chars().next_back(), found.chars().next()) && ends(found.chars().next_back(), after.chars().next())
    };
    !name.is_empty() && text.match_indices(&name).any(stands)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_is_found_as_a_word_in_any_case() {
        assert!(names("Ann: hello", "ann") && names("hello, ANN!", "ann") && names("@ann", "ann"));
        assert!(names("小明，你好", "小明") && names("你好小明啊", "小明") && names("annie ann", "ann"));
        assert!(!names("Anna", "ann") && !names("plan", "ann") && !names("ann-marie", "ann") && !names("x", ""));
    }
}

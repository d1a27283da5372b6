//! Answers that say how things are: who is where, what can be done, what the kernel knows.

use std::fmt::Write as _;

use super::Chat;
use super::doors::Doors;
use super::language::Speech;
use super::language::{COMMANDS, Complaint};
use super::replay::Replay;
use super::rooms::{PersonId, RoomId, Rooms};
use super::standing::{Standing, needed};
use crate::hub::{Cx, Done, Inspection};

/// Bytes of names in one line of a list.
const LINE: usize = 400;

/// A line of the members of a room from a place on, and the place where the next line begins.
pub(super) fn members(rooms: &Rooms, room: RoomId, from: usize) -> (String, Option<usize>) {
    let mut text = format!("#{}:", rooms.room_name(room));
    let members = rooms.members(room);
    for (at, member) in members.iter().enumerate().skip(from) {
        if text.len() > LINE {
            return (text, Some(at));
        }
        write!(text, " {}", rooms.name(member.person)).expect("a string takes everything");
    }
    if from > 0 && from >= members.len() { (String::new(), None) } else { (text, None) }
}

/// A line about rooms from a place on, and the place where the next line begins.
pub(super) fn rooms(rooms: &Rooms, doors: &Doors, from: usize) -> (String, Option<usize>) {
    let Some((room, next)) = rooms.room_from(from) else { return (String::new(), None) };
    let (name, topic) = (rooms.room_name(room), rooms.topic(room));
    if doors.is_locked(name) {
        return (String::new(), Some(next));
    }
    let mut text = format!("#{name}: {} here", rooms.members(room).len());
    if !topic.is_empty() {
        write!(text, "; topic: {topic}").expect("a string takes everything");
    }
    (text, Some(next))
}

impl Chat {
    pub(super) fn list_rooms(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        self.begin_replay(cx, person, Replay::Rooms { from: 0 });
    }

    pub(super) fn list_members(&mut self, cx: &mut Cx<'_>, person: PersonId, room: Option<&str>) {
        match self.room_of(person, room) {
            Ok(room) => self.begin_replay(cx, person, Replay::Members { room, from: 0 }),
            Err(Complaint { code, text }) => self.complain(cx, person, code, &text),
        }
    }

    pub(super) fn show_history(&mut self, cx: &mut Cx<'_>, person: PersonId, room: Option<&str>, count: Option<u32>) {
        const USUAL: u32 = 50;
        match self.room_of(person, room) {
            Err(Complaint { code, text }) => self.complain(cx, person, code, &text),
            Ok(_) if self.keeper.is_off() || self.keeper.is_stopped() => self.complain_of_no_history(cx, person),
            Ok(room) => {
                // Counted when this turn's batch is written: what the asker has just said is part of it.
                self.begin_replay(cx, person, Replay::Latest { room, count: count.unwrap_or(USUAL) });
            }
        }
    }

    pub(super) fn complain_of_no_history(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        self.complain(
            cx,
            person,
            "no-history",
            "this server keeps no history now; only what is said from here on is heard",
        );
    }

    pub(super) fn show_stats(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let text =
            format!("{} people in {} rooms; {}", self.rooms.people(), self.rooms.rooms(), self.keeper.describe());
        self.inform(cx, person, &text);
        let _ = self.tell(cx, person, &Speech::End { of: "stats" });
    }

    pub(super) fn help(&mut self, cx: &mut Cx<'_>, person: PersonId, topic: Option<&str>) {
        // All of it is long, and told as fast as it is read. Strangers are told little, and one thing at a time.
        if topic.is_none() && self.steward.standing(person) > Standing::Stranger {
            return self.begin_replay(cx, person, Replay::Help);
        }
        self.tell_help(cx, person, topic);
    }

    pub(super) fn tell_help(&mut self, cx: &mut Cx<'_>, person: PersonId, topic: Option<&str>) {
        let topic = topic.map(|topic| topic.trim_start_matches('/').to_ascii_lowercase());
        let mut found = false;
        let standing = self.steward.standing(person);
        for entry in COMMANDS {
            // Strangers may owe us little, and can do little.
            let may = standing > Standing::Stranger || needed(entry.name) == Some(Standing::Stranger);
            if topic.as_ref().map_or(may, |topic| entry.name == *topic) {
                found = true;
                self.inform(cx, person, &format!("{}: {}", entry.usage, entry.line));
            }
        }
        if found {
            let _ = self.tell(cx, person, &Speech::End { of: "help" });
        } else {
            self.complain(cx, person, "unknown-command", "there is no such command; /help lists all");
        }
    }

    pub(super) fn inspect(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        match cx.inspect(conn) {
            Ok(job) => self.inspecting.push((job, person)),
            Err(_) => self.complain(cx, person, "busy", "too much is being asked at once; try again"),
        }
    }

    pub(super) fn show_inspection(&mut self, cx: &mut Cx<'_>, person: PersonId, result: Done) {
        let facts = result.ok().and_then(|facts| facts.downcast::<Inspection>().ok());
        for fact in facts.map(|facts| *facts).unwrap_or_default() {
            let asked = fact.asked.map(|asked| format!(" (asked: {asked})")).unwrap_or_default();
            self.inform(cx, person, &format!("{}: {}{asked}", fact.name, fact.granted));
        }
        let _ = self.tell(cx, person, &Speech::End { of: "info" });
    }
}

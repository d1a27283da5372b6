//! Hearing again what was said: `/history`, `/resume`, and long lists. Given in pieces, as fast as it is read.

use std::collections::VecDeque;
use std::mem;

use super::holds::LONG_ANSWERS;
use super::language::{Speech, When};
use super::readers::Reading;
use super::rooms::{PersonId, RoomId};
use super::sessions::Digest;
use super::since::Since;
use super::wires::Voicing;
use super::{Chat, lists};
use crate::hub::{Cx, Wall};

/// Bytes that one piece of a replay may take from the history.
pub(super) const PIECE: usize = 16 * 1024;
/// What everybody together is given in one turn, in bytes: a million old messages must not make a long turn.
const GIVEN_PER_TURN: u64 = 8 * PIECE as u64;
/// What giving anything counts as at least, so that nothing is tried without end.
const STEP: u64 = PIECE as u64 / 32;
/// And if there is more to come: looking for it may cost more than telling it.
const LOOK: u64 = PIECE as u64 / 4;

/// Long answers that one person may be owed. Whoever asks for more is not read meanwhile.
const WAITING: usize = 8;

/// Something long that somebody asked for, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Replay {
    /// Everything after a number, until nothing is left; then the room is heard live.
    Resume { room: RoomId, after: u64 },
    /// The last so many things that were said, counted when its turn comes.
    Latest { room: RoomId, count: u32 },
    /// What was said between two numbers.
    History { room: RoomId, after: u64, last: u64 },
    /// Who is in a room.
    Members { room: RoomId, from: usize },
    /// Which rooms there are.
    Rooms { from: usize },
    /// What can be done.
    Help,
}

impl Replay {
    pub(super) fn room(&self) -> Option<RoomId> {
        match *self {
            Self::Resume { room, .. }
            | Self::Latest { room, .. }
            | Self::History { room, .. }
            | Self::Members { room, .. } => Some(room),
            Self::Rooms { .. } | Self::Help => None,
        }
    }
}

/// Those who catch up, in the order in which they are served.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: VecDeque<PersonId>,
    /// By person: who stands in it. After a break ten thousand may.
    inside: Vec<bool>,
}

impl Queue {
    /// Somebody stands at its end, unless they stand in it.
    fn join(&mut self, person: PersonId) {
        if self.enters(person) {
            self.order.push_back(person);
        }
    }

    /// Somebody is served next, unless they stand in it.
    fn join_in_front(&mut self, person: PersonId) {
        if self.enters(person) {
            self.order.push_front(person);
        }
    }

    fn enters(&mut self, person: PersonId) -> bool {
        if self.inside.len() <= person.index() {
            self.inside.resize(person.index() + 1, false);
        }
        !mem::replace(&mut self.inside[person.index()], true)
    }

    fn next(&mut self) -> Option<PersonId> {
        let person = self.order.pop_front()?;
        self.inside[person.index()] = false;
        Some(person)
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// What giving a piece came to.
enum Piece {
    /// There is more to give.
    More,
    /// The reader has to read first.
    Full,
    /// A helper fetches it.
    Fetching,
    /// Another has to catch up first.
    Later,
    /// It is over.
    Over,
}

impl Chat {
    /// Puts something long before somebody.
    pub(super) fn begin_replay(&mut self, cx: &mut Cx<'_>, person: PersonId, replay: Replay) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        let replays = &mut voice.rare().replays;
        replays.push_back(replay);
        match replays.len() {
            1 => self.replaying.join(person),
            WAITING.. => cx.hold(voice.conn, LONG_ANSWERS),
            _ => {}
        }
    }

    /// What is not wanted any more is not told, and what a helper brings for it is dropped.
    pub(super) fn drop_replays(&mut self, cx: &mut Cx<'_>, person: PersonId, is_wanted: impl Fn(&Replay) -> bool) {
        let Some(rare) = self.voices.get_mut(person).and_then(|voice| voice.rare.as_mut()) else { return };
        let before = rare.replays.len();
        rare.replays.retain(is_wanted);
        if rare.replays.len() < before {
            self.keeper.forget_reader(person);
            self.catch_up(person);
        }
        self.fewer_replays(cx, person);
    }

    /// Something long is over, or not wanted any more.
    pub(super) fn fewer_replays(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        let Some(rare) = &voice.rare else { return };
        if rare.replays.len() <= WAITING / 2 {
            cx.release(voice.conn, LONG_ANSWERS);
        }
        voice.drop_rare();
    }

    /// Somebody who catches up has room again.
    pub(super) fn catch_up(&mut self, person: PersonId) {
        self.replaying.join(person);
    }

    /// Gives the next pieces to those who catch up, one after another.
    pub(super) fn replay(&mut self, cx: &mut Cx<'_>) {
        let (mut is_over, mut given) = (false, 0);
        while given < GIVEN_PER_TURN {
            let Some(person) = self.replaying.next() else { break };
            let Some(voice) = self.voices.get_mut(person) else { continue };
            let conn = voice.conn;
            let Some(replay) = voice.rare.as_mut().and_then(|rare| rare.replays.pop_front()) else { continue };
            let told = cx.taken(conn) + cx.unsent(conn) as u64;
            let (piece, replay) = self.give(cx, person, replay);
            let told = (cx.taken(conn) + cx.unsent(conn) as u64).saturating_sub(told);
            given += told.max(if matches!(piece, Piece::More) { LOOK } else { STEP });
            let Some(voice) = self.voices.get_mut(person) else { continue };
            let replays = &mut voice.rare().replays;
            match piece {
                Piece::Over => is_over = true,
                Piece::Later => replays.push_back(replay),
                _ => replays.push_front(replay),
            }
            match piece {
                _ if replays.is_empty() => {}
                Piece::Full | Piece::Fetching => {}
                // The others in the same turn, or what was told last is behind again when the next has caught up.
                Piece::Later => self.replaying.join_in_front(person),
                Piece::More | Piece::Over => self.replaying.join(person),
            }
            self.fewer_replays(cx, person);
        }
        // More is left than a turn's share, or somebody's goodbye has waited for this: the next turn follows at once.
        self.keeper.hurry = !self.replaying.is_empty() || is_over && self.asked.len() > 0;
    }

    fn give(&mut self, cx: &mut Cx<'_>, person: PersonId, replay: Replay) -> (Piece, Replay) {
        let Some(voice) = self.voices.get(person) else { return (Piece::Over, replay) };
        // The piece, and what it grows by in being told.
        if !cx.fits(voice.conn, 2 * PIECE) {
            return (Piece::Full, replay);
        }
        match replay {
            Replay::Members { room, from } => {
                let (text, next) = lists::members(&self.rooms, room, from);
                self.give_list(cx, person, &text, "who", next.map(|from| Replay::Members { room, from }))
            }
            Replay::Rooms { from } => {
                let (text, next) = lists::rooms(&self.rooms, &self.steward.guard.rules.doors, from);
                self.give_list(cx, person, &text, "rooms", next.map(|from| Replay::Rooms { from }))
            }
            Replay::Help => {
                self.tell_help(cx, person, None);
                (Piece::Over, replay)
            }
            Replay::Latest { room, count } => {
                let name = self.rooms.room_name(room);
                let (after, last) = (self.keeper.tail(name, count), self.keeper.last(name));
                self.give_history(cx, person, room, after, Some(last))
            }
            Replay::Resume { room, after } => self.give_history(cx, person, room, after, None),
            Replay::History { room, after, last } => self.give_history(cx, person, room, after, Some(last)),
        }
    }

    fn give_list(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        text: &str,
        of: &str,
        next: Option<Replay>,
    ) -> (Piece, Replay) {
        if !text.is_empty() {
            self.inform(cx, person, text);
        }
        if let Some(next) = next {
            return (Piece::More, next);
        }
        let _ = self.tell(cx, person, &Speech::End { of });
        (Piece::Over, Replay::Rooms { from: 0 })
    }

    fn give_history(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        room: RoomId,
        after: u64,
        last: Option<u64>,
    ) -> (Piece, Replay) {
        let name = self.rooms.room_name(room).clone();
        let at = |after| match last {
            Some(last) => Replay::History { room, after, last },
            None => Replay::Resume { room, after },
        };
        let end = last.unwrap_or_else(|| self.keeper.last(&name));
        let reading = if after >= end { Reading::End } else { self.keeper.read(cx, person, &name, after, PIECE) };
        match reading {
            Reading::Fetching => (Piece::Fetching, at(after)),
            Reading::Gap { from, to } => {
                let _ = self.tell(cx, person, &Speech::Gap { room: name.as_str(), from_seq: from, to_seq: to });
                (Piece::More, at(to))
            }
            Reading::Records(records) => {
                let Some(voice) = self.voices.get(person) else { return (Piece::Over, at(after)) };
                let own = voice.session.map(|session| self.sessions.get(session).digest);
                let when = if last.is_some() { When::Old } else { When::Replay };
                self.line.clear();
                let mut reached = after;
                for record in records.iter().take_while(|record| last.is_none_or(|last| record.seq <= last)) {
                    write_record(voice.voicing, &record, name.as_str(), when, own, &mut self.line, &mut self.spare);
                    reached = record.seq;
                }
                let _ = cx.send_wire(voice.conn, &self.line);
                match reached {
                    _ if last.is_some() && reached == after => self.finish_replay(cx, person, room, false),
                    // At once: where many catch up, more will have been said when its turn comes again.
                    _ if reached >= end => self.reach_the_end(cx, person, room, at(reached)),
                    _ => (Piece::More, at(reached)),
                }
            }
            Reading::End => self.reach_the_end(cx, person, room, at(after)),
        }
    }

    /// There is nothing left to tell of a room, for now. Rooms that are resumed together go live in the same moment.
    fn reach_the_end(&mut self, cx: &mut Cx<'_>, person: PersonId, room: RoomId, replay: Replay) -> (Piece, Replay) {
        if !matches!(replay, Replay::Resume { .. }) {
            return self.finish_replay(cx, person, room, false);
        }
        if self.is_behind_elsewhere(person) {
            return (Piece::Later, replay);
        }
        let mut others = Vec::new();
        if let Some(rare) = self.voices.get_mut(person).and_then(|voice| voice.rare.as_mut()) {
            rare.replays.retain(|other| match *other {
                Replay::Resume { room, .. } => {
                    others.push(room);
                    false
                }
                _ => true,
            });
        }
        for other in others {
            self.finish_replay(cx, person, other, true);
        }
        self.finish_replay(cx, person, room, true)
    }

    /// Is a room being heard again?
    pub(super) fn is_resuming(&self, person: PersonId, room: RoomId) -> bool {
        self.replays(person).any(|replay| matches!(*replay, Replay::Resume { room: other, .. } if other == room))
    }

    /// Everything long that is still to be told to somebody.
    pub(super) fn replays(&self, person: PersonId) -> impl Iterator<Item = &Replay> {
        let rare = self.voices.get(person).and_then(|voice| voice.rare.as_ref());
        rare.into_iter().flat_map(|rare| &rare.replays)
    }

    /// Has another room that is resumed still something to tell?
    fn is_behind_elsewhere(&self, person: PersonId) -> bool {
        self.replays(person).any(|replay| match *replay {
            Replay::Resume { room, after } => after < self.keeper.last(self.rooms.room_name(room)),
            _ => false,
        })
    }

    fn finish_replay(&mut self, cx: &mut Cx<'_>, person: PersonId, room: RoomId, goes_live: bool) -> (Piece, Replay) {
        if goes_live && let Some(member) = self.rooms.member_mut(person, room) {
            // This turn's batch was heard already, from the history: it is live from the next one on.
            (member.live, member.since) = (true, Since::event(self.batch.number, 0));
        }
        let of = if goes_live { "resume" } else { "history" };
        let _ = self.tell(cx, person, &Speech::End { of });
        (Piece::Over, Replay::Rooms { from: 0 })
    }
}

fn write_record(
    voicing: Voicing,
    record: &crate::log::Record<'_>,
    room: &str,
    when: When,
    own: Option<Digest>,
    out: &mut Vec<u8>,
    spare: &mut Vec<u8>,
) {
    let mine = when == When::Replay && own.is_some_and(|own| own == record.session) && !record.id.is_empty();
    let said = Speech::Said {
        room,
        seq: Some(record.seq),
        at: Wall::from_millis(record.at),
        from: record.from,
        text: record.text,
        action: record.action,
        when,
        id: mine.then_some(record.id),
    };
    voicing.write(&said, out, spare);
}

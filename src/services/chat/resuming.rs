//! `/resume`: rooms heard again from a number on, and live once that has caught up.

use super::Chat;
use super::batch::What;
use super::language::{Complaint, Name};
use super::replay::Replay;
use super::rooms::{PersonId, RoomId};
use crate::hub::Cx;

impl Chat {
    pub(super) fn resume(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &str, seq: u64) {
        if self.keeper.is_off() || self.keeper.is_stopped() {
            return self.complain_of_no_history(cx, person);
        }
        let name = match self.named(room) {
            Ok(name) => name,
            Err(Complaint { code, text }) => return self.complain(cx, person, code, &text),
        };
        if !self.is_let_in(cx, person, &name, None) {
            return;
        }
        match self.enter(cx, person, &name) {
            Err(refusal) => self.refuse(cx, person, refusal),
            Ok((room, new)) => {
                if new {
                    self.announce_join(cx, person, room, What::Joined);
                }
                self.hear_from(cx, person, room, seq);
            }
        }
    }

    /// A room is heard again from a number on, and live once that has caught up.
    fn hear_from(&mut self, cx: &mut Cx<'_>, person: PersonId, room: RoomId, after: u64) {
        let last = self.keeper.last(self.rooms.room_name(room));
        if after > last {
            let text = format!("#{} has numbers up to {last}; it is heard from now on", self.rooms.room_name(room));
            return self.complain(cx, person, "no-such-number", &text);
        }
        if let Some(member) = self.rooms.member_mut(person, room) {
            member.live = false;
        }
        if let Some(rare) = self.voices.get_mut(person).and_then(|voice| voice.rare.as_mut()) {
            rare.skipped.retain(|&(skipped, _)| skipped != room);
        }
        // One that was under way for this room begins anew.
        self.drop_replays(cx, person, |replay| !matches!(*replay, Replay::Resume { room: other, .. } if other == room));
        self.begin_replay(cx, person, Replay::Resume { room, after });
    }

    /// Rooms named are heard again from their number on; the others from where they are now, and nothing is heard
    /// live before those have caught up.
    pub(super) fn hear_again(&mut self, cx: &mut Cx<'_>, person: PersonId, named: &[(Name, u64)]) {
        if named.is_empty() {
            return;
        }
        if self.keeper.is_off() || self.keeper.is_stopped() {
            return self.complain_of_no_history(cx, person);
        }
        let mut later: Vec<RoomId> = self.rooms.rooms_of(person).collect();
        for (name, seq) in named {
            if !self.is_let_in(cx, person, name, None) {
                continue;
            }
            match self.enter(cx, person, name) {
                Err(refusal) => self.refuse(cx, person, refusal),
                Ok((room, new)) => {
                    if new {
                        self.announce_join(cx, person, room, What::Back);
                    }
                    later.retain(|&other| other != room);
                    self.hear_from(cx, person, room, *seq);
                }
            }
        }
        for room in later {
            let last = self.keeper.last(self.rooms.room_name(room));
            self.hear_from(cx, person, room, last);
        }
    }
}

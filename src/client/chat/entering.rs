//! Coming to the chat, and coming back after a broken line: which lines are sent, and what their answers mean.

use super::conversation::{Conversation, Event, LOBBY, Stage};
use super::numbers::Numbers;

impl Conversation {
    pub(super) fn welcomed(&mut self, nick: String, session: &str, epoch: String) {
        match self.stage {
            Stage::Welcome if self.token.is_empty() => {
                (self.me, self.epoch) = (nick, epoch);
                session.clone_into(&mut self.token);
                self.enter();
            }
            Stage::Welcome => {
                if epoch != self.epoch {
                    self.rooms.values_mut().for_each(Numbers::begin_anew);
                    self.epoch = epoch;
                }
                self.stage = Stage::Returning;
                let line = format!("/session {}", self.token);
                // Should the server not know the token, this one is ours; until it has said so, the old one is kept.
                session.clone_into(&mut self.fresh);
                let numbers = self.known().into_iter().map(|(room, after)| format!(" {room} {after}"));
                self.lines.push_back(numbers.fold(line, |line, number| line + &number));
            }
            Stage::Returning => {
                self.me = nick;
                session.clone_into(&mut self.token);
                let known = self.known();
                self.expect_replays(&known);
                self.re_enter(&known);
            }
            Stage::Entering => {
                self.me = nick;
                self.stage = Stage::Present;
                self.events.push_back(Event::Ready(std::mem::replace(&mut self.been, true)));
            }
            _ => self.me = nick,
        }
    }

    /// Rooms with the number after which each is to be heard again.
    fn known(&self) -> Vec<(String, u64)> {
        let rooms = self.rooms.iter().filter_map(|(room, numbers)| Some((room.clone(), numbers.resume_after()?)));
        if self.epoch.is_empty() { Vec::new() } else { rooms.collect() }
    }

    fn expect_replays(&mut self, known: &[(String, u64)]) {
        for (room, _) in known {
            self.replays += 1;
            if let Some(numbers) = self.rooms.get_mut(room) {
                numbers.catching_up = true;
            }
        }
    }

    /// The first time: takes the name, enters the rooms, and asks who we are, which is answered when all that is done.
    fn enter(&mut self) {
        self.stage = Stage::Entering;
        if let Some(nick) = &self.wishes.nick {
            self.lines.push_back(format!("/nick {nick}"));
        }
        let rooms = self.wishes.rooms.clone();
        for room in rooms.iter().filter(|room| *room != LOBBY) {
            self.lines.push_back(format!("/join #{room}"));
        }
        self.leave_the_lobby();
        for room in &rooms {
            self.ask_past(room);
        }
        if rooms.is_empty() {
            self.ask_past(LOBBY);
        }
        self.lines.push_back("/session".to_owned());
    }

    /// After a broken line: whatever the server forgot of our rooms.
    fn re_enter(&mut self, known: &[(String, u64)]) {
        self.stage = Stage::Entering;
        let forgotten = |room: &&String| *room != LOBBY && known.iter().all(|(other, _)| other != *room);
        for room in self.wishes.rooms.clone().iter().filter(forgotten) {
            self.lines.push_back(format!("/join #{room}"));
        }
        self.leave_the_lobby();
        self.lines.push_back("/session".to_owned());
    }

    fn leave_the_lobby(&mut self) {
        if !self.wishes.rooms.is_empty() && !self.wishes.rooms.iter().any(|room| room == LOBBY) {
            self.lines.push_back(format!("/leave {LOBBY}"));
        }
    }

    /// The server does not know the token: we come as somebody new, under the name and with the numbers of before.
    pub(super) fn come_anew(&mut self) {
        self.token.clone_from(&self.fresh);
        let known = self.known();
        if !self.me.is_empty() && !is_guest(&self.me) {
            self.lines.push_back(format!("/nick {}", self.me));
        }
        for (room, after) in &known {
            self.lines.push_back(format!("/resume #{room} {after}"));
        }
        self.expect_replays(&known);
        self.re_enter(&known);
    }

    /// Is this complaint part of the game? Then nobody is shown it.
    pub(super) fn expected(&mut self, code: &str) -> bool {
        match (self.stage, code) {
            (Stage::Returning, "no-session") => {
                self.come_anew();
                true
            }
            (Stage::Entering, "not-member") => true,
            // The histories that were asked for, or the replays, will not come.
            (_, "no-history") if !self.histories.is_empty() => {
                self.histories.pop_front();
                true
            }
            (_, "no-history" | "no-such-number") if self.replays > 0 => {
                self.replay_over();
                false
            }
            (_, "taken-over") => {
                let text = "the session was taken up by another connection".to_owned();
                self.events.push_back(Event::Failed(text));
                true
            }
            _ => false,
        }
    }
}

/// Names that the server gives are not asked for again: somebody else may have them by then.
fn is_guest(name: &str) -> bool {
    name.strip_prefix("guest").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

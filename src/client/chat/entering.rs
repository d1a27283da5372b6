//! Coming to the chat, and coming back after a broken line: which lines are sent, and what their answers mean.

use super::conversation::{Conversation, Doubt, Event, LOBBY, Stage};
use super::hearing::room_named;
use super::naming;
use super::numbers::Numbers;
use crate::client::login::{INSECURE, Login};
use crate::services::chat::neutralise;

/// Answers to `/login` which say that it did not work.
const NOT_LOGGED_IN: [&str; 9] =
    ["wrong-password", "too-many-tries", "busy", "no-accounts", "insecure", "banned", "logged-in", "usage", "bad-name"];
/// Those of them that pass.
const FOR_NOW: [&str; 2] = ["too-many-tries", "busy"];

impl Conversation {
    /// A welcome came. Answers whether it is one to be shown.
    pub(super) fn welcomed(&mut self, nick: &str, session: &str, epoch: &str) -> bool {
        let nick = naming::tidy(nick);
        match self.stage {
            Stage::Welcome if self.token.is_empty() => {
                (self.me, self.epoch) = (nick, epoch.to_owned());
                session.clone_into(&mut self.token);
                self.log_in();
                self.enter();
            }
            Stage::Welcome => {
                if epoch != self.epoch {
                    self.rooms.values_mut().for_each(Numbers::begin_anew);
                    epoch.clone_into(&mut self.epoch);
                }
                self.return_with(session);
            }
            Stage::Returning | Stage::Entering if std::mem::take(&mut self.proves) => self.me = nick,
            Stage::Returning => {
                self.me = nick;
                session.clone_into(&mut self.token);
                if !self.is_guarded {
                    self.log_in();
                }
                let known = self.known();
                self.expect_replays(&known);
                self.re_enter(&known);
            }
            Stage::Entering => {
                self.me = nick;
                self.stage = Stage::Present;
                self.events.push_back(Event::Ready(std::mem::replace(&mut self.been, true)));
                return true;
            }
            Stage::Present if self.typed_login.is_some() => {
                self.me = nick;
                self.wishes.login = self.typed_login.take();
                return true;
            }
            Stage::Present if self.doubt.is_some() => self.doubt_answered(),
            _ => {
                self.me = nick;
                return true;
            }
        }
        false
    }

    /// Shows the token of before. Where nobody is let in without, one logs in first; elsewhere the session comes first, for
    /// logging in would send away one's own connection of before, should the server still have it, and others would hear that.
    fn return_with(&mut self, session: &str) {
        self.stage = Stage::Returning;
        if self.is_guarded {
            self.log_in();
        }
        let line = format!("/session {}", self.token);
        // Should the server not know the token, this one is ours; until it has said so, the old one is kept.
        session.clone_into(&mut self.fresh);
        let numbers = self.known().into_iter().map(|(room, after)| format!(" {room} {after}"));
        self.lines.push_back(numbers.fold(line, |line, number| line + &number));
    }

    /// Proves who we are, if we are anybody.
    fn log_in(&mut self) {
        if let Some(Login { name, password }) = &self.wishes.login {
            if !self.is_private {
                return self.events.push_back(Event::Failed(INSECURE.to_owned()));
            }
            self.lines.push_back(format!("/login {name} {password}"));
            self.proves = true;
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
        if !self.is_guarded {
            self.log_in();
        }
        let known = self.known();
        if self.wishes.login.is_none() && !self.me.is_empty() && !is_guest(&self.me) {
            self.lines.push_back(format!("/nick {}", self.me));
        }
        for (room, after) in &known {
            self.lines.push_back(format!("/resume #{room} {after}"));
        }
        self.expect_replays(&known);
        self.re_enter(&known);
    }

    /// Is this complaint part of the game? Then nobody is shown it.
    pub(super) fn expected(&mut self, code: &str, text: &str) -> bool {
        match (self.stage, code) {
            _ if self.proves && NOT_LOGGED_IN.contains(&code) => {
                self.proves = false;
                let why = format!("{code}: {}", neutralise(text));
                if self.been && FOR_NOW.contains(&code) {
                    self.hopeless = Some(why);
                } else {
                    self.events.push_back(Event::Failed(why));
                }
                true
            }
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
                if code == "no-such-number" {
                    self.forget_numbers(text);
                }
                self.replay_over();
                false
            }
            (_, "taken-over") => {
                let text = "the session was taken up by another connection".to_owned();
                self.events.push_back(Event::Failed(text));
                true
            }
            (Stage::Present, code) => {
                if NOT_LOGGED_IN.contains(&code) {
                    self.typed_login = None;
                }
                self.doubt();
                false
            }
            _ => false,
        }
    }

    /// A room has fewer numbers than were heard of it: an older copy of its history is in its place. It is heard from now on.
    fn forget_numbers(&mut self, text: &str) {
        if let Some(room) = room_named(text, "#").map(naming::room) {
            self.rooms.remove(&room);
        }
    }

    /// Something was wrong: perhaps what we said.
    fn doubt(&mut self) {
        let Some(last) = self.outgoing.last_sent().filter(|_| self.typed_login.is_none()) else { return };
        if let Some(doubt) = &mut self.doubt {
            doubt.more = true;
        } else {
            self.doubt = Some(Doubt { id: last.to_owned(), again: false, more: false });
            self.lines.push_back("/session".to_owned());
        }
    }

    fn doubt_answered(&mut self) {
        let Some(doubt) = self.doubt.as_mut().filter(|doubt| !doubt.again) else { return self.doubt_over() };
        doubt.again = true;
        self.lines.push_back("/session".to_owned());
    }

    fn doubt_over(&mut self) {
        let Some(doubt) = self.doubt.take() else { return };
        for saying in self.outgoing.refused(&doubt.id) {
            self.events.push_back(Event::Refused(saying));
        }
        if doubt.more {
            self.doubt();
        }
    }
}

/// Names that the server gives are not asked for again: somebody else may have them by then.
fn is_guest(name: &str) -> bool {
    name.strip_prefix("guest").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

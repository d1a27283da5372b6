//! Coming and going: rooms, names, goodbyes.

use super::Chat;
use super::batch::{Event, What};
use super::language::{Alphabet, Complaint, Name, Speech};
use super::rooms::{PersonId, Refusal, RoomId};
use super::since::Since;
use super::voice::Voice;
use crate::hub::{Cx, Fault, Reason};

/// How somebody goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// They said so: nothing of them stays.
    Quit,
    /// Their input was over. Their session stays, their name is free.
    End,
    /// Their line broke: the name is held for a while.
    Broken,
}

impl Chat {
    /// Somebody came: a guest in the lobby, of whom nobody is told before they speak. `known`: they are about to be this one,
    /// by their certificate.
    pub(super) fn welcome(&mut self, cx: &mut Cx<'_>, voice: Voice, known: Option<&Name>) {
        let person = loop {
            let name = self.guest_name(cx);
            // It may look like somebody's all the same.
            if let Ok(person) = self.rooms.arrive(name) {
                break person;
            }
        };
        self.voices.insert(person, voice);
        if self.steward.guard.demands.get().require_login {
            return self.greet_stranger(cx, person, known);
        }
        let lobby = self.lobby.clone();
        self.enter(cx, person, &lobby).expect("nobody is in so many rooms on arriving, and the lobby is never refused");
        let (name, recorded) = (self.rooms.name(person).clone(), self.recorded());
        self.inform(cx, person, &format!("parlor chat: you are {name} in #{}; {recorded}; /help", self.lobby));
        self.show_motd(cx, person, true);
    }

    /// What is kept of what is said.
    pub(super) fn recorded(&self) -> String {
        match () {
            () if self.keeper.is_off() => "rooms are not recorded".to_owned(),
            () if self.keeper.is_stopped() => "rooms are not recorded for now".to_owned(),
            () => format!("rooms are recorded for {} days", self.settings.days),
        }
    }

    /// A name for somebody without one, which nobody has or may have.
    pub(super) fn guest_name(&mut self, cx: &Cx<'_>) -> Name {
        loop {
            self.guests += 1;
            let name =
                Name::new(&format!("guest{}", self.guests), Alphabet::Ascii).expect("a word and a number are a name");
            let is_held = self.sessions.is_held(&name, None, cx.now()) || self.steward.is_anothers(&name, None);
            if !is_held && self.rooms.person(&name).is_none() {
                return name;
            }
        }
    }

    /// Takes somebody into a room, without a word to anybody. Answers whether they are new there.
    pub(super) fn enter(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name) -> Result<(RoomId, bool), Refusal> {
        let begins = self.rooms.room(name).is_none();
        if begins
            && let Some(place) = self.voices.get(person).and_then(|voice| voice.place(cx))
            && !self.neighbours.may_open_room(place, self.settings.bounds.rooms_per_hour, cx.now())
        {
            return Err(Refusal::TooManyNew);
        }
        let room = self.rooms.room_or_new(name)?;
        let new = self.rooms.join(person, room, self.since(room));
        if new.is_err() {
            // Not at once: what is heard there in this turn may still be on its way to somebody.
            self.emptied.push(room);
        } else if begins {
            self.note_maker(cx, person, name);
        }
        self.moves(person);
        Ok((room, new?))
    }

    /// From where on a newcomer hears a room. While a batch is on its way to the disk, what it holds is not for them.
    pub(super) fn since(&self, room: RoomId) -> Since {
        let number = self.batch.number;
        if self.keeper.is_waiting() { Since::after(number) } else { Since::event(number, self.batch.count(room)) }
    }

    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, person: PersonId, refusal: Refusal) {
        let bounds = self.settings.bounds;
        let (each, hourly) = (
            format!("you are in {} rooms; /leave one first", bounds.rooms_each),
            format!("{} rooms were opened from your address within an hour; wait, or join one", bounds.rooms_per_hour),
        );
        let (code, text) = match refusal {
            Refusal::Taken => ("name-taken", "a room has a name that looks like this one; choose another"),
            Refusal::NotMember => ("not-member", "you are not in that room"),
            Refusal::TooManyRooms => ("too-many-rooms", &*each),
            Refusal::TooManyNew => ("too-many-new", &*hourly),
            Refusal::HouseFull => ("house-full", "there are as many rooms as this server has; join one that exists"),
        };
        self.complain(cx, person, code, text);
    }

    pub(super) fn join(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &str) {
        let name = match self.named(room) {
            Ok(name) => name,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        if self.is_let_in(cx, person, &name, None) {
            self.enter_with_password(cx, person, &name);
        }
    }

    /// Is this the room that everybody comes to? Not its place but its name tells: with nobody in it, it may go.
    pub(super) fn is_lobby(&self, room: RoomId) -> bool {
        self.rooms.room_name(room).key() == self.lobby.key()
    }

    /// Tells a room who came. Somebody who comes to the lobby on purpose need not speak to be announced.
    pub(super) fn announce_join(&mut self, cx: &Cx<'_>, person: PersonId, room: RoomId, what: What) {
        if self.is_lobby(room) {
            self.rooms.announce(person);
        }
        if self.rooms.is_announcing(room) {
            self.note(cx, room, person, what, "");
        }
    }

    /// Says where somebody is now.
    pub(super) fn describe(&mut self, cx: &mut Cx<'_>, person: PersonId, room: RoomId) {
        let (name, topic) = (self.rooms.room_name(room), self.rooms.topic(room));
        let others = self.rooms.members(room).len() - 1;
        let topic = if topic.is_empty() { String::new() } else { format!("; topic: {topic}") };
        let text = format!("you are in #{name}, with {others} others{topic}");
        self.inform(cx, person, &text);
    }

    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, person: PersonId, room: Option<&str>) {
        let room = match self.room_of(person, room) {
            Ok(room) => room,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        let name = self.rooms.room_name(room).clone();
        let resumes = self.is_resuming(person, room);
        self.part(cx, person, room, Some("left"));
        if resumes {
            let _ = self.tell(cx, person, &Speech::End { of: "resume" });
        }
        let now = match self.rooms.current(person) {
            Some(current) => format!("you left #{name}; you are in #{}", self.rooms.room_name(current)),
            None => format!("you left #{name}; you are in no room"),
        };
        self.inform(cx, person, &now);
    }

    /// Takes somebody out of a room; the room is told the reason, if there is one to tell.
    pub(super) fn part(&mut self, cx: &mut Cx<'_>, person: PersonId, room: RoomId, reason: Option<&str>) {
        let told = self.rooms.is_announcing(room) && (!self.is_lobby(room) || self.rooms.is_announced(person));
        let Ok(member) = self.rooms.leave(person, room) else { return };
        self.moves(person);
        if let Some(voice) = self.voices.get(person).filter(|_| member.live) {
            self.batch.depart(room, person, voice.conn, member.since);
        }
        if let Some(rare) = self.voices.get_mut(person).and_then(|voice| voice.rare.as_mut()) {
            rare.skipped.retain(|&(skipped, _)| skipped != room);
        }
        self.drop_replays(cx, person, |replay| replay.room() != Some(room));
        if let Some(reason) = reason.filter(|_| told && !self.rooms.members(room).is_empty()) {
            self.note(cx, room, person, What::Left, reason);
        }
        if self.rooms.members(room).is_empty() {
            self.emptied.push(room);
        }
    }

    /// Somebody goes.
    pub(super) fn depart(&mut self, cx: &mut Cx<'_>, person: PersonId, reason: &str, farewell: Farewell) {
        let rooms: Vec<RoomId> = self.rooms.rooms_of(person).collect();
        let names: Vec<Name> = rooms.iter().map(|&room| self.rooms.room_name(room).clone()).collect();
        for room in rooms {
            self.part(cx, person, room, Some(reason));
        }
        let name = self.rooms.name(person).clone();
        self.rooms.depart(person);
        let Some(voice) = self.voices.remove(person) else { return };
        self.forget_papers(cx, person, voice.conn);
        self.pauses.forget(person);
        self.wait_no_more_for(cx, person);
        self.keeper.forget_reader(person);
        self.inspecting.retain(|&(_, asker)| asker != person);
        let Some(session) = voice.session else { return };
        if farewell == Farewell::Quit || !voice.known {
            self.end_session(cx, session);
        } else {
            let hold = farewell == Farewell::Broken;
            self.sessions.lose(session, name, names, hold, cx.now());
        }
    }

    pub(super) fn rename(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str) {
        let name = match self.named(name) {
            Ok(name) => name,
            Err(complaint) => return self.complain(cx, person, complaint.code, &complaint.text),
        };
        let account = self.steward.standings.account(person).map(|account| account.key().to_owned());
        if account.as_deref().is_some_and(|account| account != name.key()) {
            let text = "you are known by your account's name; come anew without /login for another";
            return self.complain(cx, person, "logged-in", text);
        }
        if self.is_muted(cx, person) {
            return;
        }
        if let Some(Complaint { code, text }) = self.keeps_from_name(cx, &name, account.as_deref()) {
            return self.complain(cx, person, code, &text);
        }
        let session = self.voices.get(person).and_then(|voice| voice.session);
        if self.sessions.is_held(&name, session, cx.now()) {
            let text = format!("{name} is taken; choose another name");
            return self.complain(cx, person, "name-taken", &text);
        }
        if self.be_called(cx, person, &name) {
            self.inform(cx, person, &format!("you are {name}"));
        }
    }

    /// Gives somebody a name, if nobody here has it, and tells their rooms. Answers whether they have it now.
    pub(super) fn be_called(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name) -> bool {
        let before = self.rooms.name(person).clone();
        if self.rooms.rename(person, name.clone()).is_err() {
            let text = format!("{name} is taken; choose another name");
            self.complain(cx, person, "name-taken", &text);
            return false;
        }
        let rooms: Vec<RoomId> = self.rooms.rooms_of(person).collect();
        let is_new = before.as_str() != name.as_str();
        for room in rooms {
            if self.is_lobby(room) && self.rooms.announce(person) {
                if self.rooms.is_announcing(room) {
                    self.note(cx, room, person, What::Joined, "");
                }
            } else if is_new {
                let (from, text) = (self.batch.keep(before.as_str()), self.batch.keep(name.as_str()));
                let what = What::Renamed;
                self.hear(cx, room, Event { what, author: person, seq: 0, from, text, promised: false });
            }
        }
        self.make_known(person);
        self.moves(person);
        true
    }

    /// Somebody is called otherwise, or is in other rooms: if they have a session, that is to be kept.
    fn moves(&mut self, person: PersonId) {
        if self.voices.get(person).is_some_and(|voice| voice.session.is_some()) {
            self.moved.push(person);
        }
    }
}

/// What others are told of somebody's going.
pub(super) fn reason(why: Reason) -> &'static str {
    match why {
        Reason::Fault(Fault::Slow) | Reason::Stalled => "too slow",
        Reason::Fault(Fault::Silent { .. }) => "timed out",
        Reason::Fault(_) => "broke the rules of the wire",
        Reason::Stopping => "the server stops",
        Reason::Closed | Reason::Ended => "quit",
        Reason::Lost(_) | Reason::Unreachable(_) => "connection lost",
    }
}

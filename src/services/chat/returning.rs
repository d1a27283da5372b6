//! Coming back: `/session`.

use super::Chat;
use super::batch::What;
use super::language::{Complaint, Form, Name, Speech};
use super::rooms::{PersonId, RoomId};
use super::sessions::{self, SessionId, Token};
use crate::hub::{Cx, Hold, Moment};

impl Chat {
    /// The token of somebody's session, as it is shown.
    fn token_of(&mut self, cx: &mut Cx<'_>, person: PersonId) -> String {
        let Some(voice) = self.voices.get_mut(person) else { return String::new() };
        if voice.token == Token::default() {
            voice.token = sessions::new_token(cx, voice.conn);
        }
        let (token, known) = (voice.token, voice.known);
        if known {
            self.make_known(person);
        }
        sessions::shown(token)
    }

    /// Somebody has named themselves, or spoken: their session is worth remembering, if they were shown its token.
    pub(super) fn make_known(&mut self, person: PersonId) -> Option<SessionId> {
        let voice = self.voices.get_mut(person)?;
        voice.known = true;
        if voice.session.is_none() && voice.token != Token::default() {
            let session = self.sessions.begin(sessions::digest(voice.token), person);
            self.sessions.get_mut(session).account = self.steward.standings.login(person).cloned();
            voice.session = Some(session);
            self.moved.push(person);
        }
        voice.session
    }

    /// Has written down who those are, and where, of whom that has changed in this turn.
    pub(super) fn note_sessions(&mut self, cx: &Cx<'_>) {
        if self.moved.is_empty() {
            return;
        }
        self.moved.sort_unstable();
        self.moved.dedup();
        for person in std::mem::take(&mut self.moved) {
            let Some(session) = self.voices.get(person).and_then(|voice| voice.session) else { continue };
            let rooms = self.rooms.rooms_of(person).map(|room| self.rooms.room_name(room));
            self.keeper.note_session(cx, self.sessions.get(session).digest, self.rooms.name(person), rooms);
            self.batch.kept |= self.keeper.is_kept_now();
        }
    }

    /// A session is over, and nobody can take it up any more, also after a restart.
    pub(super) fn end_session(&mut self, cx: &Cx<'_>, session: SessionId) {
        if self.keeper.is_kept_now() {
            self.keeper.forget_session(cx, self.sessions.get(session).digest);
            self.batch.kept = true;
        }
        self.sessions.end(session);
    }

    /// The session with a token. Of those who have only listened so far, it begins with this.
    pub(super) fn session_with(&mut self, cx: &Cx<'_>, token: Token) -> Option<SessionId> {
        let found = self.sessions.find(&sessions::digest(token), cx.now());
        found.or_else(|| self.voices.with_token(token).and_then(|listener| self.make_known(listener)))
    }

    pub(super) fn complain_of_no_session(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let text = "no session has this token, or it is too long ago; this one goes on as it is";
        self.complain(cx, person, "no-session", text);
    }

    pub(super) fn greet_in_json(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let session = self.token_of(cx, person);
        let (nick, epoch) = (self.rooms.name(person).clone(), self.keeper.epoch().to_owned());
        let _ = self.tell(cx, person, &Speech::Welcome { nick: nick.as_str(), session: &session, epoch: &epoch });
    }

    pub(super) fn show_session(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        if self.voices.get(person).is_some_and(|voice| voice.voicing.form == Form::Json) {
            return self.greet_in_json(cx, person);
        }
        let token = self.token_of(cx, person);
        self.inform(cx, person, &format!("session {token}"));
    }

    /// Takes up an earlier session: its name, its rooms, what it has said.
    pub(super) fn take_up(&mut self, cx: &mut Cx<'_>, person: PersonId, token: &str, rooms: &[(&str, u64)]) {
        let mut named = Vec::new();
        let most = self.settings.bounds.rooms_each;
        for &(room, seq) in rooms.iter().take(most) {
            match self.named(room) {
                Ok(name) => named.push((name, seq)),
                Err(Complaint { code, text }) => return self.complain(cx, person, code, &text),
            }
        }
        if rooms.len() > most {
            let text = format!("nobody is in more than {most} rooms; those named behind them are left out");
            self.complain(cx, person, "too-many-rooms", &text);
        }
        let Some(token) = sessions::read(token) else { return self.complain_of_no_session(cx, person) };
        match self.session_with(cx, token) {
            Some(session) => self.take_up_known(cx, person, session, token, &named),
            None => self.look_for(cx, person, token, named),
        }
    }

    /// Takes up a session that is there.
    pub(super) fn take_up_known(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        session: SessionId,
        token: Token,
        named: &[(Name, u64)],
    ) {
        if !self.may_take_up(person, session) {
            let text = "that session is not of the account that you have logged in to";
            return self.complain(cx, person, "no-session", text);
        }
        let person = match self.sessions.get(session).holder {
            Some(holder) if holder == person => person,
            Some(holder) => self.displace(cx, person, holder),
            None => self.come_back(cx, person, session, named),
        };
        if let Some(voice) = self.voices.get_mut(person) {
            (voice.token, voice.session, voice.known) = (token, Some(session), true);
        }
        self.moved.push(person);
        let is_json = self.voices.get(person).is_some_and(|voice| voice.voicing.form == Form::Json);
        if is_json {
            self.greet_in_json(cx, person);
        } else {
            let name = self.rooms.name(person).clone();
            self.inform(cx, person, &format!("welcome back, {name}"));
        }
        self.hear_again(cx, person, named);
    }

    /// The session's line turns out to be another one, still open: that one is told and closed. Whoever shows the
    /// token last is that person from now on, and the guest that they were was never there.
    fn displace(&mut self, cx: &mut Cx<'_>, guest: PersonId, holder: PersonId) -> PersonId {
        let text = "your session was taken up by another connection; goodbye";
        self.complain(cx, holder, "taken-over", text);
        self.vanish(cx, guest);
        let Some(mut voice) = self.voices.remove(guest) else { return holder };
        if let Some(own) = voice.session.take() {
            self.end_session(cx, own);
        }
        if let Some(before) = self.voices.remove(holder) {
            self.steward.gate.forget(before.conn);
            cx.close(before.conn);
            voice.active = before.active;
        }
        // What either asked for before is not told to this connection: the guest had all of it, and the other is closed.
        voice.rare = None;
        self.keeper.forget_reader(guest);
        self.keeper.forget_reader(holder);
        self.inspecting.retain(|&(_, asker)| asker != holder);
        self.pinged.retain(|&(asker, _)| asker != holder);
        self.pauses.forget(guest);
        cx.release(voice.conn, Hold::PEER);
        self.steward.standings.pass(guest, holder);
        self.steward.guard.rules.doors.forget_guest(guest);
        self.rooms.depart(guest);
        self.asked.reassign(voice.conn, holder);
        self.voices.insert(holder, voice);
        // What the other connection had not read does not lie before this one: its rooms are heard from now on.
        self.caught_up(cx, holder);
        let rooms: Vec<RoomId> = self.rooms.rooms_of(holder).collect();
        for room in rooms {
            let since = self.since(room);
            if let Some(member) = self.rooms.member_mut(holder, room).filter(|member| !member.live) {
                (member.live, member.since) = (true, since);
            }
        }
        holder
    }

    /// The session's line was broken: the guest takes its name and its rooms.
    fn come_back(&mut self, cx: &mut Cx<'_>, person: PersonId, session: SessionId, named: &[(Name, u64)]) -> PersonId {
        self.vanish(cx, person);
        if let Some(own) = self.voices.get_mut(person).and_then(|voice| voice.session.take())
            && own != session
        {
            self.end_session(cx, own);
        }
        // From before a restart, it is not known whether a lock was there first.
        let away = Some(self.sessions.get(session).away).filter(|&away| away != Moment::NEVER);
        let (name, mut rooms) = self.sessions.take_up(session, person);
        let account = self.sessions.get(session).account.as_ref().map(|login| &login.name);
        let account = account.or(self.steward.standings.account(person)).map(|account| account.key().to_owned());
        let barred = name.as_ref().and_then(|name| self.keeps_from_name(cx, name, account.as_deref()));
        if let Some(Complaint { code, text }) = barred {
            self.complain(cx, person, code, &text);
        } else if let Some(name) = name {
            let held = self.sessions.is_held(&name, Some(session), cx.now());
            if held || self.rooms.rename(person, name.clone()).is_err() {
                let text = format!("{name} is somebody else by now; /nick NAME gives you another name");
                self.complain(cx, person, "name-taken", &text);
            } else {
                self.sessions.unhold(&name, session);
            }
        }
        if rooms.is_empty() && named.is_empty() {
            rooms.push(self.lobby.clone());
        }
        for name in rooms {
            if !self.is_let_in(cx, person, &name, away) {
                continue;
            }
            match self.enter(cx, person, &name) {
                Err(refusal) => self.refuse(cx, person, refusal),
                Ok((room, true)) => self.announce_join(cx, person, room, What::Back),
                Ok((_, false)) => {}
            }
        }
        person
    }

    /// Takes a guest out of all rooms as if they had never been there.
    fn vanish(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let rooms: Vec<RoomId> = self.rooms.rooms_of(person).collect();
        for room in rooms {
            self.part(cx, person, room, None);
        }
    }
}

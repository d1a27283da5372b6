//! Sessions from before a restart: the history is asked whose a token is.

use super::Chat;
use super::holds::RETURNING;
use super::language::Name;
use super::readers::Progress;
use super::rooms::PersonId;
use super::sessions::{self, Token};
use crate::hub::Cx;
use crate::log::{Known, Past};

/// Somebody who has shown a token, until the history has said whose it is.
#[derive(Debug)]
pub(super) struct Returning {
    token: Token,
    named: Vec<(Name, u64)>,
    /// What the history says that it said, and where it was, once it has answered.
    past: Past,
}

impl Chat {
    /// No session of this run has that token: perhaps the server was started again since, and then the history knows.
    /// Nothing else is heard from the client until it has answered.
    pub(super) fn look_for(&mut self, cx: &mut Cx<'_>, person: PersonId, token: Token, named: Vec<(Name, u64)>) {
        let Some(voice) = self.voices.get_mut(person).filter(|voice| !voice.is_returning()) else {
            return self.complain(cx, person, "busy", "a session is being looked for already");
        };
        voice.rare().returning = Some(Returning { token, named, past: Past::default() });
        let conn = voice.conn;
        if self.keeper.is_off() {
            return self.remember(cx, person);
        }
        cx.hold(conn, RETURNING);
        self.unasked.push_back(person);
        self.ask_for_those_who_wait(cx);
    }

    /// Asks the history about tokens, as many as helpers have time for. After a restart everybody may come at once.
    pub(super) fn ask_for_those_who_wait(&mut self, cx: &mut Cx<'_>) {
        while let Some(&person) = self.unasked.front() {
            let rare = self.voices.get(person).and_then(|voice| voice.rare.as_ref());
            let token = rare.and_then(|rare| rare.returning.as_ref()).map(|returning| returning.token);
            if token.is_some_and(|token| {
                !self.keeper.ask_for(cx, person, sessions::digest(token), self.settings.bounds.session_age)
            }) {
                return;
            }
            self.unasked.pop_front();
        }
    }

    /// The history has answered what a session was and said before the server was started again.
    pub(super) fn recall(&mut self, cx: &mut Cx<'_>, person: PersonId, past: Past) {
        let speaker = match (&past.name, past.ids.last()) {
            (None, Some(last)) => self.keeper.speaker(cx, person, last),
            (name, _) => Some(Progress::Speaker(person, name.clone())),
        };
        if let Some(returning) = self.returning(person) {
            returning.past = past;
        }
        if let Some(Progress::Speaker(person, name)) = speaker {
            self.recall_name(person, name);
        }
    }

    /// And under which name. It is taken up with the next batch.
    pub(super) fn recall_name(&mut self, person: PersonId, name: Option<String>) {
        if let Some(returning) = self.returning(person) {
            returning.past.name = name;
            self.returned.push(person);
        }
    }

    fn returning(&mut self, person: PersonId) -> Option<&mut Returning> {
        self.voices.get_mut(person)?.rare.as_mut()?.returning.as_mut()
    }

    /// Takes up a session that only the history knew, if it does.
    pub(super) fn remember(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        let Some(returning) = voice.rare.as_mut().and_then(|rare| rare.returning.take()) else { return };
        let Returning { token, named, past } = returning;
        voice.drop_rare();
        cx.release(voice.conn, RETURNING);
        // Somebody else may have shown the same token while the history was being asked.
        if let Some(session) = self.session_with(cx, token) {
            return self.take_up_known(cx, person, session, token, &named);
        }
        if past.ids.is_empty() && past.name.is_none() {
            return self.complain_of_no_session(cx, person);
        }
        let session = self.sessions.begin(sessions::digest(token), person);
        for Known { id, room, seq } in past.ids {
            self.sessions.remember_print(session, id, &room, seq);
        }
        let name = past.name.and_then(|name| self.named(&name).ok());
        let rooms = past.rooms.iter().filter_map(|room| self.named(room).ok()).collect();
        self.sessions.orphan(session, name, rooms);
        self.take_up_known(cx, person, session, token, &named);
    }
}

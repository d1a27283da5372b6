//! Rooms that are not for everybody: `/lock`, `/unlock`, `/invite`, and entering one.

use super::Chat;
use super::batch::What;
use super::doors::{Entry, Invited, Lock};
use super::language::{Complaint, Name};
use super::proving::PROVING_SALT;
use super::rooms::{PersonId, RoomId};
use super::standing::Standing;
use super::steward::Purpose;
use crate::hub::{Cx, Moment};
use crate::services::accounts::{Task, secret};

impl Chat {
    /// May somebody go into a room? If not, they are told what they would need. `away` is when they lost their line, if
    /// they were inside then: a lock that was made later keeps them out, an earlier one does not.
    pub(super) fn is_let_in(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &Name, away: Option<Moment>) -> bool {
        let doors = &self.steward.guard.rules.doors;
        if !doors.is_locked(room) {
            return true;
        }
        let was_inside = away.is_some_and(|away| doors.was_locked_by(room, away));
        let is_inside = self.rooms.room(room).is_none_or(|room| self.rooms.is_member(person, room));
        let entry = doors.entry(room, person, self.steward.standings.account(person));
        let lacks = match entry {
            _ if was_inside || is_inside => return true,
            Entry::Open => return true,
            Entry::Closed => format!("#{room} is locked; whoever made it can /invite you"),
            Entry::Password(_) => format!("#{room} is locked; /join {room} PASSWORD, or be invited"),
        };
        self.complain(cx, person, "locked", &lacks);
        false
    }

    /// `/join ROOM PASSWORD`: where none is needed, it is `/join ROOM`.
    pub(super) fn join_locked(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &str, password: &str) {
        let name = match self.named(room) {
            Ok(name) => name,
            Err(Complaint { code, text }) => return self.complain(cx, person, code, &text),
        };
        let is_inside = self.rooms.room(&name).is_none_or(|room| self.rooms.is_member(person, room));
        let account = self.steward.standings.account(person);
        match self.steward.guard.rules.doors.entry(&name, person, account) {
            Entry::Password(hash) if !is_inside => {
                let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
                let task = Task::Check { hash: hash.clone().into(), counts: true };
                let subject = format!("#{}", name.key());
                self.prove(cx, person, conn, &subject, password, task, Purpose::Enter(name, hash));
            }
            _ => self.join(cx, person, room),
        }
    }

    /// The password of a room was right, if it still is the room's.
    pub(super) fn has_proved(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &Name, hash: &str) {
        let account = self.steward.standings.account(person);
        match self.steward.guard.rules.doors.entry(room, person, account) {
            Entry::Password(now) if *now == *hash => self.enter_with_password(cx, person, room),
            _ => self.join(cx, person, room.as_str()),
        }
    }

    /// Goes in.
    pub(super) fn enter_with_password(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name) {
        match self.enter(cx, person, name) {
            Err(refusal) => self.refuse(cx, person, refusal),
            Ok((room, new)) => {
                if new {
                    self.announce_join(cx, person, room, What::Joined);
                }
                self.describe(cx, person, room);
            }
        }
    }

    /// A room began to exist with somebody's entering it.
    pub(super) fn note_maker(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &Name) {
        // The lobby is everybody's, whoever comes first.
        let account = self.steward.standings.account(person).filter(|_| room.key() != self.lobby.key());
        if self.steward.guard.rules.doors.begin(room, account) {
            self.keep_rules(cx);
        }
    }

    /// The current room, if somebody made it.
    fn own_room(&mut self, cx: &mut Cx<'_>, person: PersonId, named: Option<&str>) -> Option<(RoomId, Name)> {
        let is_operator = self.steward.standing(person) == Standing::Operator;
        let found = match named {
            // An operator opens any room, for its maker may be gone for good.
            Some(named) if is_operator => self.named(named).and_then(|name| {
                let none = || Complaint::new("not-member", format!("there is no room #{name}"));
                self.rooms.room(&name).ok_or_else(none)
            }),
            named => self.room_of(person, named),
        };
        let room = match found {
            Ok(room) => room,
            Err(Complaint { code, text }) => {
                self.complain(cx, person, code, &text);
                return None;
            }
        };
        let name = self.rooms.room_name(room).clone();
        let account = self.steward.standings.account(person);
        if is_operator && named.is_some() || self.steward.guard.rules.doors.is_maker(&name, account) {
            return Some((room, name));
        }
        let text = format!("#{name} was not made by your account");
        self.complain(cx, person, "not-yours", &text);
        None
    }

    pub(super) fn lock(&mut self, cx: &mut Cx<'_>, person: PersonId, password: Option<&str>) {
        let Some((_, name)) = self.own_room(cx, person, None) else { return };
        let Some(password) = password else { return self.lock_with(cx, person, &name, None) };
        if let Err(wrong) = secret::fits(password) {
            return self.complain(cx, person, "bad-password", &wrong);
        }
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let mut salt = [0; PROVING_SALT];
        cx.random(&mut salt);
        let subject = format!("#{}", name.key());
        self.prove(cx, person, conn, &subject, password, Task::Make { salt }, Purpose::Lock(name));
    }

    /// A room is locked from now on. Whoever is inside stays.
    pub(super) fn lock_with(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name, hash: Option<&str>) {
        let account = self.steward.standings.account(person).cloned();
        if self.rooms.room(name).is_none() || !self.steward.guard.rules.doors.is_maker(name, account.as_ref()) {
            return self.complain(cx, person, "not-yours", "that room is no more");
        }
        let since = cx.now();
        let door = self.steward.guard.rules.doors.door(name);
        let lock = door.lock.get_or_insert_with(|| Lock { hash: None, invited: Vec::new(), since });
        lock.hash = hash.map(Into::into);
        let how = if hash.is_some() { "with the password, or by invitation" } else { "by invitation" };
        self.inform(cx, person, &format!("#{name} is locked; others enter {how}"));
        self.keep_rules(cx);
    }

    pub(super) fn unlock(&mut self, cx: &mut Cx<'_>, person: PersonId, named: Option<&str>) {
        let Some((_, name)) = self.own_room(cx, person, named) else { return };
        let was_locked = self.steward.guard.rules.doors.door(&name).lock.take().is_some();
        let text = if was_locked { "is open to everybody" } else { "was not locked" };
        self.inform(cx, person, &format!("#{name} {text}"));
        self.keep_rules(cx);
    }

    pub(super) fn invite(&mut self, cx: &mut Cx<'_>, person: PersonId, whom: &str) {
        let Some((_, room)) = self.own_room(cx, person, None) else { return };
        if !self.steward.guard.rules.doors.is_locked(&room) {
            let text = format!("#{room} is not locked: everybody may enter; /lock [PASSWORD] comes first");
            return self.complain(cx, person, "not-locked", &text);
        }
        let name = match self.named(whom) {
            Ok(name) => name,
            Err(Complaint { code, text }) => return self.complain(cx, person, code, &text),
        };
        let account = self.steward.guard.accounts.as_ref().map(crate::services::accounts::Accounts::book);
        let account = account.as_deref().and_then(|book| book.find(&name)).map(|account| account.name.clone());
        let guest = self.rooms.person(&name).filter(|&guest| !self.steward.standings.is_stranger(guest));
        let invited = match (account, guest) {
            (Some(account), _) => Invited::Account(account),
            (None, Some(guest)) => Invited::Guest(guest),
            (None, None) => {
                let text = format!("nobody here is called {name}; /who lists who is");
                return self.complain(cx, person, "no-such-name", &text);
            }
        };
        self.steward.guard.rules.doors.invite(&room, invited);
        if let Some(guest) = guest {
            let host = self.rooms.name(person).clone();
            self.inform(cx, guest, &format!("{host} invites you to #{room}; /join {room}"));
        }
        self.inform(cx, person, &format!("{name} may enter #{room}"));
        self.keep_rules(cx);
    }
}

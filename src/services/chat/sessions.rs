//! Sessions: what outlives a broken line. A token, shown to nobody else, stands for a name, rooms, and what was
//! already said; only its digest is kept here and in the history.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};
use slab::Slab;

use super::bounds::Bounds;
use super::language::{Name, Roll};
use super::rooms::PersonId;
use super::standing::Login;
use crate::hub::{ConnId, Cx, Moment};
use crate::log::id_hash;

/// What its holder shows to take a session up again. It is shown as 32 digits, base 16.
pub(super) type Token = [u8; 16];

/// The bytes of a token that nobody can guess; the others are a slot's number.
const SECRET: usize = 12;

/// What stands for a token: the first half of its SHA-256.
pub(super) type Digest = [u8; 16];

/// A session's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionId(NonZeroU32);

impl SessionId {
    fn at(place: usize) -> Self {
        let number = u32::try_from(place + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("sessions are counted in 32 bits"))
    }

    fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Something that a session said with an id.
#[derive(Debug, Clone)]
pub(super) struct Receipt {
    id: u64,
    pub(super) room: Rc<str>,
    pub(super) seq: u64,
}

/// What outlives a broken line.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) digest: Digest,
    /// Who has it now; nobody while its line is broken.
    pub(super) holder: Option<PersonId>,
    pub(super) name: Option<Name>,
    /// The account that its holder had logged in to.
    pub(super) account: Option<Rc<Login>>,
    /// The rooms it was in when its line broke, the current one last.
    pub(super) rooms: Vec<Name>,
    receipts: VecDeque<Receipt>,
    /// When its line broke.
    pub(super) away: Moment,
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) bounds: Bounds,
    all: Slab<Session>,
    by_digest: HashMap<Digest, SessionId>,
    /// Those whose line is broken, the longest first. One that was taken up since is skipped when it comes up.
    away: VecDeque<(Moment, SessionId, Digest)>,
    /// How many of these are still away.
    lost: usize,
    /// Names held for sessions, by the digests of whose they are.
    held: Roll<Digest>,
    /// Since when, the longest first. One that was let go of before, and perhaps is held again, is skipped.
    held_order: VecDeque<(Moment, SessionId, Digest, Name)>,
}

/// A token to be shown on a connection: 96 bits that nobody can guess, and the connection's slot.
pub(super) fn new_token(cx: &mut Cx<'_>, conn: ConnId) -> Token {
    let mut token = Token::default();
    let (secret, slot) = token.split_at_mut(SECRET);
    cx.random(secret);
    slot.copy_from_slice(&u32::try_from(conn.slot()).expect("slots are counted in 32 bits").to_be_bytes());
    token
}

/// The slot of the connection on which a token was shown first, if it is one of this run.
pub(super) fn slot_of(token: Token) -> usize {
    token[SECRET..].iter().fold(0, |slot, &byte| slot << 8 | usize::from(byte))
}

/// The digest of a token as it is shown.
pub(super) fn digest(token: Token) -> Digest {
    let whole = Sha256::digest(shown(token).as_bytes());
    let mut half = Digest::default();
    half.copy_from_slice(&whole[..16]);
    half
}

/// A token as it is shown.
pub(super) fn shown(token: Token) -> String {
    format!("{:032x}", u128::from_be_bytes(token))
}

/// The token that is shown so, if one is.
pub(super) fn read(text: &str) -> Option<Token> {
    let token = u128::from_str_radix(text, 16).ok()?.to_be_bytes();
    (shown(token) == text).then_some(token)
}

impl Sessions {
    /// A session begins, or one that only the history knows goes on.
    pub(super) fn begin(&mut self, digest: Digest, holder: PersonId) -> SessionId {
        let session = Session {
            digest,
            holder: Some(holder),
            name: None,
            account: None,
            rooms: Vec::new(),
            receipts: VecDeque::new(),
            away: Moment::NEVER,
        };
        let id = SessionId::at(self.all.insert(session));
        self.by_digest.insert(digest, id);
        id
    }

    /// The session with this token, if it is not too long ago.
    pub(super) fn find(&mut self, digest: &Digest, now: Moment) -> Option<SessionId> {
        self.forget_old(now);
        self.by_digest.get(digest).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, id: SessionId) -> &Session {
        &self.all[id.place()]
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> &mut Session {
        &mut self.all[id.place()]
    }

    /// Of these accounts only the names are left, which may be somebody else's by now.
    pub(super) fn log_off(&mut self, is_over: impl Fn(&Login) -> bool) {
        for (_, session) in &mut self.all {
            session.account.take_if(|login| is_over(login));
        }
    }

    /// A session is over: its holder said goodbye.
    pub(super) fn end(&mut self, id: SessionId) {
        let session = self.all.remove(id.place());
        self.lost -= usize::from(session.away != Moment::NEVER);
        self.by_digest.remove(&session.digest);
    }

    /// A session has lost its line. The name is held for it for a while, if `hold` says so.
    pub(super) fn lose(&mut self, id: SessionId, name: Name, rooms: Vec<Name>, hold: bool, now: Moment) {
        let session = &mut self.all[id.place()];
        let digest = session.digest;
        // Nobody had a name that looks like it, and nobody has been held one, so there is no rival.
        if hold && self.held.claim(&name, digest).is_ok() {
            self.held_order.push_back((now, id, digest, name.clone()));
        }
        session.holder = None;
        session.name = Some(name);
        session.rooms = rooms;
        session.away = now;
        self.lost += 1;
        self.away.push_back((now, id, digest));
        self.forget_old(now);
    }

    /// Is a name, or one that looks like it, held for a session other than this one?
    pub(super) fn is_held(&mut self, name: &Name, by: Option<SessionId>, now: Moment) -> bool {
        self.forget_old(now);
        // Nobody has a token of which this is the digest.
        let own = by.map_or(Digest::default(), |id| self.get(id).digest);
        self.held.rival(name, own).is_some()
    }

    /// Lets go of a name, whichever session it was held for.
    pub(super) fn let_go(&mut self, name: &Name) {
        if let Some(whose) = self.held.find(name) {
            self.held.release(name, whose);
        }
    }

    /// Lets go of a name that was held for a session.
    pub(super) fn unhold(&mut self, name: &Name, by: SessionId) {
        let own = self.get(by).digest;
        self.held.release(name, own);
    }

    /// What a session said with this id, if it did.
    pub(super) fn receipt(&self, id: SessionId, said: &str) -> Option<&Receipt> {
        let print = id_hash(said);
        self.get(id).receipts.iter().rev().find(|receipt| receipt.id == print)
    }

    /// Remembers what a session said.
    pub(super) fn remember(&mut self, id: SessionId, said: &str, room: &str, seq: u64) {
        let most = self.bounds.ids;
        let receipts = &mut self.get_mut(id).receipts;
        let room = match receipts.back() {
            Some(last) if &*last.room == room => Rc::clone(&last.room),
            _ => room.into(),
        };
        while receipts.len() >= most {
            receipts.pop_front();
        }
        receipts.push_back(Receipt { id: id_hash(said), room, seq });
    }

    /// Remembers what the history says that a session said, by the fingerprint of its id.
    pub(super) fn remember_print(&mut self, id: SessionId, print: u64, room: &str, seq: u64) {
        let most = self.bounds.ids;
        let receipts = &mut self.get_mut(id).receipts;
        while receipts.len() >= most {
            receipts.pop_front();
        }
        receipts.push_back(Receipt { id: print, room: room.into(), seq });
    }

    /// A session that only the history knew has nobody yet, but perhaps a name and rooms.
    pub(super) fn orphan(&mut self, id: SessionId, name: Option<Name>, rooms: Vec<Name>) {
        let session = self.get_mut(id);
        session.holder = None;
        (session.name, session.rooms) = (name, rooms);
    }

    /// A session is taken up again. Answers its name and its rooms.
    pub(super) fn take_up(&mut self, id: SessionId, holder: PersonId) -> (Option<Name>, Vec<Name>) {
        let session = &mut self.all[id.place()];
        session.holder = Some(holder);
        self.lost -= usize::from(std::mem::replace(&mut session.away, Moment::NEVER) != Moment::NEVER);
        (session.name.take(), std::mem::take(&mut session.rooms))
    }

    /// Takes back what could not be kept after all.
    pub(super) fn unsay(&mut self, id: SessionId, said: &str) {
        let print = id_hash(said);
        self.get_mut(id).receipts.retain(|receipt| receipt.id != print);
    }

    fn forget_old(&mut self, now: Moment) {
        // Somebody whose line breaks again and again must not push others out.
        if self.away.len() > 2 * self.bounds.sessions {
            let all = &self.all;
            self.away.retain(|lost| is_away(all, lost));
        }
        while let Some(&lost) = self.away.front() {
            let (since, id, _) = lost;
            let is_away = is_away(&self.all, &lost);
            if is_away && self.lost <= self.bounds.sessions && since + self.bounds.session_age > now {
                break;
            }
            self.away.pop_front();
            if is_away {
                self.end(id);
            }
        }
        while let Some((since, id, digest, name)) =
            self.held_order.pop_front_if(|held| held.0 + self.bounds.name_held <= now)
        {
            let current = self.all.get(id.place()).filter(|session| session.digest == digest);
            let is_held_again = current.is_some_and(|session| session.holder.is_none() && session.away > since);
            if !is_held_again {
                self.held.release(&name, digest);
            }
        }
    }
}

/// Has a session that lost its line then not been taken up since?
fn is_away(all: &Slab<Session>, &(since, id, digest): &(Moment, SessionId, Digest)) -> bool {
    let current = all.get(id.place());
    current.is_some_and(|session| session.digest == digest && session.holder.is_none() && session.away == since)
}

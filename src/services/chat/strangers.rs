//! Strangers: those who have not logged in, where one has to.

use std::rc::Rc;
use std::time::Duration;

use super::Chat;
use super::asked::Ask;
use super::holds::HUSHED;
use super::language::Name;
use super::rooms::PersonId;
use super::steward::{Guard, LATE_LOGIN, Narrow};
use crate::hub::{ConnId, Cx, Framing, Limits, Moment};
use crate::services::accounts::Gate;

/// Somebody who has not logged in where one has to.
#[derive(Debug)]
pub(in crate::services) struct Waiting {
    /// How frames will stand on its wire then.
    pub(in crate::services) framing: Framing,
    /// Until when it may take,
    pub(in crate::services) until: Moment,
    /// and how long that is from the beginning.
    pub(in crate::services) within: Duration,
}

impl Waiting {
    /// From now on a connection is a stranger's.
    pub(in crate::services) fn begin(cx: &mut Cx<'_>, id: ConnId, guard: &Guard) -> Self {
        let (framing, to) = (cx.framing(id).unwrap_or(Framing::LINES), guard.demands.get().narrow);
        cx.set_framing(id, narrower(framing, to));
        cx.set_limits(id, &Rc::new(narrow(&guard.limits, to)));
        Self { framing, until: cx.now() + to.time, within: to.time }
    }
}

/// That there are so many strangers that another one is turned away, if chance wills it.
pub(in crate::services) fn too_many(cx: &mut Cx<'_>, strangers: usize, guard: &Guard) -> Option<String> {
    let mut draw = [0; 4];
    cx.random(&mut draw);
    guard
        .demands
        .get()
        .startups
        .refuse(strangers, u32::from_le_bytes(draw))
        .then(|| format!("! full: {strangers} others have not logged in yet; come again in a moment (login-startups)"))
}

/// What a stranger is held to.
fn narrow(limits: &Limits, to: Narrow) -> Limits {
    let frame = Framing::Length { max: to.frame }.longest();
    let unread = frame.max(to.line as usize).max(Framing::Fixed.longest());
    Limits { unread, high: to.output, low: 0, ..limits.clone() }
}

/// What frames they may send.
fn narrower(framing: Framing, to: Narrow) -> Framing {
    match framing {
        Framing::Lines { max } => Framing::Lines { max: max.min(to.line) },
        Framing::Length { max } => Framing::Length { max: max.min(to.frame) },
        Framing::Fixed | Framing::Raw => framing,
    }
}

impl Chat {
    /// With accounts, rules and a lookout for misdeeds.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.steward.after_login = Rc::new(guard.limits.clone());
        if let Some(accounts) = &guard.accounts {
            self.steward.gate = Gate::to(accounts);
        }
        // What was locked is so from the start, also where nothing was said: whoever was inside is about to come back.
        for room in guard.rules.doors.locked() {
            let _ = self.rooms.room_or_new(room);
        }
        self.steward.guard = guard;
        self
    }

    /// Somebody is turned away at once: banned, or one too many who have not logged in. `known`: they will have.
    pub(super) fn turns_away(&mut self, cx: &mut Cx<'_>, conn: ConnId, known: bool) -> bool {
        if let Some(ban) = self.steward.guard.ban_of_address(cx, conn) {
            return refuse(cx, conn, &format!("! banned: {ban}"));
        }
        if known || !self.steward.guard.demands.get().require_login {
            return false;
        }
        let full = too_many(cx, self.steward.standings.strangers(), &self.steward.guard);
        full.is_some_and(|line| refuse(cx, conn, &line))
    }

    /// Somebody came who has to log in before anything else.
    pub(super) fn greet_stranger(&mut self, cx: &mut Cx<'_>, person: PersonId, known: Option<&Name>) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let waiting = Waiting::begin(cx, conn, &self.steward.guard);
        self.steward.standings.wait(person, waiting);
        self.schedule(cx, person);
        let greeting = known.map_or_else(
            || "parlor chat: who are you? /login NAME PASSWORD; /help".to_owned(),
            |name| format!("parlor chat: your certificate is {name}'s; /help"),
        );
        self.inform(cx, person, &greeting);
    }

    /// A stranger is heard one frame at a time: the next when the answer to the last has left.
    pub(super) fn hush(&mut self, cx: &mut Cx<'_>, person: PersonId, conn: ConnId) {
        if self.steward.standings.is_stranger(person) {
            cx.hold(conn, HUSHED);
            self.steward.hushed.push(person);
        }
    }

    /// Hears strangers again who have read what they were told. The others are heard once that has left.
    pub(super) fn unhush(&mut self, cx: &mut Cx<'_>) {
        for person in std::mem::take(&mut self.steward.hushed) {
            if let Some(conn) = self.voices.get(person).map(|voice| voice.conn)
                && cx.fits(conn, usize::MAX)
            {
                heard_out(cx, conn);
            }
        }
    }

    /// A stranger who has taken too long goes.
    pub(super) fn hurry_stranger(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let waiting = self.steward.standings.waiting(person).filter(|waiting| waiting.until <= cx.now());
        let Some(seconds) = waiting.map(|waiting| waiting.within.as_secs()) else { return };
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let text = format!("nobody logged in here within {seconds} seconds; goodbye");
        self.complain(cx, person, "login-timeout", &text);
        self.report(cx, conn, LATE_LOGIN);
        self.asked.push(person, conn, Ask::Gone("did not log in"));
        cx.close(conn);
    }
}

/// A connection has read everything that it was told.
pub(in crate::services) fn heard_out(cx: &mut Cx<'_>, conn: ConnId) {
    if cx.unsent(conn) == 0 {
        cx.release(conn, HUSHED);
    }
}

/// Somebody does not come in, and is told why.
pub(in crate::services) fn refuse(cx: &mut Cx<'_>, conn: ConnId, line: &str) -> bool {
    let _ = cx.send(conn, line.as_bytes());
    cx.close(conn);
    true
}

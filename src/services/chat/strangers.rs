//! Strangers: those who have not logged in, where one has to.

use std::rc::Rc;
use std::time::Duration;

use super::Chat;
use super::asked::Ask;
use super::bounds::Bounds;
use super::rooms::PersonId;
use super::standing::Waiting;
use super::steward::{Guard, ip_of};
use crate::hub::{ConnId, Cx, Framing, Hold, Limits, ListenerId};

/// What is reported of who has not logged in in time, as OpenSSH does.
const LATE_LOGIN: Duration = Duration::from_secs(10);

/// It is not heard until it has read what it was told.
const HUSHED: Hold = Hold::own(3);

/// What a stranger is held to.
fn narrow(limits: &Limits, bounds: &Bounds) -> Limits {
    let (line, frame) = (bounds.line_before_login as usize, Framing::Length { max: bounds.frame_before_login });
    let unread = frame.longest().max(line).max(Framing::Fixed.longest());
    Limits { unread, high: bounds.output_before_login, low: 0, ..limits.clone() }
}

impl Chat {
    /// With accounts, rules and a lookout for misdeeds.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        (self.steward.before_login, self.steward.after_login) =
            (Rc::new(narrow(&guard.limits, &self.settings.bounds)), Rc::new(guard.limits.clone()));
        self.steward.guard = guard;
        self
    }

    /// Other bounds are in force: they are those of newcomers.
    pub(super) fn narrow_strangers(&mut self) {
        self.steward.before_login = Rc::new(narrow(&self.steward.after_login, &self.settings.bounds));
    }

    /// What is sent on this listener can be read by nobody in between.
    pub fn trust(&mut self, listener: ListenerId) {
        self.steward.guard.private.push(listener);
    }

    /// Somebody is turned away at once: banned, or one too many who have not logged in.
    pub(super) fn turns_away(&mut self, cx: &mut Cx<'_>, conn: ConnId) -> bool {
        let ip = cx.about(conn).and_then(|about| ip_of(about.peer));
        let ban = ip.and_then(|ip| self.steward.guard.rules.ban_of_address(ip, cx.wall()));
        if let Some(ban) = ban {
            let line = format!("! banned: your address is banned {}", ban.told());
            return refuse(cx, conn, &line);
        }
        let (strangers, startups) = (self.steward.standings.strangers(), self.steward.guard.startups);
        let mut draw = [0; 4];
        cx.random(&mut draw);
        if self.steward.guard.require_login && startups.refuse(strangers, u32::from_le_bytes(draw)) {
            let line =
                format!("! full: {strangers} others have not logged in yet; come again in a moment (login-startups)");
            return refuse(cx, conn, &line);
        }
        false
    }

    /// Somebody came who has to log in before anything else.
    pub(super) fn greet_stranger(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let (framing, bounds) = (cx.framing(conn).unwrap_or(Framing::LINES), self.settings.bounds);
        self.steward.standings.wait(person, Waiting { framing, until: cx.now() + bounds.login_time });
        let narrower = match framing {
            Framing::Lines { max } => Framing::Lines { max: max.min(bounds.line_before_login) },
            Framing::Length { max } => Framing::Length { max: max.min(bounds.frame_before_login) },
            Framing::Fixed | Framing::Raw => framing,
        };
        cx.set_framing(conn, narrower);
        cx.set_limits(conn, &self.steward.before_login);
        self.schedule(cx, person);
        self.inform(cx, person, "parlor chat: who are you? /login NAME PASSWORD; /help");
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
        if self.steward.standings.until(person) > cx.now() {
            return;
        }
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let text =
            format!("nobody logged in here within {} seconds; goodbye", self.settings.bounds.login_time.as_secs());
        self.complain(cx, person, "login-timeout", &text);
        self.report(cx, conn, LATE_LOGIN);
        self.asked.push(person, conn, Ask::Gone("did not log in"));
        cx.close(conn);
    }
}

/// A connection has read everything that it was told.
pub(super) fn heard_out(cx: &mut Cx<'_>, conn: ConnId) {
    if cx.unsent(conn) == 0 {
        cx.release(conn, HUSHED);
    }
}

fn refuse(cx: &mut Cx<'_>, conn: ConnId, line: &str) -> bool {
    let _ = cx.send(conn, line.as_bytes());
    cx.close(conn);
    true
}

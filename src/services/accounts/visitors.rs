//! Coming to a desk and going from it: as they are, as strangers who have to log in, or not at all.

use super::Proof;
use super::desk::Desk;
use crate::hub::{ConnId, Cx};
use crate::services::chat::{LATE_LOGIN, NO_LOGIN, Name, Waiting, ip_of, refuse, too_many};
use crate::services::line::Wrong;

/// How somebody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coming {
    /// As they are.
    Freely,
    /// They have to log in before anything else.
    Strange,
    /// Not at all, and they were told why.
    Refused,
}

/// Somebody at the desk.
#[derive(Debug)]
pub(super) struct Visitor {
    /// Nothing is done for them unless they have an account.
    pub(super) must: bool,
    pub(super) waiting: Option<Waiting>,
    /// They have proved that it is theirs, and how. It may be gone since, or what they showed be right no more.
    pub(super) account: Option<(Name, Proof)>,
    /// Wrong passwords that they have shown.
    pub(super) wrong: usize,
}

impl Desk {
    /// Somebody comes. `must`: nothing is done for them before they have logged in. Whose certificate stands with an account
    /// is logged in by it.
    pub fn comes(&mut self, cx: &mut Cx<'_>, id: ConnId, must: bool) -> Coming {
        let mut waiting = None;
        let account = cx.about(id).and_then(|about| self.guard.recognised(&about));
        if let Some(ban) = self.keeps_out(cx, id, account.as_ref().map(|(name, _)| name)) {
            refuse(cx, id, &format!("! banned: {ban}"));
            return Coming::Refused;
        }
        let must_still = must && account.is_none();
        if must_still {
            if let Some(full) = too_many(cx, self.strangers, &self.guard) {
                refuse(cx, id, &full);
                return Coming::Refused;
            }
            let begun = Waiting::begin(cx, id, &self.guard);
            cx.set_timer(id, begun.until);
            waiting = Some(begun);
            self.strangers += 1;
        }
        self.visitors.insert(id, Visitor { must, waiting, account, wrong: 0 });
        if must_still { Coming::Strange } else { Coming::Freely }
    }

    /// That somebody is banned who comes, by where they come from or by the account whose certificate they have.
    fn keeps_out(&self, cx: &Cx<'_>, id: ConnId, account: Option<&Name>) -> Option<String> {
        let by_name = || self.guard.ban_of_name(account?, cx.wall());
        self.guard.ban_of_address(cx, id).or_else(by_name)
    }

    /// Somebody may have been banned: whoever is here and would not be let in is told so, if they can be, and goes.
    pub(super) fn throw_out_banned(&mut self, cx: &mut Cx<'_>, is_told: impl Fn(ConnId) -> bool) {
        let bans = &self.guard.rules.bans;
        if std::mem::replace(&mut self.bans_known, bans.version()) == bans.version() {
            return;
        }
        for (&id, visitor) in &self.visitors {
            let name = visitor.account.as_ref().map(|(name, _)| name);
            let ip = cx.about(id).and_then(|about| ip_of(about.peer));
            if let Some(ban) = bans.ban_of(name, ip, cx.wall()) {
                let wrong = Wrong::new("banned", format!("you are banned {}", ban.told()));
                if is_told(id) {
                    let _ = cx.send(id, wrong.to_string().as_bytes());
                }
                cx.close(id);
            }
        }
    }

    /// Somebody has gone.
    pub fn goes(&mut self, cx: &Cx<'_>, id: ConnId) {
        self.gate.forget(id);
        let Some(waiting) = self.visitors.remove(&id).and_then(|visitor| visitor.waiting) else { return };
        self.strangers -= 1;
        if waiting.until > cx.now() {
            let peer = cx.about(id).and_then(|about| ip_of(about.peer));
            self.guard.report(peer, NO_LOGIN);
        }
    }

    /// A connection's deadline. Answers whether it was the desk's: a stranger who has taken too long goes.
    pub fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) -> bool {
        let Some(waiting) = self.visitors.get(&id).and_then(|visitor| visitor.waiting.as_ref()) else { return false };
        if waiting.until > cx.now() {
            cx.set_timer(id, waiting.until);
            return true;
        }
        let text = format!("nobody logged in here within {} seconds; goodbye", waiting.within.as_secs());
        let _ = cx.send(id, Wrong::new("login-timeout", text).to_string().as_bytes());
        let peer = cx.about(id).and_then(|about| ip_of(about.peer));
        self.guard.report(peer, LATE_LOGIN);
        cx.close(id);
        true
    }
}

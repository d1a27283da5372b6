//! What the chat knows of who is who and who may what. The chat asks here; what it then does is in `proving`, `order`
//! and `locks`.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::house_rules::Rules;
use super::language::Name;
use super::rooms::PersonId;
use super::standing::{Standing, Standings};
use crate::hub::{Address, ConnId, JobId, Limits, ListenerId, Moment};
use crate::services::accounts::{Accounts, Gate, Place, Verdict};

/// How many may be here that have not logged in yet: from `from` on a newcomer is refused with a chance of `percent`,
/// which rises to certainty at `all` (OpenSSH's `MaxStartups`, with its numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Startups {
    /// So many are always let in.
    pub from: u32,
    /// The chance of being refused then.
    pub percent: u32,
    /// So many are never let in.
    pub all: u32,
}

impl Default for Startups {
    fn default() -> Self {
        Self { from: 10, percent: 30, all: 100 }
    }
}

impl std::str::FromStr for Startups {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u32>> = text.split(':').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[from, percent, all]) if percent <= 100 && from <= all && all > 0 => Ok(Self { from, percent, all }),
            _ => Err("expected FROM:PERCENT:ALL, as in 10:30:100".to_owned()),
        }
    }
}

impl Startups {
    /// Is a newcomer refused when there are `waiting` already? `draw` is any number from outside.
    pub(super) fn refuse(self, waiting: usize, draw: u32) -> bool {
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        if waiting < self.from {
            return false;
        }
        if waiting >= self.all {
            return true;
        }
        let (passed, span) = (waiting - self.from, self.all - self.from);
        draw % 100 < self.percent + (100 - self.percent) * passed / span
    }
}

/// A misdeed's weight, for whoever keeps the door: an address, and how long it is to stay out for that alone.
pub type Misdeeds = SyncSender<(IpAddr, Duration)>;

/// What an operator of the machine has decided about who comes in.
#[derive(Debug, Default)]
pub struct Guard {
    /// Who has an account.
    pub accounts: Option<Accounts>,
    /// Nobody else comes in.
    pub require_login: bool,
    /// Passwords are taken over plain TCP from other machines too.
    pub plain_login: bool,
    /// How many may be here that have not logged in yet.
    pub startups: Startups,
    /// The bounds of those who have.
    pub limits: Limits,
    /// What was laid down before.
    pub rules: Rules,
    /// Who is told of misdeeds.
    pub misdeeds: Option<Misdeeds>,
    /// How much of an address the log shows.
    pub show_address: Option<fn(&Address) -> String>,
    /// Listeners on which nobody can listen in.
    pub private: Vec<ListenerId>,
}

/// What a password was shown for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// To log in to an account; the name as it was typed, if it can be one.
    LogIn(Option<Name>),
    /// To enter a room.
    Enter(Name),
    /// To lock a room with it.
    Lock(Name),
}

/// The chat's knowledge.
#[derive(Debug, Default)]
pub(super) struct Steward {
    pub(super) guard: Guard,
    pub(super) standings: Standings,
    /// The bounds of connections before login and after it.
    pub(super) before_login: Rc<Limits>,
    pub(super) after_login: Rc<Limits>,
    pub(super) gate: Gate<Purpose>,
    /// Verdicts that are to be carried out with the next batch.
    pub(super) verdicts: Vec<(ConnId, Purpose, Verdict)>,
    /// Strangers that are not heard until they have read what they were told.
    pub(super) hushed: Vec<PersonId>,
    /// The rules are being written.
    pub(super) writing: Option<JobId>,
    /// They have changed since.
    pub(super) unwritten: bool,
    /// The accounts are being read again.
    pub(super) reading: Option<JobId>,
    /// Others count since the last batch.
    pub(super) accounts_changed: bool,
}

impl Steward {
    /// When there is something to do though nothing happens.
    pub(super) fn due(&self, now: Moment) -> Moment {
        if self.verdicts.is_empty() && !self.accounts_changed { self.gate.due() } else { now }
    }

    pub(super) fn standing(&self, person: PersonId) -> Standing {
        let book = self.guard.accounts.as_ref().map(Accounts::book);
        self.standings.of(person, book.as_deref())
    }

    /// Is this name, or one that looks like it, an account's, and not that of somebody with this account?
    pub(super) fn is_anothers(&self, name: &Name, account: Option<&str>) -> bool {
        let Some(accounts) = &self.guard.accounts else { return false };
        accounts.book().owner(name).is_some_and(|owner| Some(owner.name.key()) != account)
    }

    /// Tells whoever keeps the door. If they are too busy to listen, they have heard enough.
    pub(super) fn report(&self, peer: Option<IpAddr>, weight: Duration) {
        if let (Some(misdeeds), Some(peer)) = (&self.guard.misdeeds, peer) {
            let _ = misdeeds.try_send((peer, weight));
        }
    }
}

/// The address of a peer, if it has one.
pub(super) fn ip_of(peer: &Address) -> Option<IpAddr> {
    match peer {
        Address::Tcp(address) | Address::Udp(address) => Some(address.ip().to_canonical()),
        Address::Unix(_) | Address::Pipe => None,
    }
}

/// Where somebody's wrong passwords are counted.
pub(super) fn place_of(peer: &Address, user: Option<u32>) -> Place {
    match ip_of(peer) {
        Some(ip) => Place::Net(super::pace::net_of(ip)),
        None => Place::User(user),
    }
}

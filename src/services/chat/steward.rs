//! What the chat knows of who is who and who may what. The chat asks here; what it then does is in `proving`, `order`
//! and `locks`.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::house_rules::Rules;
use super::language::Name;
use super::rooms::PersonId;
use super::standing::{Standing, Standings};
use crate::hub::{About, Address, ConnId, Cx, JobId, Limits, ListenerId, Moment, Wall};
use crate::services::accounts::{Accounts, Gate, Place, Proof, Verdict};

/// What somebody is held to who has not logged in where one has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrow {
    /// The longest line: a name and a password fit.
    pub line: u32,
    /// The longest length frame.
    pub frame: u32,
    /// What they may owe us: at this much they are not read, and not before all of it is gone.
    pub output: usize,
    /// How long they may take to log in, from being accepted on (OpenSSH: 120 s; nobody types here).
    pub time: Duration,
}

impl Default for Narrow {
    fn default() -> Self {
        Self { line: 1024, frame: 4 * 1024, output: 4 * 1024, time: Duration::from_secs(30) }
    }
}

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
    pub(in crate::services) fn refuse(self, waiting: usize, draw: u32) -> bool {
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

/// What is asked of newcomers. Whoever is here already came in by what was asked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// Nobody comes in who does not log in.
    pub require_login: bool,
    /// Passwords are taken over plain TCP from other machines too.
    pub plain_login: bool,
    /// How many may be here that have not logged in yet.
    pub startups: Startups,
    /// What those are held to.
    pub narrow: Narrow,
}

/// A misdeed's weight, for whoever keeps the door: an address, and how long it is to stay out for that alone.
pub type Misdeeds = SyncSender<(IpAddr, Duration)>;

/// What is reported for a wrong password, for going without having tried to log in, and for not having logged in in time:
/// OpenSSH's `PerSourcePenalties`, with its numbers.
pub(in crate::services) const WRONG_PASSWORD: Duration = Duration::from_secs(5);
pub(in crate::services) const NO_LOGIN: Duration = Duration::from_secs(1);
pub(in crate::services) const LATE_LOGIN: Duration = Duration::from_secs(10);

/// What an operator of the machine has decided about who comes in.
#[derive(Debug, Default)]
pub struct Guard {
    /// Who has an account.
    pub accounts: Option<Accounts>,
    /// What is asked of newcomers, by every service; can change while they run.
    pub demands: Rc<Cell<Demands>>,
    /// The bounds of those who have logged in, where one has to.
    pub limits: Limits,
    /// What was laid down before.
    pub rules: Rules,
    /// Who is told of misdeeds.
    pub misdeeds: Option<Misdeeds>,
    /// How much of an address the log shows.
    pub show_address: Option<fn(&Address) -> String>,
    /// Listeners on which nobody can listen in.
    pub private: Private,
}

/// Listeners behind which nobody can read what is sent. One list for all who take passwords, whichever of them it is
/// that a listener leads to.
#[derive(Debug, Clone, Default)]
pub struct Private(Rc<RefCell<Vec<ListenerId>>>);

impl Private {
    /// What is sent on this listener can be read by nobody in between.
    pub fn trust(&self, listener: ListenerId) {
        self.0.borrow_mut().push(listener);
    }

    fn holds(&self, listener: ListenerId) -> bool {
        self.0.borrow().contains(&listener)
    }
}

impl Guard {
    /// The same for a service that has no rooms. What is private, and who is banned, is known to both from now on.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self {
            accounts: self.accounts.clone(),
            demands: Rc::clone(&self.demands),
            limits: self.limits.clone(),
            misdeeds: self.misdeeds.clone(),
            rules: Rules::with_bans(&self.rules.bans),
            private: self.private.clone(),
            show_address: self.show_address,
        }
    }

    /// That a connection's address is banned, and for how long, if it is.
    pub(in crate::services) fn ban_of_address(&self, cx: &Cx<'_>, conn: ConnId) -> Option<String> {
        let ip = ip_of(cx.about(conn)?.peer)?;
        let ban = self.rules.bans.ban_of(None, Some(ip), cx.wall())?;
        Some(format!("your address is banned {}", ban.told()))
    }

    /// The same of a name, or of one that looks like it.
    pub(in crate::services) fn ban_of_name(&self, name: &Name, now: Wall) -> Option<String> {
        let ban = self.rules.bans.ban_of(Some(name), None, now)?;
        Some(format!("{name} is banned {}", ban.told()))
    }

    /// Can nobody between us read what this connection sends?
    pub(in crate::services) fn is_private(&self, about: &About<'_>) -> bool {
        let own = matches!(about.peer, Address::Tcp(peer) if peer.ip().to_canonical().is_loopback());
        self.demands.get().plain_login
            || own
            || !matches!(about.peer, Address::Tcp(_))
            || about.listener.is_some_and(|listener| self.private.holds(listener))
    }

    /// Whose account it is that the certificate of a connection stands with, if it showed one.
    pub(in crate::services) fn recognised(&self, about: &About<'_>) -> Option<(Name, Proof)> {
        let (certificate, accounts) = (about.certificate?, self.accounts.as_ref()?);
        let holder = accounts.holder(certificate);
        if holder.is_none() {
            // So that an operator of the machine can take it from the log.
            let from = self.show_address.map_or_else(|| about.peer.to_string(), |show| show(about.peer));
            log::info!("a certificate that stands with no account came from {from}: {certificate}");
        }
        holder
    }

    /// Tells whoever keeps the door. If they are too busy to listen, they have heard enough.
    pub(in crate::services) fn report(&self, peer: Option<IpAddr>, weight: Duration) {
        if let (Some(misdeeds), Some(peer)) = (&self.misdeeds, peer) {
            let _ = misdeeds.try_send((peer, weight));
        }
    }

    /// For operators of the machine, and for programs that watch the log. A name that is no account's is not told: it
    /// may be a password in the wrong place.
    pub(in crate::services) fn log_wrong_password(&self, about: &About<'_>, name: Option<&Name>) {
        let book = self.accounts.as_ref().map(Accounts::book);
        let known = name.and_then(|name| book.as_ref()?.find(name));
        let whose = known.map_or("no account", |account| account.name.as_str());
        let from = self.show_address.map_or_else(|| about.peer.to_string(), |show| show(about.peer));
        log::warn!("wrong password for {whose} from {from}");
    }
}

/// What a password was shown for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// To log in to an account; the name as it was typed, if it can be one, and what was shown.
    LogIn(Option<Name>, Proof),
    /// To enter a room that had this kept of its password.
    Enter(Name, Box<str>),
    /// To lock a room with it.
    Lock(Name),
}

/// The chat's knowledge.
#[derive(Debug, Default)]
pub(super) struct Steward {
    pub(super) guard: Guard,
    pub(super) standings: Standings,
    /// The bounds of connections after login.
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
    /// No helper was free for it; when another one is asked for.
    pub(super) write_at: Option<Moment>,
    /// The version of the accounts that the last batch knew.
    pub(super) known: u64,
}

impl Steward {
    /// When there is something to do though nothing happens.
    pub(super) fn due(&self, now: Moment) -> Moment {
        let gate = if self.verdicts.is_empty() && self.version() == self.known { self.gate.due() } else { now };
        gate.min(self.write_at.unwrap_or(Moment::NEVER))
    }

    /// Of the accounts.
    fn version(&self) -> u64 {
        self.guard.accounts.as_ref().map_or(0, Accounts::version)
    }

    /// Do others count since this was asked last?
    pub(super) fn accounts_changed(&mut self) -> bool {
        let version = self.version();
        std::mem::replace(&mut self.known, version) != version
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
}

/// The address of a peer, if it has one.
pub(in crate::services) fn ip_of(peer: &Address) -> Option<IpAddr> {
    match peer {
        Address::Tcp(address) | Address::Udp(address) => Some(address.ip().to_canonical()),
        Address::Unix(_) | Address::Pipe => None,
    }
}

/// Where somebody's wrong passwords are counted.
pub(in crate::services) fn place_of(peer: &Address, user: Option<u32>) -> Place {
    match ip_of(peer) {
        Some(ip) => Place::Net(super::pace::net_of(ip)),
        None => Place::User(user),
    }
}

//! Addresses: how many connections each has open, how many came lately, and who is to stay out for a while.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::hub::{Address, ConnId, Hub, Moment};

/// The span in which newcomers of an address are counted.
const SPAN: Duration = Duration::from_secs(600);
/// Penalties add up; below this sum nobody is kept out (OpenSSH's `min`).
const LEAST: Duration = Duration::from_secs(15);
/// They never add up to more (OpenSSH's `max`).
const MOST: Duration = Duration::from_secs(600);
/// Addresses that are remembered; the oldest go, and with them what was counted (OpenSSH: 65,536 of each kind).
const REMEMBERED: usize = 65_536;

/// Where the door is told of misdeeds: whose, and how long they are to stay out for one.
pub type Misdeeds = SyncSender<(IpAddr, Duration)>;

/// Tells the door of a misdeed. If it is too busy to listen, it has heard enough.
pub fn report(misdeeds: &Misdeeds, peer: &Address, weight: Duration) {
    if let Address::Tcp(peer) = peer {
        let _ = misdeeds.try_send((peer.ip(), weight));
    }
}

/// How many connections one address may have; `None`: any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerAddress {
    /// Open at once.
    pub open: Option<u32>,
    /// New within ten minutes.
    pub new: Option<u32>,
}

/// What is looked at in an address.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    /// How many connections it may have.
    pub per_address: PerAddress,
    /// Addresses of this machine are looked at too.
    pub count_loopback: bool,
    /// Whoever misbehaved stays out for a while.
    pub penalties: bool,
}

/// Why a newcomer is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no room for anybody.
    Full,
    /// Its address stays out for so many seconds yet.
    Penalty(u64),
    /// Its address has so many open.
    TooManyOpen(u32),
    /// So many came from its address lately.
    TooManyCame(u32),
}

impl Refusal {
    /// One of each kind.
    pub(super) const KINDS: [Self; 4] = [Self::Full, Self::Penalty(0), Self::TooManyOpen(0), Self::TooManyCame(0)];

    /// The word for programs.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Penalty(_) => "penalty",
            Self::TooManyOpen(_) => "too-many-open",
            Self::TooManyCame(_) => "too-many-came",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(out, "so many are connected that no more are let in (max-connections)"),
            Self::Penalty(seconds) => {
                write!(out, "too much went wrong from your address; come again in {seconds} s (penalties)")
            }
            Self::TooManyOpen(most) => write!(out, "{most} connections are open from your address (per-address)"),
            Self::TooManyCame(most) => {
                write!(out, "{most} connections came from your address in ten minutes (new-per-address)")
            }
        }
    }
}

/// An IPv4 address, or the /64 of an IPv6 one.
type Place = [u8; 8];

#[derive(Debug)]
struct Known {
    /// Its connections; those that are gone since are dropped when it matters.
    open: Vec<ConnId>,
    new: u32,
    /// Since when the new ones are counted.
    since: Moment,
    /// When its penalties are served.
    penalty: Moment,
    /// They add up to enough that it is kept out until then.
    kept_out: bool,
}

impl Known {
    fn forget_gone(&mut self, hub: &Hub) {
        self.open.retain(|&id| hub.about(id).is_some());
    }
}

/// The addresses that were heard from lately.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<Place, Known>,
    order: VecDeque<(Moment, Place)>,
}

impl Addresses {
    /// Why a newcomer is turned away, if it is. One that is not is counted.
    pub(super) fn judge(
        &mut self,
        rules: &AddressRules,
        peer: &Address,
        hub: &Hub,
        now: Moment,
    ) -> Result<(), Refusal> {
        let Some(place) = place(rules, peer) else { return Ok(()) };
        let known = self.of(place, hub, now);
        if rules.penalties && known.kept_out && known.penalty > now {
            return Err(Refusal::Penalty((known.penalty - now).as_secs() + 1));
        }
        if let Some(most) = rules.per_address.open {
            let is_full = |known: &Known| known.open.len() >= most as usize;
            if is_full(known) {
                known.forget_gone(hub);
            }
            if is_full(known) {
                return Err(Refusal::TooManyOpen(most));
            }
        }
        if known.since + SPAN <= now {
            (known.new, known.since) = (0, now);
        }
        if let Some(most) = rules.per_address.new.filter(|&most| known.new >= most) {
            return Err(Refusal::TooManyCame(most));
        }
        known.new += 1;
        Ok(())
    }

    /// It came in.
    pub(super) fn seat(&mut self, rules: &AddressRules, peer: &Address, id: ConnId, hub: &Hub) {
        let Some(known) = place(rules, peer).and_then(|place| self.known.get_mut(&place)) else { return };
        // Looked through before more room is taken, and then at least as many newcomers pass before the next time.
        if known.open.len() == known.open.capacity() {
            known.forget_gone(hub);
            known.open.reserve(known.open.len() + 1);
        }
        known.open.push(id);
    }

    /// Somebody there has misbehaved.
    pub(super) fn punish(&mut self, rules: &AddressRules, ip: IpAddr, weight: Duration, hub: &Hub, now: Moment) {
        let peer = Address::Tcp((ip, 0).into());
        let Some(place) = place(rules, &peer).filter(|_| rules.penalties) else { return };
        let known = self.of(place, hub, now);
        let begun = if known.penalty == Moment::NEVER || known.penalty <= now {
            known.kept_out = false;
            now
        } else {
            known.penalty
        };
        known.penalty = (begun + weight).min(now + MOST);
        known.kept_out |= known.penalty - now >= LEAST;
    }

    fn of(&mut self, place: Place, hub: &Hub, now: Moment) -> &mut Known {
        while let Some(&(since, oldest)) = self.order.front() {
            let is_full = self.order.len() >= REMEMBERED;
            if oldest == place || !is_full && since + SPAN > now {
                break;
            }
            self.order.pop_front();
            let Some(known) = self.known.get_mut(&oldest) else { continue };
            known.forget_gone(hub);
            let matters = !known.open.is_empty() || known.penalty > now && known.penalty != Moment::NEVER;
            if matters && !is_full {
                self.order.push_back((now, oldest));
                continue;
            }
            self.known.remove(&oldest);
        }
        let order = &mut self.order;
        self.known.entry(place).or_insert_with(|| {
            order.push_back((now, place));
            Known { open: Vec::new(), new: 0, since: now, penalty: Moment::NEVER, kept_out: false }
        })
    }
}

/// Where a peer comes from, if that is looked at.
fn place(rules: &AddressRules, peer: &Address) -> Option<Place> {
    let Address::Tcp(address) = peer else { return None };
    match address.ip().to_canonical() {
        ip if ip.is_loopback() && !rules.count_loopback => None,
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            Some([0, 0, 0xFF, 0xFF, a, b, c, d])
        }
        IpAddr::V6(ip) => ip.octets().first_chunk().copied(),
    }
}

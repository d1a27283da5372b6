//! Who may come in, and when nobody can.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::counts::Counts;
use super::penalties::{AddressRules, Addresses, Refusal};
use super::reactor::Reactor;
use crate::hub::{Address, ConnId, Hub, Identity, ListenerId, Moment, Reason};

/// How long to wait after an accept found no descriptor, unless something is closed before (OpenSSH waits as long).
const RETRY: Duration = Duration::from_millis(100);

/// Descriptors kept for ourselves: standard streams, the poll, the waker, listeners, the history, a spare.
const OURS: usize = 16;

/// How often what all connections leave unread and unsent is summed up. Summing ten thousand takes a hundred
/// microseconds; in so short a time not much memory can be filled.
const SUM_EVERY: Duration = Duration::from_millis(100);

/// On what terms newcomers are let in. Whoever made the door can change them, and see whom it has turned away.
#[derive(Debug)]
pub struct Terms {
    /// More are told why and turned away.
    pub max_connections: Cell<usize>,
    /// What is looked at in addresses.
    pub addresses: RefCell<AddressRules>,
    /// What all connections may leave unread and unsent together.
    pub buffers: Cell<usize>,
    /// Whom it has turned away, by the word that they were told.
    pub refused: Rc<Counts>,
}

/// The door: how many may be inside, and how it behaves when there is no room for another.
#[derive(Debug)]
pub struct Doorkeeper {
    /// On what terms.
    pub terms: Rc<Terms>,
    /// More wait in the kernel's accept queue.
    max_sockets: usize,
    /// Since an accept failed for want of descriptors: when to try again, and how many connections had been freed.
    starved: Option<(Moment, u64)>,
    /// Given up to turn one newcomer away when no connection of ours is left that could make room by closing.
    spare: Option<File>,
    addresses: Addresses,
    /// Where services tell of misdeeds.
    misdeeds: Option<Receiver<(IpAddr, Duration)>>,
    /// What one connection may leave unread and unsent.
    most_of_one: usize,
    summed: Moment,
}

impl Doorkeeper {
    /// A door for at most `max_connections`, in a process that may open `max_descriptors`.
    #[must_use]
    pub fn new(max_connections: usize, max_descriptors: usize) -> Self {
        let max_sockets = max_descriptors.saturating_sub(OURS).max(1);
        let terms = Terms {
            max_connections: Cell::new(max_connections),
            addresses: RefCell::default(),
            buffers: Cell::new(usize::MAX),
            refused: Counts::of(Refusal::KINDS.map(Refusal::code)),
        };
        Self {
            terms: Rc::new(terms),
            max_sockets,
            starved: None,
            spare: spare(),
            addresses: Addresses::default(),
            misdeeds: None,
            most_of_one: 0,
            summed: Moment::START,
        }
    }

    /// So many connections can be inside, whatever may be.
    #[must_use]
    pub fn most_sockets(&self) -> usize {
        self.max_sockets
    }

    /// The same, looking at addresses, and hearing of misdeeds.
    #[must_use]
    pub fn watchful(self, rules: AddressRules, misdeeds: Receiver<(IpAddr, Duration)>) -> Self {
        self.terms.addresses.replace(rules);
        Self { misdeeds: Some(misdeeds), ..self }
    }

    /// The same, for connections that may together leave `most` bytes unread and unsent, and alone not much more than
    /// `most_of_one`.
    #[must_use]
    pub fn sparing(self, most: usize, most_of_one: usize) -> Self {
        self.terms.buffers.set(most);
        Self { most_of_one, ..self }
    }

    /// Lets a newcomer in, where `inside` are by now, or tells them why not. `None` when so many are being told that
    /// this one gets no word.
    pub fn admit(
        &mut self,
        hub: &mut Hub,
        inside: usize,
        listener: ListenerId,
        peer: Address,
        who: Option<Identity>,
        now: Moment,
    ) -> Option<ConnId> {
        self.fed();
        let rules = self.terms.addresses.borrow();
        while let Some((ip, weight)) = self.misdeeds.as_ref().and_then(|misdeeds| misdeeds.try_recv().ok()) {
            self.addresses.punish(&rules, ip, weight, hub, now);
        }
        let is_full = inside >= self.terms.max_connections.get();
        let judged = if is_full { Err(Refusal::Full) } else { self.addresses.judge(&rules, &peer, hub, now) };
        if let Err(refusal) = judged {
            self.terms.refused.count(refusal.code());
            return hub.refused(listener, peer, &format!("! {}: {refusal}", refusal.code()));
        }
        let id = hub.accepted(listener, peer.clone(), who);
        self.addresses.seat(&rules, &peer, id, hub);
        Some(id)
    }

    /// Gives up those who hoard most, once all together leave more unread and unsent than they may.
    pub fn relieve(&mut self, hub: &mut Hub, now: Moment) {
        let (at_most, most) = (hub.connections().saturating_mul(self.most_of_one), self.terms.buffers.get());
        if at_most <= most || self.summed + SUM_EVERY > now && self.summed != Moment::START {
            return;
        }
        self.summed = now;
        let mut gone = None;
        while let (total, Some(largest)) = hub.hoarded() {
            if total <= most {
                return;
            }
            if gone.is_none() {
                log::warn!("{total} bytes wait unread and unsent, more than {most}; the largest go (buffers)");
            }
            if gone == Some(largest) {
                // It was going already: then without its last words.
                hub.fail(largest, Reason::Stalled);
            } else {
                hub.give_up_slow(largest);
            }
            gone = Some(largest);
        }
    }

    /// May a newcomer be accepted now? `sockets` are open, `freed` were closed since the start.
    #[must_use]
    fn is_open(&self, sockets: usize, freed: u64, now: Moment) -> bool {
        sockets < self.max_sockets && self.starved.is_none_or(|(retry, then)| freed != then || now >= retry)
    }

    /// When to look again, whatever happens. Past that moment the door is open, and waiting is over.
    pub(super) fn deadline(&self, now: Moment) -> Option<Moment> {
        self.starved.map(|(retry, _)| retry).filter(|&retry| retry > now)
    }

    /// An accept found no descriptor or no memory.
    fn starve(&mut self, freed: u64, now: Moment) {
        self.starved = Some((now + RETRY, freed));
    }

    /// An accept went well.
    pub(super) fn fed(&mut self) {
        self.starved = None;
        if self.spare.is_none() {
            self.spare = spare();
        }
    }

    /// Frees the spare descriptor if an accept failed for want of one; answers whether that made room.
    fn give_spare(&mut self, error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) && self.spare.take().is_some()
    }
}

impl Reactor {
    /// May anybody be accepted now? Sources of datagrams have no descriptor, and a limit of their own.
    pub(super) fn is_open(&self) -> bool {
        let sockets = self.hub.sockets() - self.udp.standing();
        self.door.is_open(sockets, self.hub.tally().freed, self.now)
    }

    /// Lets a newcomer in, or has them told why not.
    pub(super) fn let_in(&mut self, listener: ListenerId, peer: Address, who: Option<Identity>) -> Option<ConnId> {
        let inside = self.hub.connections() - self.udp.standing();
        self.door.admit(&mut self.hub, inside, listener, peer, who, self.now)
    }

    pub(super) fn starve(&mut self, index: usize, error: &io::Error) {
        // Once, and not at each of ten attempts a second, until somebody could be let in again.
        if self.door.starved.is_none() {
            log::warn!("no connection can be accepted for now: {error}");
        }
        if self.hub.sockets() == self.udp.standing() && self.door.give_spare(error) {
            // No connection of ours will ever make room: turn this one away, so that it need not wait for nothing.
            drop(self.listeners[index].accept());
        }
        self.door.starve(self.hub.tally().freed, self.now);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

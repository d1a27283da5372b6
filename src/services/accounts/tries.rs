//! Wrong passwords, counted: by where they came from, and by whose they were meant to be.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::hub::Moment;

/// Wrong passwords in a minute, from one address and from one address for one account.
pub const TRIES: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);
/// How long after a wrong password the next one for the same account is looked at, wherever it comes from.
pub const SLOWED: Duration = Duration::from_secs(1);
/// Counts that are kept; the oldest go. Each lasts a minute, so it takes more than a hundred checks a second to pass this.
const COUNTS: usize = 10_000;

/// Where somebody comes from: an IPv4 address, the /64 of an IPv6 one, or a user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// By the network.
    Net([u8; 8]),
    /// By a Unix socket: the user's number, where the kernel told it.
    User(Option<u32>),
}

/// The last wrong ones, the oldest first.
type Times = [Moment; TRIES];
const NONE: Times = [Moment::NEVER; TRIES];

/// The counts.
#[derive(Debug, Default)]
pub struct Tries {
    known: HashMap<u64, Times>,
    /// When each was entered, so that the old can go. A count that goes on is entered again.
    order: VecDeque<(Moment, u64)>,
    key: RandomState,
}

impl Tries {
    /// Were there so many that nothing from there is looked at for now, or nothing from there for this account?
    #[must_use]
    pub fn are_spent(&self, place: Place, subject: &str, now: Moment) -> bool {
        [self.key.hash_one(place), self.key.hash_one((place, subject))].into_iter().any(|key| {
            // All of them within the last minute: the oldest is one of them.
            self.known.get(&key).is_some_and(|times| times[0] != Moment::NEVER && times[0] + MINUTE > now)
        })
    }

    /// When a password for this account may be looked at: a while after the last wrong one.
    #[must_use]
    pub fn not_before(&self, subject: &str) -> Moment {
        let times = self.known.get(&self.key.hash_one(subject));
        times.map_or(Moment::START, |times| times[TRIES - 1] + SLOWED)
    }

    /// Another wrong one.
    pub fn wrong(&mut self, place: Place, subject: &str, now: Moment) {
        self.forget_old(now);
        let keys = [self.key.hash_one(place), self.key.hash_one((place, subject)), self.key.hash_one(subject)];
        for key in keys {
            let times = self.known.entry(key).or_insert(NONE);
            times.rotate_left(1);
            times[TRIES - 1] = now;
            self.order.push_back((now, key));
        }
    }

    /// A right one: the wrong ones from there for this account were slips of its owner, and count no more. Those for
    /// other accounts do, so nobody buys guesses with an account of their own.
    pub fn right(&mut self, place: Place, subject: &str) {
        let Some(slips) = self.known.remove(&self.key.hash_one((place, subject))) else { return };
        let place = self.key.hash_one(place);
        let Some(times) = self.known.get_mut(&place) else { return };
        for slip in slips.into_iter().filter(|&slip| slip != Moment::NEVER) {
            if let Some(at) = times.iter().rposition(|&time| time == slip) {
                times[..=at].rotate_right(1);
                times[0] = Moment::NEVER;
            }
        }
    }

    fn forget_old(&mut self, now: Moment) {
        while let Some(&(since, key)) = self.order.front() {
            let is_old = since + MINUTE <= now;
            if !is_old && self.order.len() <= COUNTS {
                break;
            }
            self.order.pop_front();
            let is_last = |times: &Times| times.iter().all(|&time| time == Moment::NEVER || time <= since);
            if self.known.get(&key).is_some_and(is_last) {
                self.known.remove(&key);
            }
        }
    }
}

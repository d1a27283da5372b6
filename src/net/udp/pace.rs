//! How much may come from one address. A datagram's source can be forged, so whoever answers it hits whom the forger
//! chose: the pace bounds how hard.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Terms;
use crate::hub::Moment;

/// So many at once, then one in every `each`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    burst: u32,
    each: Duration,
}

/// From this machine, where nobody forges a source from outside: more than a program can ask that waits for each
/// answer, less than two programs can make each other say.
const NEAR: Rate = Rate { burst: 10_000, each: Duration::from_micros(100) };
/// Our own words, come back: nearly all of what two echo servers tell each other, and seldom a question. The burst is
/// for whoever says the same thing often; one a second keeps a slow question alive, and no loop.
const OWN_NEAR: Rate = Rate { burst: 1024, each: Duration::from_secs(1) };
const OWN_FAR: Rate = Rate { burst: 50, each: Duration::from_secs(1) };

/// Places in the table of paces: 32 KiB. Whoever cycles through forged sources pushes nobody out of it; at worst,
/// several share a place.
const PLACES: usize = 4096;

/// A bucket that is refilled by time: only the moment when it will be full again is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    full: Moment,
}

impl Bucket {
    pub(super) const FULL: Self = Self { full: Moment::START };

    /// Takes one out, if there is one.
    pub(super) fn take(&mut self, rate: Rate, now: Moment) -> bool {
        let full = self.full.max(now) + rate.each;
        let has = full - now <= rate.each * rate.burst;
        if has {
            self.full = full;
        }
        has
    }
}

/// The paces of all addresses.
#[derive(Debug)]
pub(super) struct Paces {
    /// Keyed anew in each process, so that nobody can choose whose place to share.
    keyed: RandomState,
    places: Vec<Bucket>,
    /// From beyond this machine, by address.
    far: Rate,
}

impl Default for Paces {
    fn default() -> Self {
        let Terms { burst, rate, .. } = Terms::default();
        Self { keyed: RandomState::new(), places: vec![Bucket::FULL; PLACES], far: Rate::new(burst, rate) }
    }
}

impl Rate {
    fn new(burst: u32, rate: u32) -> Self {
        Self { burst, each: Duration::from_secs(1) / rate.max(1) }
    }
}

impl Paces {
    /// Addresses beyond this machine are answered so many times at once, then so many times a second.
    pub(super) fn set(&mut self, burst: u32, rate: u32) {
        self.far = Rate::new(burst, rate);
    }

    /// May one more datagram from this source be answered?
    pub(super) fn admit(&mut self, source: SocketAddr, now: Moment) -> bool {
        let (rate, key) = match neighbourhood(source.ip()) {
            None => (NEAR, self.keyed.hash_one(source)),
            Some(address) => (self.far, self.keyed.hash_one(address)),
        };
        let place = usize::try_from(key % self.places.len() as u64).expect("it is below the length");
        self.places[place].take(rate, now)
    }
}

/// The rate of our own words from this source.
pub(super) fn own_words(source: SocketAddr) -> Rate {
    if neighbourhood(source.ip()).is_none() { OWN_NEAR } else { OWN_FAR }
}

/// An address, or the network of 2⁶⁴ that one host of IPv6 has to itself; `None` for this machine.
fn neighbourhood(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(address.into()),
        IpAddr::V6(address) => Some(std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_nanos(5_000_000_000);

    fn taken(paces: &mut Paces, source: &str, now: Moment) -> usize {
        let source = source.parse().expect("an address");
        (0..100_000).filter(|_| paces.admit(source, now)).count()
    }

    #[test]
    fn a16_a_source_has_a_burst_and_then_a_rate() {
        let mut paces = Paces::default();
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START), 50);
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START + Duration::from_secs(1)), 20);
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START + Duration::from_secs(3600)), 50);
    }

    #[test]
    fn a16_another_pace_can_be_chosen() {
        let mut paces = Paces::default();
        paces.set(5, 2);
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START), 5);
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START + Duration::from_secs(1)), 2);
        assert_eq!(taken(&mut paces, "127.0.0.1:7", START), 10_000, "this machine keeps its own");
    }

    #[test]
    fn a16_beyond_loopback_a_source_is_its_address_whatever_the_port() {
        let mut paces = Paces::default();
        assert_eq!(taken(&mut paces, "192.0.2.1:7", START), 50);
        assert_eq!(taken(&mut paces, "192.0.2.1:8", START), 0);
        assert_eq!(taken(&mut paces, "[2001:db8::1]:7", START), 50);
        assert_eq!(taken(&mut paces, "[2001:db8::ffff:1]:7", START), 0);
    }

    #[test]
    fn a16_on_loopback_each_port_is_a_source_and_as_fast_as_one_who_waits_for_answers() {
        let mut paces = Paces::default();
        assert_eq!(taken(&mut paces, "127.0.0.1:7", START), 10_000);
        assert_eq!(taken(&mut paces, "127.0.0.1:7", START + Duration::from_millis(1)), 10);
    }
}

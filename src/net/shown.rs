//! How much of a peer's address the log shows: an operator may not want to keep who came from where.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::hub::Address;

/// How much of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Full,
    /// Its network: 24 bits of IPv4, 48 of IPv6 (what a provider gives to a customer, or more).
    Net,
    /// Nothing.
    None,
}

/// The log is one for the process, and so is this.
static DETAIL: AtomicU8 = AtomicU8::new(Detail::Full as u8);

/// From now on the log shows so much of addresses.
pub fn log_addresses(detail: Detail) {
    DETAIL.store(detail as u8, Ordering::Relaxed);
}

/// An address as the log may show it.
#[must_use]
pub fn shown(address: &Address) -> Shown<'_> {
    let stored = DETAIL.load(Ordering::Relaxed);
    let detail = [Detail::Full, Detail::Net].into_iter().find(|&detail| detail as u8 == stored);
    Shown(address, detail.unwrap_or(Detail::None))
}

/// What the log shows of an address.
#[derive(Debug)]
pub struct Shown<'a>(&'a Address, Detail);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Address::Tcp(_), Detail::None) => write!(out, "somewhere"),
            (Address::Tcp(address), Detail::Net) => match address.ip().to_canonical() {
                IpAddr::V4(ip) => write!(out, "{}/24", Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8))),
                IpAddr::V6(ip) => write!(out, "{}/48", Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80))),
            },
            // Whoever is on this machine has no address.
            (address, _) => address.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_shown_as_was_chosen() {
        let shown = |text: &str, detail| {
            let address = Address::Tcp(text.parse().unwrap_or_else(|_| panic!("{text}")));
            Shown(&address, detail).to_string()
        };
        assert_eq!(shown("192.0.2.77:5", Detail::Full), "192.0.2.77:5");
        assert_eq!(shown("192.0.2.77:5", Detail::Net), "192.0.2.0/24");
        assert_eq!(shown("[::ffff:192.0.2.77]:5", Detail::Net), "192.0.2.0/24");
        assert_eq!(shown("[2001:db8:1:2::9]:5", Detail::Net), "2001:db8:1::/48");
        assert_eq!(shown("192.0.2.77:5", Detail::None), "somewhere");
        assert_eq!(Shown(&Address::Unix(None), Detail::None).to_string(), "unix");
    }
}

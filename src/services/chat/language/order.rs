//! Commands of those who keep order, and of those who made a room.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::Complaint;
use super::args::{Args, person, split};

/// The longest time that can be named, in days: longer is for ever, and that is said by naming none.
const LONGEST_DAYS: u64 = 3650;

/// Whom a ban is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Banned<'a> {
    /// Whoever bears a name, or one that looks like it.
    Name(&'a str),
    /// Whoever comes from there: an address and how many of its bits count.
    Net(IpAddr, u8),
}

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order<'a> {
    /// Close somebody's connection.
    Kick {
        /// Whose.
        name: &'a str,
        /// Why.
        why: Option<Cow<'a, str>>,
    },
    /// Close it, and let nobody in who is or looks the same, or comes from there.
    Ban {
        /// Whom.
        whom: Banned<'a>,
        /// For how long; `None`: until `/unban`.
        time: Option<Duration>,
        /// Why.
        why: Option<Cow<'a, str>>,
    },
    /// List what is banned and muted.
    Bans,
    /// Take a ban back.
    Unban(Banned<'a>),
    /// Let somebody listen only.
    Mute {
        /// Whom.
        name: &'a str,
        /// For how long; `None`: until `/unmute`.
        time: Option<Duration>,
    },
    /// Let them speak again.
    Unmute(&'a str),
    /// Let only operators set the current room's topic, or everybody again.
    LockTopic(bool),
    /// Set what everybody is told on coming; an empty text takes it away.
    SetMotd(Cow<'a, str>),
}

impl<'a> Args<'a> {
    pub(super) fn kick(&self) -> Result<Order<'a>, Complaint> {
        let (name, rest) = self.first()?;
        Ok(Order::Kick { name: person(name), why: self.behind(rest).words_of_few("a reason")? })
    }

    pub(super) fn ban(&self) -> Result<Order<'a>, Complaint> {
        if self.rest.trim().is_empty() {
            return Ok(Order::Bans);
        }
        let (whom, rest) = self.first()?;
        let whom = self.banned(whom)?;
        let (word, behind) = split(rest.trim_start());
        let (time, rest) = match time(word) {
            Some(time) => (Some(time), behind),
            None => (None, rest),
        };
        Ok(Order::Ban { whom, time, why: self.behind(rest).words_of_few("a reason")? })
    }

    pub(super) fn unban(&self) -> Result<Order<'a>, Complaint> {
        Ok(Order::Unban(self.banned(self.one()?)?))
    }

    pub(super) fn mute(&self) -> Result<Order<'a>, Complaint> {
        let (name, rest) = self.first()?;
        let word = rest.trim();
        let time = if word.is_empty() { None } else { Some(time(word).ok_or_else(|| self.no_time())?) };
        Ok(Order::Mute { name: person(name), time })
    }

    fn first(&self) -> Result<(&'a str, &'a str), Complaint> {
        let (word, rest) = split(self.rest.trim_start());
        if word.is_empty() { Err(Complaint::usage(self.help, "something is missing")) } else { Ok((word, rest)) }
    }

    fn behind(&self, rest: &'a str) -> Self {
        Self { help: self.help, rest }
    }

    fn no_time(&self) -> Complaint {
        Complaint::usage(self.help, "TIME is a number with s, m, h or d behind it, and at most ten years")
    }

    fn banned(&self, word: &'a str) -> Result<Banned<'a>, Complaint> {
        if !word.contains(['.', ':', '/']) {
            return Ok(Banned::Name(person(word)));
        }
        let (address, bits) = word.split_once('/').map_or((word, None), |(address, bits)| (address, Some(bits)));
        let net = address.parse::<IpAddr>().ok().and_then(|ip| {
            let most = if ip.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
            (bits <= most).then_some(Banned::Net(ip, bits))
        });
        net.ok_or_else(|| Complaint::usage(self.help, "an address is 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64"))
    }
}

/// `30s`, `10m`, `2h`, `7d`.
fn time(word: &str) -> Option<Duration> {
    let (number, seconds) = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((word.strip_suffix(unit)?, seconds)))?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(seconds)?;
    (1..=LONGEST_DAYS * 24 * 60 * 60).contains(&seconds).then(|| Duration::from_secs(seconds))
}

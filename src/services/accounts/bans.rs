//! Who is kept out, and who is to listen only: one list for all services that know people. The chat's operators write it, and
//! the chat keeps it over a restart; everybody else reads it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use crate::hub::Wall;
use crate::services::chat::{Banned, Name};

/// Bans and mutes that can stand at once: more than an operator can oversee, and looked through for every newcomer.
const RULES: usize = 1000;

/// Whom a rule is for.
#[derive(Debug, Clone)]
pub enum Whom {
    /// Whoever has this name, or one that looks like it.
    Name(Name),
    /// Whoever comes from there: an address, and how many of its bits count.
    Net(IpAddr, u8),
}

impl Whom {
    /// As an operator wrote it.
    pub(in crate::services) fn of(banned: Banned<'_>, name: impl FnOnce(&str) -> Option<Name>) -> Option<Self> {
        Some(match banned {
            Banned::Name(word) => Self::Name(name(word)?),
            Banned::Net(ip, bits) => Self::net(ip, bits)?,
        })
    }

    /// Addresses with so many bits in common. An IPv4 address is one, however it was written.
    pub(in crate::services) fn net(ip: IpAddr, bits: u8) -> Option<Self> {
        let (ip, bits) = match ip.to_canonical() {
            IpAddr::V4(four) if ip.is_ipv6() && bits >= 96 => (IpAddr::V4(four), bits - 96),
            _ => (ip, bits),
        };
        (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Self::Net(ip, bits))
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(own), Self::Name(other)) => own.key() == other.key(),
            (Self::Net(own, bits), Self::Net(other, others)) => bits == others && covers(*own, *bits, *other),
            _ => false,
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(out, "{name}"),
            Self::Net(ip, bits) if *bits == if ip.is_ipv4() { 32 } else { 128 } => write!(out, "{ip}"),
            Self::Net(ip, bits) => write!(out, "{ip}/{bits}"),
        }
    }
}

/// Is an address in a net?
fn covers(net: IpAddr, bits: u8, ip: IpAddr) -> bool {
    let (own, other, width) = match (net, ip.to_canonical()) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    (own ^ other).checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
}

fn is_alike(banned: &Name, name: &Name) -> bool {
    let keys = [banned.key(), banned.look()];
    keys.contains(&name.key()) || keys.contains(&name.look())
}

/// One ban, or one mute.
#[derive(Debug, Clone)]
pub struct Rule {
    /// They may come in, and listen only.
    pub mute: bool,
    /// Who.
    pub whom: Whom,
    /// Until when; `None`: until it is taken back.
    pub until: Option<Wall>,
    /// The operator who said so.
    pub by: Box<str>,
    /// What they said about it.
    pub why: Box<str>,
}

impl Rule {
    fn is_over(&self, now: Wall) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Is a ban for somebody of this name, or from there?
    #[must_use]
    pub fn concerns(&self, name: Option<&Name>, ip: Option<IpAddr>) -> bool {
        match &self.whom {
            Whom::Name(banned) => name.is_some_and(|name| is_alike(banned, name)),
            Whom::Net(net, bits) => ip.is_some_and(|ip| covers(*net, *bits, ip)),
        }
    }

    /// For how long, by whom and why, as it is told to those whom it concerns.
    #[must_use]
    pub fn told(&self) -> String {
        let until =
            self.until.map_or_else(|| "until an operator says otherwise".to_owned(), |at| format!("until {at}"));
        let why = if self.why.is_empty() { String::new() } else { format!(" ({})", self.why) };
        format!("{until}, by {}{why}", self.by)
    }
}

/// The list. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Bans(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rules: RefCell<Vec<Rule>>,
    version: Cell<u64>,
}

impl Bans {
    /// Another number whenever there is another rule.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version.get()
    }

    /// One that was laid down in an earlier run.
    pub fn restore(&self, rule: Rule) {
        self.0.rules.borrow_mut().push(rule);
    }

    /// Lays down a rule in the place of one for the same. Answers whether there was room.
    pub fn add(&self, rule: Rule, now: Wall) -> bool {
        self.take_back(rule.mute, &rule.whom);
        let mut rules = self.0.rules.borrow_mut();
        rules.retain(|rule| !rule.is_over(now));
        let fits = rules.len() < RULES;
        if fits {
            rules.push(rule);
            self.0.version.set(self.version() + 1);
        }
        fits
    }

    /// Takes a rule back. Answers whether there was one.
    pub fn take_back(&self, mute: bool, whom: &Whom) -> bool {
        let mut rules = self.0.rules.borrow_mut();
        let before = rules.len();
        rules.retain(|rule| rule.mute != mute || !rule.whom.is_same(whom));
        rules.len() < before
    }

    /// All that stand.
    #[must_use]
    pub fn standing(&self, now: Wall) -> Vec<Rule> {
        self.0.rules.borrow().iter().filter(|rule| !rule.is_over(now)).cloned().collect()
    }

    fn find(&self, now: Wall, is_it: impl Fn(&Rule) -> bool) -> Option<Rule> {
        self.0.rules.borrow().iter().find(|rule| !rule.is_over(now) && is_it(rule)).cloned()
    }

    /// The ban of a name, or of one that looks like it, or of an address.
    #[must_use]
    pub fn ban_of(&self, name: Option<&Name>, ip: Option<IpAddr>, now: Wall) -> Option<Rule> {
        self.find(now, |rule| !rule.mute && rule.concerns(name, ip))
    }

    /// What keeps somebody from speaking.
    #[must_use]
    pub fn mute_of(&self, name: &Name, now: Wall) -> Option<Rule> {
        self.find(now, |rule| rule.mute && matches!(&rule.whom, Whom::Name(muted) if muted.key() == name.key()))
    }
}

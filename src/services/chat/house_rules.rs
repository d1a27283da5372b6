//! What operators have laid down, and who made which room: what has to outlive the server. Pure state, and how it
//! stands in a file: one JSON object a line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::doors::{Door, Doors, Invited, Lock};
use super::language::{Alphabet, Banned, Name};
use crate::hub::{Moment, Wall};

/// Bans and mutes that can stand at once: more than an operator can oversee, and looked through for every newcomer.
const RULES: usize = 1000;
/// The largest file that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// Whom a rule is for.
#[derive(Debug, Clone)]
pub(super) enum Whom {
    Name(Name),
    Net(IpAddr, u8),
}

impl Whom {
    /// As an operator wrote it.
    pub(super) fn of(banned: Banned<'_>, name: impl FnOnce(&str) -> Option<Name>) -> Option<Self> {
        Some(match banned {
            Banned::Name(word) => Self::Name(name(word)?),
            Banned::Net(ip, bits) => Self::net(ip, bits)?,
        })
    }

    /// Addresses with so many bits in common. An IPv4 address is one, however it was written.
    fn net(ip: IpAddr, bits: u8) -> Option<Self> {
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

impl std::fmt::Display for Whom {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// One ban, or one mute.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) mute: bool,
    pub(super) whom: Whom,
    /// Until when; `None`: until it is taken back.
    pub(super) until: Option<Wall>,
    /// The operator who said so.
    pub(super) by: Box<str>,
    pub(super) why: Box<str>,
}

impl Rule {
    fn is_over(&self, now: Wall) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Is a ban for somebody of this name, or from there?
    pub(super) fn concerns(&self, name: &Name, ip: Option<IpAddr>) -> bool {
        match &self.whom {
            Whom::Name(banned) => is_alike(banned, name),
            Whom::Net(net, bits) => ip.is_some_and(|ip| covers(*net, *bits, ip)),
        }
    }

    /// How it is told to those whom it concerns.
    pub(super) fn told(&self) -> String {
        let until =
            self.until.map_or_else(|| "until an operator says otherwise".to_owned(), |at| format!("until {at}"));
        let why = if self.why.is_empty() { String::new() } else { format!(" ({})", self.why) };
        format!("{until}, by {}{why}", self.by)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    pub(super) motd: Box<str>,
    pub(super) doors: Doors,
    /// Where they are kept, if they are.
    path: Option<PathBuf>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Ban { whom: String, until: Option<u64>, by: String, why: String },
    Mute { whom: String, until: Option<u64>, by: String, why: String },
    Motd { text: String },
    Room { room: String, maker: Option<String>, lock: Option<Kept> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    password: Option<String>,
    invited: Vec<String>,
}

impl Rules {
    /// Those of a file; none if there is no file yet. Waits for the disk: for before the loop.
    ///
    /// # Errors
    /// It can't be read, or is wrong: then who is banned could come in.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        use std::io::{Error, ErrorKind};
        let text = match crate::services::whole_file::read(path, LARGEST) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let mut rules = Self::parse(&text).map_err(|wrong| Error::new(ErrorKind::InvalidData, wrong))?;
        rules.path = Some(path.to_owned());
        Ok(rules)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &dyn std::fmt::Display| format!("line {number}: {what}");
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(&error))?;
            rules.read(line).ok_or_else(|| wrong(&"a name or an address is none"))?;
        }
        Ok(rules)
    }

    fn read(&mut self, line: Line) -> Option<()> {
        let name = |word: &str| Name::new(word, Alphabet::OneScript).ok();
        let mut rule = |mute, whom: String, until: Option<u64>, by: String, why: String| {
            let whom = match whom.split_once('/') {
                Some((ip, bits)) => Whom::net(ip.parse().ok()?, bits.parse().ok()?)?,
                None => Whom::Name(name(&whom)?),
            };
            let (until, by, why) = (until.map(Wall::from_millis), by.into(), why.into());
            self.rules.push(Rule { mute, whom, until, by, why });
            Some(())
        };
        match line {
            Line::Ban { whom, until, by, why } => rule(false, whom, until, by, why),
            Line::Mute { whom, until, by, why } => rule(true, whom, until, by, why),
            Line::Motd { text } => {
                self.motd = text.into();
                Some(())
            }
            Line::Room { room, maker, lock } => {
                let lock = lock.map(|kept| Lock {
                    hash: kept.password.map(String::into_boxed_str),
                    invited: kept.invited.iter().filter_map(|word| name(word)).map(Invited::Account).collect(),
                    since: Moment::START,
                });
                let room = name(&room)?;
                let maker = maker.as_deref().and_then(name);
                let door = Door { room: Some(room.clone()), maker, lock, topic_locked: false };
                self.doors.restore(&room, door);
                Some(())
            }
        }
    }

    /// As they stand in the file.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut put = |line: &Line| {
            text.push_str(&serde_json::to_string(line).expect("it is made of strings and numbers"));
            text.push('\n');
        };
        for rule in &self.rules {
            let whom = match &rule.whom {
                Whom::Name(name) => name.to_string(),
                Whom::Net(ip, bits) => format!("{ip}/{bits}"),
            };
            let (until, by, why) = (rule.until.map(Wall::millis), rule.by.to_string(), rule.why.to_string());
            put(&if rule.mute { Line::Mute { whom, until, by, why } } else { Line::Ban { whom, until, by, why } });
        }
        if !self.motd.is_empty() {
            put(&Line::Motd { text: self.motd.to_string() });
        }
        for door in self.doors.kept() {
            let lock = door.lock.as_ref().map(|lock| Kept {
                password: lock.hash.as_deref().map(str::to_owned),
                invited: lock.invited.iter().filter_map(kept_guest).collect(),
            });
            let room = door.room.as_ref().map(Name::to_string).unwrap_or_default();
            put(&Line::Room { room, maker: door.maker.as_ref().map(Name::to_string), lock });
        }
        text
    }

    /// What is to be written, and where, if it is kept at all.
    pub(super) fn written(&mut self, now: Wall) -> Option<(PathBuf, String)> {
        self.rules.retain(|rule| !rule.is_over(now));
        self.path.clone().map(|path| (path, self.text()))
    }

    /// Lays down a rule in the place of one for the same. Answers whether there was room.
    pub(super) fn add(&mut self, rule: Rule, now: Wall) -> bool {
        self.take_back(rule.mute, &rule.whom);
        self.rules.retain(|rule| !rule.is_over(now));
        let fits = self.rules.len() < RULES;
        if fits {
            self.rules.push(rule);
        }
        fits
    }

    /// Takes a rule back. Answers whether there was one.
    pub(super) fn take_back(&mut self, mute: bool, whom: &Whom) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.mute != mute || !rule.whom.is_same(whom));
        self.rules.len() < before
    }

    /// All that stand.
    pub(super) fn standing(&self, now: Wall) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| !rule.is_over(now))
    }

    /// The ban of a name, or of one that looks like it.
    pub(super) fn ban_of_name(&self, name: &Name, now: Wall) -> Option<&Rule> {
        self.standing(now).find(|rule| !rule.mute && rule.concerns(name, None))
    }

    /// The ban of an address.
    pub(super) fn ban_of_address(&self, ip: IpAddr, now: Wall) -> Option<&Rule> {
        self.standing(now).find(|rule| matches!(rule.whom, Whom::Net(net, bits) if covers(net, bits, ip)))
    }

    /// What keeps somebody from speaking.
    pub(super) fn mute_of(&self, name: &Name, now: Wall) -> Option<&Rule> {
        if self.rules.is_empty() {
            return None;
        }
        self.standing(now)
            .find(|rule| rule.mute && matches!(&rule.whom, Whom::Name(muted) if muted.key() == name.key()))
    }
}

fn is_alike(banned: &Name, name: &Name) -> bool {
    let keys = [banned.key(), banned.look()];
    keys.contains(&name.key()) || keys.contains(&name.look())
}

/// Invitations of accounts are kept; those of guests end with them.
fn kept_guest(invited: &Invited) -> Option<String> {
    match invited {
        Invited::Account(name) => Some(name.to_string()),
        Invited::Guest(_) => None,
    }
}

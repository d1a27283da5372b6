//! Tables of the file that no flag stands for, because they hold any number of things with names.
//!
//! Another one is a field of [`Sections`], its name in [`NAMES`], and its part of [`SAMPLE`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, Error};

use super::values::{Bytes, Span};
use crate::services::accounts::Role;
use crate::services::chat::{Alphabet, Name};
use crate::services::run::Template;

/// Commands.
pub(super) const RUN: &str = "run";

/// The tables, by name.
pub(super) const NAMES: [&str; 1] = [RUN];

/// How they are written.
pub(super) const SAMPLE: &str = r#"
# A command that the run service offers, by the name in brackets; as many as wanted. No shell sees it. What a caller may
# choose are holes: {host:name}, {count:1..10}, {how:fast|slow}, or last {what:text}. It may run for so long, and
# write so much.
#[run.ping]
#argv = ["ping", "-c", "{count:1..10}", "{host:name}"]
#time = "60s"
#output = "64MiB"
# Where there are accounts, accounts = ["alice"] and role = "operator" (or "user") say who may call it: whoever is one of
# these. Without both it is everybody who may speak to the service.
"#;

/// What stands in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sections {
    /// Commands that are offered, by name.
    pub run: BTreeMap<String, Offer>,
}

impl Sections {
    /// What is different in others: a key, what it says here, what it says there.
    pub(super) fn changes(&self, later: &Self) -> Vec<(String, String, String)> {
        let shown = |offer: Option<&Offer>| offer.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let names: BTreeSet<&String> = self.run.keys().chain(later.run.keys()).collect();
        let changed = names.into_iter().filter(|name| self.run.get(*name) != later.run.get(*name));
        changed.map(|name| (format!("{RUN}.{name}"), shown(self.run.get(name)), shown(later.run.get(name)))).collect()
    }
}

/// Why something in a table can't have this name, if it can't.
pub(super) fn misnamed(table: &str, name: &str) -> Option<&'static str> {
    let is_word = !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    (table == RUN && !is_word).then_some("a command is called by one word: expected a name without blanks")
}

/// A command that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table [run.NAME] with argv, and perhaps time and output")]
pub struct Offer {
    /// The program and its arguments.
    #[serde(deserialize_with = "words")]
    pub argv: Vec<String>,
    /// How long it may run.
    #[serde(default, deserialize_with = "written")]
    pub time: Option<Span>,
    /// How much it may say.
    #[serde(default, deserialize_with = "written")]
    pub output: Option<Bytes>,
    /// Accounts that may call it.
    #[serde(default, deserialize_with = "names")]
    pub accounts: Vec<String>,
    /// What others must be that may.
    #[serde(default, deserialize_with = "written")]
    pub role: Option<Role>,
}

impl Sections {
    /// What can't be true, alone or together with the settings: of which key, and why.
    pub(super) fn contradictions(&self, has_accounts: bool) -> Vec<(String, &'static str)> {
        let is_for_some = |offer: &Offer| !offer.accounts.is_empty() || offer.role.is_some();
        let why = |offer: &Offer| match offer.time {
            Some(Span(Duration::ZERO)) => Some("time = 0s: it would be killed at once: expected at least 1ms"),
            _ if is_for_some(offer) && !has_accounts => Some("nobody could call it: accounts names no file"),
            _ => None,
        };
        self.run.iter().filter_map(|(name, offer)| Some((format!("{RUN}.{name}"), why(offer)?))).collect()
    }
}

/// Names of accounts. None at all would be nobody to some readers, and everybody to others.
fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    if names.is_empty() {
        return Err(serde::de::Error::custom("expected at least one account"));
    }
    match names.iter().find_map(|name| Name::new(name, Alphabet::OneScript).err()) {
        Some(complaint) => Err(serde::de::Error::custom(complaint.text)),
        None => Ok(names),
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.argv.join(" "))?;
        self.time.map_or(Ok(()), |time| write!(out, ", for {time}"))?;
        self.output.map_or(Ok(()), |output| write!(out, ", {output}"))?;
        let callers = self.accounts.iter().cloned().chain(self.role.map(|role| format!("{role}s")));
        let callers: Vec<String> = callers.collect();
        if callers.is_empty() { Ok(()) } else { write!(out, ", by {}", callers.join(", ")) }
    }
}

fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected words in brackets, as [\"uptime\", \"-p\"]")]
    enum Written {
        Words(Vec<String>),
    }
    let Written::Words(words) = Written::deserialize(from)?;
    Template::parse(&words).map_err(serde::de::Error::custom)?;
    Ok(words)
}

/// A value that is written as flags write it; a number may stand without quotes.
fn written<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(from: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number, or a string as \"60s\" or \"1MiB\"")]
    enum Written {
        Number(u64),
        Text(String),
    }
    let text = match Written::deserialize(from)? {
        Written::Number(number) => number.to_string(),
        Written::Text(text) => text,
    };
    text.parse().map(Some).map_err(|error| serde::de::Error::custom(format!("{text:?}: {error}")))
}

/// Reads the tables that were taken out of a file.
pub(super) fn read(tables: DeTable<'_>) -> Result<Sections, Error> {
    Sections::deserialize(toml::de::Deserializer::from(Spanned::new(0..0, tables)))
}

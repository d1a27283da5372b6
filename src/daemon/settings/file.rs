//! The configuration file: TOML, in which every flag is a key. What is wrong is named with its line and column.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::sections::{self, Sections};
use super::table::{TABLES, key_of, setting, settings};

/// A configuration is written by hand. Whatever is larger is something else.
const LARGEST: u64 = 1024 * 1024;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) given: Vec<Given>,
    pub(super) sections: Sections,
    /// Where each thing in them begins, by its key.
    pub(super) begins: Vec<(String, Place)>,
}

/// A setting that a file gives.
#[derive(Debug)]
pub(super) struct Given {
    /// The flag's name.
    pub(super) name: String,
    pub(super) values: Vec<String>,
    pub(super) place: Place,
}

/// A place in a file: line and column, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) usize, usize);

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.0, self.1)
    }
}

impl Place {
    fn of(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self(before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let shown = path.display();
    match read {
        Err(error) => return Err(format!("{shown}: {error}")),
        Ok(size) if size as u64 > LARGEST => return Err(format!("{shown}: larger than 1 MiB, no configuration is")),
        Ok(_) => {}
    }
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..end]);
        format!("{shown}:{}: a byte here is no UTF-8 text: expected TOML", Place::of(&before, before.len()))
    })
}

/// Reads a file for a command, whose flags are what it may say.
pub(super) fn parse(text: &str, command: &Command) -> Result<Contents, Vec<String>> {
    let mut reading = Reading { text, command, contents: Contents::default(), wrong: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reading.complain(error.span().map_or(0, |span| span.start), error.message());
    }
    let mut tables = DeTable::new();
    if reading.wrong.is_empty() {
        for (key, value) in table.into_inner() {
            reading.entry(key, value, &mut tables);
        }
    }
    match sections::read(tables) {
        Ok(sections) => reading.contents.sections = sections,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.lines().nth(Place::of(text, at).0 - 1).unwrap_or_default();
            reading.complain(at, format!("{}: {}", line.trim(), error.message()));
        }
    }
    let mut wrong = reading.wrong;
    wrong.sort();
    if wrong.is_empty() {
        return Ok(reading.contents);
    }
    Err(wrong.into_iter().map(|(place, what)| format!("{place}: {what}")).collect())
}

struct Reading<'a> {
    text: &'a str,
    command: &'a Command,
    contents: Contents,
    wrong: Vec<(Place, String)>,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl Reading<'_> {
    fn complain(&mut self, at: usize, what: impl fmt::Display) {
        self.wrong.push((Place::of(self.text, at), what.to_string()));
    }

    fn entry<'i>(&mut self, key: Key<'i>, value: Spanned<DeValue<'i>>, tables: &mut DeTable<'i>) {
        let name = key.get_ref().to_string();
        if sections::NAMES.contains(&&*name) {
            if value.get_ref().as_table().is_none() {
                let wanted = format!("{name} is a table of tables: expected [{name}.NAME], and its keys below it");
                return self.complain(key.span().start, wanted);
            }
            for inner in value.get_ref().as_table().into_iter().flat_map(|table| table.keys()) {
                let place = Place::of(self.text, inner.span().start);
                self.contents.begins.push((format!("{name}.{}", inner.get_ref()), place));
                if let Some(why) = sections::misnamed(&name, inner.get_ref()) {
                    self.complain(inner.span().start, format!("{name}.{:?}: {why}", inner.get_ref()));
                }
            }
            tables.insert(key, value);
            return;
        }
        let Some((_, prefix)) = TABLES.iter().find(|(table, _)| *table == name) else {
            return self.setting(&key, &name, &value);
        };
        match value.into_inner() {
            DeValue::Table(inner) => {
                for (key, value) in inner {
                    let name = format!("{prefix}{}", key.get_ref());
                    self.setting(&key, &name, &value);
                }
            }
            _ => {
                self.complain(key.span().start, format!("{name} is a table: expected [{name}], and its keys below it"));
            }
        }
    }

    fn setting(&mut self, key: &Key<'_>, name: &str, value: &Spanned<DeValue<'_>>) {
        let written_there = TABLES.iter().all(|(_, prefix)| !name.starts_with(prefix) || name != key.get_ref());
        let Some(arg) = setting(self.command, name).filter(|_| written_there) else {
            let shown =
                if name.ends_with(&**key.get_ref()) && name != key.get_ref() { key_of(name) } else { name.to_owned() };
            return self.complain(key.span().start, unknown(self.command, &shown));
        };
        let whole = [value];
        let parts: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(parts) if matches!(arg.get_action(), ArgAction::Append) => parts.iter().collect(),
            _ => whole.to_vec(),
        };
        let mut values = Vec::new();
        for part in &parts {
            match word(arg, part.get_ref()).and_then(|word| approved(arg, word)) {
                Ok(value) => values.push(value),
                Err(wrong) => self.wrong_value(name, part, wrong),
            }
        }
        if parts.is_empty() {
            self.wrong_value(name, value, "expected at least one, for nothing is said by a list of none");
        } else {
            let place = Place::of(self.text, key.span().start);
            self.contents.given.push(Given { name: name.to_owned(), values, place });
        }
    }

    fn wrong_value(&mut self, name: &str, value: &Spanned<DeValue<'_>>, wrong: impl fmt::Display) {
        let shown = self.text.get(value.span()).unwrap_or_default();
        self.complain(value.span().start, format!("{} = {shown}: {wrong}", key_of(name)));
    }
}

fn unknown(command: &Command, name: &str) -> String {
    let mut known: Vec<String> = settings(command).map(|arg| key_of(arg.get_long().unwrap_or_default())).collect();
    known.extend(sections::NAMES.map(|name| format!("{name}.NAME")));
    format!("there is no setting {name}; there are {}", known.join(", "))
}

/// The word that a flag would be given.
fn word(arg: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => {
            let written = number.to_string();
            // A mode is octal as it stands.
            if number.radix() == 10 || approved(arg, written.clone()).is_ok() {
                return Ok(written);
            }
            Ok(u64::from_str_radix(number.as_str(), number.radix()).map_or(written, |number| number.to_string()))
        }
        DeValue::Boolean(value) => {
            let takes = |word| arg.get_possible_values().iter().any(|possible| possible.get_name() == word);
            let is_switch = takes("on") && !takes("true");
            Ok(match (is_switch, value) {
                (false, value) => value.to_string(),
                (true, true) => "on".to_owned(),
                (true, false) => "off".to_owned(),
            })
        }
        DeValue::Array(_) => Err("expected one value, not a list".to_owned()),
        other => Err(format!("expected a string, a number, true or false, not a {}", other.type_str())),
    }
}

/// Would the flag take it?
fn approved(arg: &Arg, value: String) -> Result<String, String> {
    let long = arg.get_long().unwrap_or_default();
    let alone = arg.clone().env(None::<&str>).default_values(None::<&str>);
    match Command::new("file").no_binary_name(true).arg(alone).try_get_matches_from([format!("--{long}={value}")]) {
        Ok(_) => Ok(value),
        Err(_) if value.is_empty() => Err("expected something between the quotes".to_owned()),
        Err(error) => Err(because(&error)),
    }
}

/// What a flag would have said of its value, without the flag.
fn because(error: &clap::Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    if let Some(source) = source.filter(|source| source != "value was not a boolean") {
        return source;
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(allowed)) if !allowed.is_empty() => {
            format!("expected one of {}", allowed.join(", "))
        }
        _ => "expected true or false".to_owned(),
    }
}

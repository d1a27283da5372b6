//! Flags over the environment over the file over what is so anyway.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::super::doors::permitted;
use super::super::listeners::Listen;
use super::Settings;
use super::file::{self, Contents, Given, Place};
use super::sections::{self, Sections};
use super::table::{LISTEN, key_of, prepared, settings, variable};
use crate::services::whole_file;

/// Where a value came from that nobody gave.
const DEFAULT: &str = "default";

/// Where the settings of this process come from. They can be read again.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The flags.
    pub words: Vec<OsString>,
    /// The file.
    pub file: Option<PathBuf>,
}

/// Why there are no settings.
#[derive(Debug)]
pub enum Wrong {
    /// The flags or the environment: how the process was called.
    Usage(Box<clap::Error>),
    /// The file, or all of it together, in as many lines as there are mistakes.
    Settings(Vec<String>),
}

/// What is in force, and where it came from.
#[derive(Debug)]
pub struct InForce {
    /// What flags say.
    pub settings: Settings,
    /// What only the file can say.
    pub sections: Sections,
    pub(super) origins: Vec<Origin>,
    /// Where all this came from.
    pub layers: Layers,
}

/// What is different in settings that were read again.
#[derive(Debug, Default)]
pub struct Changes {
    /// What can change at once.
    pub taken: Vec<Change>,
    /// What only a restart can change.
    pub refused: Vec<Change>,
}

/// One of them.
#[derive(Debug)]
pub struct Change {
    /// The flag's name.
    pub name: String,
    /// As the file has it.
    pub key: String,
    /// What was in force.
    pub old: String,
    /// What was said now.
    pub new: String,
}

impl Changes {
    /// Is a setting among those that change?
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.taken.iter().any(|change| change.name == name)
    }
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) values: Vec<String>,
    pub(super) from: String,
    /// The same, with its column too if it is in a file.
    place: String,
    pub(super) is_list: bool,
}

impl Wrong {
    /// What is wrong, a line for each mistake.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Usage(error) => error.to_string().lines().take(1).map(str::to_owned).collect(),
            Self::Settings(lines) => lines.clone(),
        }
    }
}

impl InForce {
    /// What others say that were read later; `live` can change at once.
    #[must_use]
    pub fn changes(&self, later: &Self, live: &[&str]) -> Changes {
        let mut changes = Changes::default();
        for (old, new) in self.origins.iter().zip(&later.origins).filter(|(old, new)| old.values != new.values) {
            let shown = |origin: &Origin| match &origin.values[..] {
                [] => "nothing".to_owned(),
                values => values.join(", "),
            };
            let (name, key) = (new.name.clone(), key_of(&new.name));
            let list = if live.contains(&&*name) { &mut changes.taken } else { &mut changes.refused };
            list.push(Change { name, key, old: shown(old), new: shown(new) });
            debug_assert_eq!(old.name, new.name, "both have all settings in one order");
        }
        for (key, old, new) in self.sections.changes(&later.sections) {
            changes.taken.push(Change { name: sections::RUN.to_owned(), key, old, new });
        }
        changes
    }

    /// Did anybody say what a setting is to be?
    #[must_use]
    pub fn is_said(&self, name: &str) -> bool {
        self.origins.iter().any(|origin| origin.name == name && origin.from != DEFAULT)
    }

    /// What is in force when others were read: of these the live ones, and all tables that no flag stands for.
    #[must_use]
    pub fn with(&self, later: Self, live: &[&str]) -> Self {
        let pick = |(old, new): (&Origin, Origin)| if live.contains(&&*new.name) { new } else { old.clone() };
        let origins = self.origins.iter().zip(later.origins).map(pick).collect();
        Self { origins, ..later }
    }
}

/// The command whose flags are the settings.
pub(super) fn command() -> Command {
    prepared(Settings::augment_args(Command::new("parlor serve").no_binary_name(true)))
}

impl Layers {
    /// Reads everything.
    ///
    /// # Errors
    /// Something is wrong in it.
    pub fn read(&self) -> Result<InForce, Wrong> {
        let contents = self.contents(&command())?;
        let listeners = from_environment().map_err(|error| Wrong::Usage(Box::new(error)))?;
        let command = below(command(), &contents.given).mut_args(|arg| match &listeners {
            Some(listeners) if arg.get_long() == Some(LISTEN) => arg.default_values(listeners),
            _ => arg,
        });
        self.combine(&command, contents, listeners.is_some())
    }

    /// Reads everything again, for a server that runs.
    ///
    /// # Errors
    /// Something is wrong in it, or it can't be read twice.
    pub fn read_again(&self) -> Result<InForce, Wrong> {
        if let Some(path) = &self.file {
            let wrong = |error: io::Error| Wrong::Settings(vec![format!("{}: {error}", path.display())]);
            whole_file::readable_again(path).map_err(wrong)?;
        }
        self.read()
    }

    /// Reads the file alone, as if there were neither flags nor environment.
    ///
    /// # Errors
    /// Something is wrong in it.
    pub fn check(file: PathBuf) -> Result<InForce, Wrong> {
        let layers = Self { words: Vec::new(), file: Some(file) };
        let bare = command().mut_args(|arg| arg.env(None::<&str>));
        let contents = layers.contents(&bare)?;
        let in_force = layers.combine(&below(bare, &contents.given), contents, false)?;
        // Where there is no home for a history, the file is not to blame.
        let Ok(config) = in_force.config() else { return Ok(in_force) };
        let wrong = |listen: &Listen, why: String| {
            contradiction(&in_force.origins, LISTEN, &format!("{}={}: {why}", listen.name, listen.at))
        };
        let mut refused = Vec::new();
        for (index, listen) in config.listeners.iter().enumerate() {
            refused.extend(permitted(listen, &config).err().map(|why| wrong(listen, why.to_string())));
            if config.listeners[..index].iter().any(|other| other.collides(listen)) {
                refused.push(wrong(listen, "another listener has this address: expected each once".to_owned()));
            }
        }
        if refused.is_empty() { Ok(in_force) } else { Err(Wrong::Settings(refused)) }
    }

    fn contents(&self, command: &Command) -> Result<Contents, Wrong> {
        let Some(path) = &self.file else { return Ok(Contents::default()) };
        let text = file::read(path).map_err(|wrong| Wrong::Settings(vec![wrong]))?;
        let named = |wrong: Vec<String>| wrong.iter().map(|wrong| format!("{}:{wrong}", path.display())).collect();
        file::parse(&text, command).map_err(|wrong| Wrong::Settings(named(wrong)))
    }

    fn combine(&self, command: &Command, contents: Contents, listen_in_environment: bool) -> Result<InForce, Wrong> {
        let usage = |error: clap::Error| Wrong::Usage(Box::new(error.format(&mut command.clone())));
        let matches = command.clone().try_get_matches_from(&self.words).map_err(usage)?;
        let settings = Settings::from_arg_matches(&matches).map_err(usage)?;
        let origin = |arg: &clap::Arg| {
            let name = arg.get_long().unwrap_or_default().to_owned();
            let raw = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
            let mut values: Vec<String> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
            if name == "data" && values.is_empty() && !settings.chat.is_without_history() {
                values.extend(settings.kept().0.map(|folder| folder.display().to_string()));
            }
            let from = who_said(&matches, arg, &contents.given, listen_in_environment);
            let (from, place) = match (from, &self.file) {
                (From::Place(place), Some(path)) => {
                    (format!("{}:{}", path.display(), place.0), format!("{}:{place}", path.display()))
                }
                (From::Word(word), _) => (word.clone(), word),
                (From::Place(_), None) | (From::Nobody, _) => (DEFAULT.to_owned(), DEFAULT.to_owned()),
            };
            Origin { name, values, from, place, is_list: matches!(arg.get_action(), clap::ArgAction::Append) }
        };
        let origins: Vec<Origin> = self::settings(command).map(origin).collect();
        let mut wrong = Vec::new();
        settings.contradictions(&mut wrong);
        let mut wrong: Vec<String> = wrong.iter().map(|(name, why)| contradiction(&origins, name, why)).collect();
        for (key, why) in contents.sections.contradictions(settings.entry.has_accounts()) {
            let begins = contents.begins.iter().find(|(begun, _)| *begun == key).map(|(_, place)| place);
            let place = self.file.iter().zip(begins).map(|(path, place)| format!("{}:{place}: ", path.display()));
            wrong.push(format!("{}{key}: {why}", place.collect::<String>()));
        }
        if !wrong.is_empty() {
            return Err(Wrong::Settings(wrong));
        }
        Ok(InForce { settings, sections: contents.sections, origins, layers: self.clone() })
    }
}

/// Who said what a setting is to be.
enum From {
    /// A flag, or a variable.
    Word(String),
    /// The file, here.
    Place(Place),
    Nobody,
}

fn who_said(matches: &ArgMatches, arg: &clap::Arg, given: &[Given], listen_in_environment: bool) -> From {
    let name = arg.get_long().unwrap_or_default();
    match matches.value_source(arg.get_id().as_str()) {
        Some(ValueSource::CommandLine) => return From::Word(format!("--{name}")),
        Some(ValueSource::EnvVariable) => return From::Word(variable(name)),
        _ if name == LISTEN && listen_in_environment => return From::Word(variable(name)),
        _ => {}
    }
    given.iter().find(|given| given.name == name).map_or(From::Nobody, |given| From::Place(given.place))
}

/// What a file gives is what flags and variables are put over: to clap, another default.
fn below(command: Command, given: &[Given]) -> Command {
    command.mut_args(|arg| match given.iter().find(|given| arg.get_long() == Some(&given.name)) {
        Some(given) => arg.default_values(&given.values),
        None => arg,
    })
}

/// Settings that are each right, and wrong together. Nobody is told of a default alone: what they have said themselves is
/// the other setting, of which the reason speaks.
fn contradiction(origins: &[Origin], name: &str, why: &str) -> String {
    let shown = |origin: &Origin| format!("{} = {}", key_of(&origin.name), origin.values.join(", "));
    let Some(origin) = origins.iter().find(|origin| origin.name == name) else { return why.to_owned() };
    let speaks_of = |key: &str| key.contains(['.', '-']) && why.contains(key);
    let mut others = origins.iter().filter(|other| other.from != DEFAULT && speaks_of(&key_of(&other.name)));
    match others.next().filter(|_| origin.from == DEFAULT) {
        Some(other) => format!("{}: {}, and {} (default): {why}", other.place, shown(other), shown(origin)),
        None => format!("{}: {}: {why}", origin.place, shown(origin)),
    }
}

/// `PARLOR_LISTEN`: several listeners, with blanks between them.
fn from_environment() -> Result<Option<Vec<String>>, clap::Error> {
    let name = variable(LISTEN);
    let Some(text) = std::env::var_os(&name) else { return Ok(None) };
    let wrong = |what: String| clap::Error::raw(ErrorKind::ValueValidation, format!("{name}{what}\n"));
    let text = text.to_str().ok_or_else(|| wrong(format!(": {}: expected UTF-8", text.display())))?;
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(wrong(" is set and names no listener".to_owned()));
    }
    for word in &words {
        word.parse::<Listen>().map_err(|error| wrong(format!(": {word}: {error}")))?;
    }
    Ok(Some(words))
}

//! Flags over the environment over the file over what is so anyway.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::Settings;
use super::file::{self, Contents, Given};
use super::sections::Sections;
use super::table::{LISTEN, key_of, prepared, settings, variable};

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
    /// Each as `KEY = VALUE`: what can change at once.
    pub taken: Vec<String>,
    /// What only a restart can change.
    pub refused: Vec<String>,
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) values: Vec<String>,
    pub(super) from: String,
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
            let change = format!("{} = {}", key_of(&new.name), new.values.join(", "));
            let list = if live.contains(&&*new.name) { &mut changes.taken } else { &mut changes.refused };
            list.push(change);
            debug_assert_eq!(old.name, new.name, "both have all settings in one order");
        }
        if self.sections != later.sections {
            changes.refused.push("[run]".to_owned());
        }
        changes
    }

    /// Did anybody say what a setting is to be?
    #[must_use]
    pub fn is_said(&self, name: &str) -> bool {
        self.origins.iter().any(|origin| origin.name == name && origin.from != DEFAULT)
    }

    /// What is in force when others were read: of these the live ones.
    #[must_use]
    pub fn with(&self, later: Self, live: &[&str]) -> Self {
        let pick = |(old, new): (&Origin, Origin)| if live.contains(&&*new.name) { new } else { old.clone() };
        let origins = self.origins.iter().zip(later.origins).map(pick).collect();
        Self { origins, sections: self.sections.clone(), ..later }
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

    /// Reads the file alone, as if there were neither flags nor environment.
    ///
    /// # Errors
    /// Something is wrong in it.
    pub fn check(file: PathBuf) -> Result<InForce, Wrong> {
        let layers = Self { words: Vec::new(), file: Some(file) };
        let bare = command().mut_args(|arg| arg.env(None::<&str>));
        let contents = layers.contents(&bare)?;
        layers.combine(&below(bare, &contents.given), contents, false)
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
            if name == "data" && values.is_empty() {
                values.extend(settings.kept().0.map(|folder| folder.display().to_string()));
            }
            let from = self.origin(&matches, arg, &contents.given, listen_in_environment);
            Origin { name, values, from, is_list: matches!(arg.get_action(), clap::ArgAction::Append) }
        };
        let origins: Vec<Origin> = self::settings(command).map(origin).collect();
        let mut wrong = Vec::new();
        settings.contradictions(&mut wrong);
        let mut wrong: Vec<String> = wrong.iter().map(|(name, why)| contradiction(&origins, name, why)).collect();
        wrong.extend(contents.sections.contradictions(settings.entry.has_accounts()));
        if !wrong.is_empty() {
            return Err(Wrong::Settings(wrong));
        }
        Ok(InForce { settings, sections: contents.sections, origins, layers: self.clone() })
    }

    fn origin(&self, matches: &ArgMatches, arg: &clap::Arg, given: &[Given], listen_in_environment: bool) -> String {
        let name = arg.get_long().unwrap_or_default();
        match matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::CommandLine) => return format!("--{name}"),
            Some(ValueSource::EnvVariable) => return variable(name),
            _ if name == LISTEN && listen_in_environment => return variable(name),
            _ => {}
        }
        let given = given.iter().find(|given| given.name == name);
        match (&self.file, given) {
            (Some(path), Some(given)) => format!("{}:{}", path.display(), given.place.0),
            _ => DEFAULT.to_owned(),
        }
    }
}

/// What a file gives is what flags and variables are put over: to clap, another default.
fn below(command: Command, given: &[Given]) -> Command {
    command.mut_args(|arg| match given.iter().find(|given| arg.get_long() == Some(&given.name)) {
        Some(given) => arg.default_values(&given.values),
        None => arg,
    })
}

/// Settings that are each right, and wrong together.
fn contradiction(origins: &[Origin], name: &str, why: &str) -> String {
    let origin = origins.iter().find(|origin| origin.name == name);
    let (from, value) = origin.map_or(("", String::new()), |origin| (&*origin.from, origin.values.join(", ")));
    format!("{from}: {} = {value}: {why}", key_of(name))
}

/// `PARLOR_LISTEN`: several listeners, with blanks between them.
fn from_environment() -> Result<Option<Vec<String>>, clap::Error> {
    let name = variable(LISTEN);
    let Ok(text) = std::env::var(&name) else { return Ok(None) };
    let wrong = |what: String| clap::Error::raw(ErrorKind::ValueValidation, format!("{name}{what}\n"));
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(wrong(" is set and names no listener".to_owned()));
    }
    for word in &words {
        word.parse::<crate::daemon::Listen>().map_err(|error| wrong(format!(": {word}: {error}")))?;
    }
    Ok(Some(words))
}

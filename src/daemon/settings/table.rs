//! The table of settings is clap's: every flag of `serve` is one, and from its name follow its variable and its key.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

/// Tables of the file whose keys are flags with a prefix: `--limit-line` is `line` in `[limits]`.
pub(super) const TABLES: [(&str, &str); 1] = [("limits", "limit-")];

/// Flags that say what to do, not how things are to be.
const NO_SETTINGS: [&str; 4] = ["config", "print-config", "help", "version"];

/// Several words of a variable are several listeners. A flag is given several times instead, so that a path may have
/// blanks; clap knows no such difference, so this variable is read by `layers`.
pub(super) const LISTEN: &str = "listen";

/// Gives a command what follows from the names of its flags: variables, and `--flag=false`.
#[must_use]
pub fn prepared(command: Command) -> Command {
    command.mut_args(|arg| {
        let Some(long) = arg.get_long().map(str::to_owned).filter(|long| !["help", "version"].contains(&&**long))
        else {
            return arg;
        };
        // Whoever wants a short page asks with -h.
        let arg =
            if TABLES.iter().any(|(_, prefix)| long.starts_with(prefix)) { arg.hide_short_help(true) } else { arg };
        let arg =
            if matches!(arg.get_action(), ArgAction::SetTrue) && long != "print-config" { boolean(arg) } else { arg };
        if [LISTEN, "print-config"].contains(&&*long) { arg } else { arg.env(variable(&long)) }
    })
}

/// Has an error name the variable that is wrong, where it would name only a flag, which nobody gave.
#[must_use]
pub fn naming_variables(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return error };
    let name = flag.trim_start_matches("--").split([' ', '[', '=']).next().unwrap_or_default().to_owned();
    let is_flag = |word: &OsString| {
        let word = word.to_string_lossy();
        word.strip_prefix("--").is_some_and(|word| word.split('=').next() == Some(&name))
    };
    if std::env::var_os(variable(&name)).is_some() && !words.iter().any(is_flag) {
        let both = format!("{} ({flag})", variable(&name));
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}

/// Also a no can be said: over the file, over the environment.
fn boolean(arg: Arg) -> Arg {
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .value_parser(BoolishValueParser::new())
        .value_name("true|false")
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
}

/// The settings of a command, in the order in which they are shown.
pub(super) fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| !NO_SETTINGS.contains(&long)))
}

pub(super) fn setting<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    settings(command).find(|arg| arg.get_long() == Some(name))
}

/// `PARLOR_MAX_CONNECTIONS` for `max-connections`.
pub(super) fn variable(name: &str) -> String {
    format!("PARLOR_{}", name.replace('-', "_").to_uppercase())
}

/// `limits.line` for `limit-line`; the others are called as their flags are.
pub(super) fn key_of(name: &str) -> String {
    let table = TABLES.iter().find_map(|(table, prefix)| Some((table, name.strip_prefix(prefix)?)));
    table.map_or_else(|| name.to_owned(), |(table, key)| format!("{table}.{key}"))
}

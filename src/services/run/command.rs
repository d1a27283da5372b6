//! A line to a command.

use crate::services::line::{Wrong, number};

/// What can be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// A name, and what stands behind it.
    Run(&'a str, &'a str),
    In(u64),
    Eof,
    Kill,
    List,
    Help,
    Quit,
}

pub(super) const HELP: [&str; 9] = [
    "run COMMAND [ARGUMENT...]: runs a command; list shows what there is",
    "in COUNT, then COUNT bytes: its standard input",
    "eof: its standard input ends",
    "kill: kills it",
    "list: all commands with their arguments and limits",
    "login NAME PASSWORD: proves who you are, where there are accounts",
    "PING [TOKEN]: is answered by PONG [TOKEN]",
    "quit: closes the connection",
    "docs/protocol.md tells everything",
];

pub(super) fn parse(line: &str) -> Result<Command<'_>, Wrong> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("run", "") => Err(Wrong::usage("run COMMAND [ARGUMENT...]")),
        ("run", rest) => {
            let (name, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
            Ok(Command::Run(name, arguments))
        }
        ("in", count) => number(count).map(Command::In).ok_or_else(|| Wrong::usage("in COUNT")),
        ("eof", "") => Ok(Command::Eof),
        ("kill", "") => Ok(Command::Kill),
        ("list", "") => Ok(Command::List),
        ("help", "") => Ok(Command::Help),
        ("quit", "") => Ok(Command::Quit),
        ("eof" | "kill" | "list" | "help" | "quit", _) => Err(Wrong::usage(&format!("{word} with nothing behind it"))),
        _ => Err(Wrong::unknown(word)),
    }
}

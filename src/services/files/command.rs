//! A line to a command.

use super::name::{Digest, FileName, Offered};
use crate::services::line::{Wrong, number};

/// What can be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Offer(Offered),
    Get(FileName, u64),
    Remove(FileName),
    Quota,
    List,
    Help,
    Quit,
}

const OFFER: &str = "offer NAME SIZE SHA256";
const GET: &str = "get NAME [OFFSET]";
const REMOVE: &str = "remove NAME";

pub(super) const HELP: [&str; 9] = [
    "offer NAME SIZE SHA256: puts a file here; the answer says from which byte on to send it",
    "get NAME [OFFSET]: sends a file, or the rest of it",
    "list: all files with their sizes and times",
    "remove NAME: removes a file of yours; operators remove any",
    "quota: how many bytes you have here, and may have",
    "login NAME PASSWORD: proves who you are, where there are accounts",
    "PING [TOKEN]: is answered by PONG [TOKEN]",
    "quit: closes the connection",
    "docs/protocol.md tells everything",
];

pub(super) fn parse(line: &str) -> Result<Command, Wrong> {
    let mut words = line.split(' ');
    let command = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    match (command.to_ascii_lowercase().as_str(), rest.as_slice()) {
        ("offer", [name, size, digest]) => {
            let name = FileName::new(name)?;
            let size = number(size).ok_or_else(|| Wrong::usage(OFFER))?;
            let digest = Digest::parse(digest).ok_or_else(|| Wrong::usage(OFFER))?;
            Ok(Command::Offer(Offered { name, size, digest }))
        }
        ("get", [name]) => Ok(Command::Get(FileName::new(name)?, 0)),
        ("get", [name, offset]) => {
            let offset = number(offset).ok_or_else(|| Wrong::usage(GET))?;
            Ok(Command::Get(FileName::new(name)?, offset))
        }
        ("remove", [name]) => Ok(Command::Remove(FileName::new(name)?)),
        ("remove", _) => Err(Wrong::usage(REMOVE)),
        ("quota", []) => Ok(Command::Quota),
        ("list", []) => Ok(Command::List),
        ("help", []) => Ok(Command::Help),
        ("quit", []) => Ok(Command::Quit),
        ("offer", _) => Err(Wrong::usage(OFFER)),
        ("get", _) => Err(Wrong::usage(GET)),
        ("list" | "quota" | "help" | "quit", _) => Err(Wrong::usage(&format!("{command} with nothing behind it"))),
        _ => Err(Wrong::unknown(command)),
    }
}

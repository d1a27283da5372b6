//! `parlor passwd`: add, change and remove accounts.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, typing};
use crate::net::random;
use crate::services::accounts::{Edit, LARGEST, Role, edited, load, secret};
use crate::services::chat::{Alphabet, Name};
use crate::services::whole_file;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file of accounts; made if there is none
    file: PathBuf,
    /// Whose account
    #[arg(value_parser = account_name)]
    name: Name,
    /// What it may do: user or operator. For an account that exists this alone asks for no password
    #[arg(long, value_name = "ROLE", conflicts_with = "delete")]
    role: Option<Role>,
    /// Remove the account
    #[arg(long)]
    delete: bool,
}

fn account_name(text: &str) -> Result<Name, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    Name::new(name, Alphabet::OneScript).map_err(|complaint| complaint.text)
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let exists = load(&args.file).is_ok_and(|book| book.find(&args.name).is_some());
    let edit = if args.delete {
        Edit::Delete
    } else {
        let password = if io::stdin().is_terminal() {
            // Who only wants another role is not asked for a password.
            if exists && args.role.is_some() { None } else { Some(typed(&args.name)?) }
        } else {
            piped(exists && args.role.is_some())?
        };
        let hash = password.as_deref().map(hashed).transpose()?;
        Edit::Put(args.role, hash)
    };
    let failed = |error: Failure| -> Failure { format!("{}: {error}", args.file.display()).into() };
    let change = |text: &str| edited(text, &args.name, &edit).map_err(Failure::from);
    whole_file::change(&args.file, LARGEST, change).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn hashed(password: &str) -> Result<String, Failure> {
    secret::fits(password)?;
    let mut salt = [0; 16];
    random::source()(&mut salt);
    Ok(secret::hash(password, salt)?)
}

/// Asks twice on the terminal.
fn typed(name: &Name) -> Result<String, Failure> {
    let ask = |prompt: &str| -> Result<String, Failure> {
        typing::asked_for(prompt)?.ok_or_else(|| "nothing was changed".into())
    };
    let first = ask(&format!("password for {name}: "))?;
    secret::fits(&first)?;
    let second = ask("once more: ")?;
    if first == second { Ok(first) } else { Err("these are two different passwords; nothing was changed".into()) }
}

/// The first line from a pipe. None at all is an error, unless there is something to do without.
fn piped(may_lack: bool) -> Result<Option<String>, Failure> {
    let mut text = String::new();
    // The line with its end, and one byte to see that it is longer.
    io::stdin().take(secret::MAX_PASSWORD as u64 + 3).read_to_string(&mut text)?;
    let line = text.lines().next();
    match line {
        Some(line) => Ok(Some(line.to_owned())),
        None if may_lack => Ok(None),
        None => Err("standard input holds no password".into()),
    }
}

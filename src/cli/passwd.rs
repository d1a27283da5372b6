//! `parlor passwd`: add, change and remove accounts.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, typing};
use crate::net::random;
use crate::services::accounts::{Change, Edit, Fingerprint, LARGEST, Role, edited, fingerprint, load, secret};
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
    /// Whoever comes through TLS with this certificate is logged in. PEM, or its SHA-256; as often as wanted. Asks for no
    /// password, and an account that is new then has none
    #[arg(long, value_name = "FILE|FINGERPRINT", conflicts_with = "delete", value_parser = certificate)]
    certificate: Vec<Fingerprint>,
    /// Nobody is any more who comes with this one
    #[arg(long, value_name = "FILE|FINGERPRINT", conflicts_with = "delete", value_parser = certificate)]
    without_certificate: Vec<Fingerprint>,
    /// No password is right any more
    #[arg(long, conflicts_with = "delete")]
    without_password: bool,
    /// Remove the account
    #[arg(long)]
    delete: bool,
}

fn account_name(text: &str) -> Result<Name, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    Name::new(name, Alphabet::OneScript).map_err(|complaint| complaint.text)
}

/// A certificate by its fingerprint, or the first one of a file.
fn certificate(text: &str) -> Result<Fingerprint, String> {
    if let Some(fingerprint) = fingerprint(text) {
        return Ok(fingerprint);
    }
    #[cfg(feature = "tls")]
    return crate::net::tls::fingerprint_of(std::path::Path::new(text)).map(String::into_boxed_str);
    #[cfg(not(feature = "tls"))]
    Err("expected its SHA-256, 64 digits of base 16; to read files, this program was built without TLS".to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let exists = load(&args.file).is_ok_and(|book| book.find(&args.name).is_some());
    let is_about_certificates = !args.certificate.is_empty() || !args.without_certificate.is_empty();
    let edit = if args.delete {
        Edit::Delete
    } else {
        let password = if args.without_password || is_about_certificates {
            None
        } else if io::stdin().is_terminal() {
            // Who only wants another role is not asked for a password.
            if exists && args.role.is_some() { None } else { Some(typed(&args.name)?) }
        } else {
            piped(exists && args.role.is_some())?
        };
        let hash = password.as_deref().map(hashed).transpose()?;
        let hash = if args.without_password { Some(None) } else { hash.map(Some) };
        let (with, without) = (args.certificate.clone(), args.without_certificate.clone());
        Edit::Put(Change { role: args.role, hash, with, without })
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

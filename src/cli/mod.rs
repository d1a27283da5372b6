//! The commands, one file each.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "comments on arguments are help texts: what stands in brackets there may be left out"
)]

#[cfg(feature = "bench")]
mod bench;
#[cfg(feature = "client")]
mod chat;
mod check;
#[cfg(feature = "client")]
mod errand;
#[cfg(feature = "client")]
mod files;
mod generate;
#[cfg(feature = "client")]
mod get;
mod history;
#[cfg(feature = "client")]
mod login;
#[cfg(feature = "accounts")]
mod passwd;
mod probe;
#[cfg(feature = "client")]
mod put;
#[cfg(feature = "client")]
mod run;
mod serve;
mod since;
#[cfg(feature = "client")]
mod talk;
mod trust;
#[cfg(any(feature = "accounts", feature = "client"))]
mod typing;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::daemon::settings::{self, Settings};
use crate::net::survive_file_limits;

/// A chat server on one thread and one epoll.
#[derive(Debug, Parser)]
#[command(name = "parlor", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; this is also what `parlor` alone does
    Serve(Box<Settings>),
    /// Say whether a configuration is right, and if not, what is wrong with it
    Check(check::Args),
    /// Write a sample configuration, man pages or completions
    Generate(generate::Args),
    /// Talk in a chat: people in a terminal, scripts line by line
    #[cfg(feature = "client")]
    Chat(Box<chat::Args>),
    /// Put a file on a server; cut on the way, it goes on where it was
    #[cfg(feature = "client")]
    Put(put::Args),
    /// Get a file from a server; cut on the way, it goes on where it was
    #[cfg(feature = "client")]
    Get(get::Args),
    /// List the files of a server
    #[cfg(feature = "client")]
    Files(files::Args),
    /// Run a command that a server offers
    #[cfg(feature = "client")]
    Run(run::Args),
    /// Show what the kernel says of a connection to an address: options asked and granted, round-trip time
    Probe(probe::Args),
    /// Put load on a server, check everything it delivers, and tell how fast it is
    #[cfg(feature = "bench")]
    Bench(bench::Args),
    /// Talk with somebody over UDP, without a server; nothing is lost, doubled or out of order
    #[cfg(feature = "client")]
    Talk(talk::Args),
    /// Read, filter and export what was said, without a server or beside one
    History(history::Args),
    /// Add, change or remove an account; the password is asked for, or read from a pipe
    #[cfg(feature = "accounts")]
    Passwd(passwd::Args),
}

/// Why a command did not succeed, in one line.
type Failure = Box<dyn std::error::Error>;

/// Runs the command that the process was started with. Wrong usage ends the process with 2.
#[must_use]
pub fn run() -> ExitCode {
    let command = parsed(std::env::args_os()).command.unwrap_or_else(|| {
        // Parsed all the same: the environment may have something to say.
        parsed(["parlor", "serve"].map(OsString::from)).command.expect("a command was given")
    });
    // Where files may not grow past a limit, a write that would fails, and is not our end.
    let outcome = survive_file_limits().map_err(Failure::from).and_then(|()| match command {
        Command::Serve(given) => serve::run(&given),
        Command::Check(args) => check::run(args),
        Command::Generate(args) => generate::run(&args),
        #[cfg(feature = "client")]
        Command::Chat(args) => chat::run(*args),
        #[cfg(feature = "client")]
        Command::Put(args) => put::run(args),
        #[cfg(feature = "client")]
        Command::Get(args) => get::run(args),
        #[cfg(feature = "client")]
        Command::Files(args) => files::run(args),
        #[cfg(feature = "client")]
        Command::Run(args) => run::run(args),
        Command::Probe(args) => probe::run(&args),
        #[cfg(feature = "bench")]
        Command::Bench(args) => bench::run(args),
        #[cfg(feature = "client")]
        Command::Talk(args) => talk::run(args),
        Command::History(args) => history::run(&args),
        #[cfg(feature = "accounts")]
        Command::Passwd(args) => passwd::run(&args),
    });
    outcome.unwrap_or_else(|failure| {
        complain(&failure);
        ExitCode::FAILURE
    })
}

/// The command with everything that follows from the names of its flags.
fn command() -> clap::Command {
    Cli::command().mut_subcommand("serve", settings::prepared)
}

fn parsed(words: impl IntoIterator<Item = OsString>) -> Cli {
    let words: Vec<OsString> = words.into_iter().collect();
    let matches = command().try_get_matches_from(&words);
    let matches = matches.unwrap_or_else(|error| settings::naming_variables(error, &words).exit());
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command()).exit())
}

/// Says what went wrong. Where nobody listens, it is lost, and the exit code is left.
fn complain(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "parlor: {what}");
}

/// Writes an answer to standard output. Whoever reads it may have had enough.
fn answer(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

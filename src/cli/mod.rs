//! The commands, one file each.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "comments on arguments are help texts: what stands in brackets there may be left out"
)]

mod address;
#[cfg(feature = "bench")]
mod bench;
mod history;
mod probe;
mod serve;
mod since;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Serve(Box<serve::Args>),
    /// Show what the kernel says of a connection to an address: options asked and granted, round-trip time
    Probe(probe::Args),
    /// Put load on a server, check everything it delivers, and tell how fast it is
    #[cfg(feature = "bench")]
    Bench(bench::Args),
    /// Read, filter and export what was said, without a server or beside one
    History(history::Args),
}

/// Why a command did not succeed, in one line.
type Failure = Box<dyn std::error::Error>;

/// Runs the command that the process was started with. Wrong usage ends the process with 2.
#[must_use]
pub fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| {
        // Parsed all the same: the environment may have something to say.
        Cli::parse_from(["parlor", "serve"]).command.expect("a command was given")
    });
    let outcome = match command {
        Command::Serve(args) => serve::run(*args),
        Command::Probe(args) => probe::run(&args),
        #[cfg(feature = "bench")]
        Command::Bench(args) => bench::run(args),
        Command::History(args) => history::run(&args),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("parlor: {failure}");
        ExitCode::FAILURE
    })
}

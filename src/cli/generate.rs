//! `parlor generate`: files that say what the code says.

use std::process::ExitCode;

use clap::ValueEnum;

use super::Failure;
use crate::daemon::settings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to write
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A commented configuration in which everything is as it is without one
    Config,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let text = match args.what {
        What::Config => settings::sample(),
    };
    super::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}

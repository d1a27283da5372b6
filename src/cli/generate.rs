//! `parlor generate`: files that say what the code says.

use std::process::ExitCode;

use clap::Subcommand;
#[cfg(feature = "generate")]
use clap_complete::Shell;

use super::Failure;
use crate::daemon::settings;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A commented configuration in which everything is as it is without one
    Config,
    /// A man page: of parlor, or of one of its commands
    #[cfg(feature = "generate")]
    Man {
        /// The command
        command: Option<String>,
    },
    /// What completes commands and flags in a shell
    #[cfg(feature = "generate")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let text = match &args.what {
        What::Config => settings::sample(),
        #[cfg(feature = "generate")]
        What::Man { command } => man(command.as_deref())?,
        #[cfg(feature = "generate")]
        What::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut super::command(), "parlor", &mut text);
            String::from_utf8(text)?
        }
    };
    super::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "generate")]
fn man(command: Option<&str>) -> Result<String, Failure> {
    let mut all = super::command();
    // Usage lines then have the whole command.
    all.build();
    let page = match command {
        None => all,
        Some(name) => {
            let found = all.find_subcommand(name).ok_or_else(|| format!("there is no command {name}"))?;
            // A page is called by one word.
            found.clone().name(format!("parlor-{name}"))
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).manual("Parlor").render(&mut text)?;
    Ok(String::from_utf8(text)?)
}

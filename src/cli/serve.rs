//! `parlor serve`: run the server.

use std::ffi::OsStr;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use super::Failure;
use crate::daemon::settings::{self, Layers, Settings, Wrong};
use crate::daemon::{self, logger};
use crate::net::{Exit, log_addresses, stop_from_the_start};

/// Runs it; `given` is what flags and environment say. They are read again with the file below them.
pub(super) fn run(given: &Settings) -> Result<ExitCode, Failure> {
    stop_from_the_start()?;
    // The words behind `serve`. Without that word there are none.
    let words = std::env::args_os().skip(2).collect();
    let layers = Layers { words, file: given.config.clone() };
    let in_force = match layers.read() {
        Ok(in_force) => in_force,
        Err(wrong) => return Ok(complain(wrong)),
    };
    if given.print_config {
        super::answer(&settings::in_force(&in_force))?;
        return Ok(ExitCode::SUCCESS);
    }
    logger::install_as(in_force.settings.log(), in_force.settings.log_format());
    log_addresses(in_force.settings.log_addresses());
    for name in unknown_variables() {
        log::warn!("{name} is no setting; parlor serve --help names those that are");
    }
    let mut server = daemon::start(in_force, stderr().is_terminal() && !hangup_is_ignored())?;
    match server.run()? {
        Exit::Drained => Ok(ExitCode::SUCCESS),
        // Asked twice: what was still on its way is lost, and that is no success.
        Exit::AtOnce => Ok(ExitCode::FAILURE),
    }
}

/// Variables that look as if they were for us, and that no command knows: most likely misspelt.
fn unknown_variables() -> Vec<String> {
    let command = super::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let mut known: Vec<&OsStr> = arguments.filter_map(clap::Arg::get_env).collect();
    known.push(OsStr::new("PARLOR_LISTEN"));
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"PARLOR_"));
    let mut unknown: Vec<String> =
        ours.filter(|name| !known.contains(&&**name)).map(|name| name.display().to_string()).collect();
    unknown.sort_unstable();
    unknown
}

/// Says what is wrong with settings, a line for each mistake. Wrong usage ends the process with 2.
pub(super) fn complain(wrong: Wrong) -> ExitCode {
    match wrong {
        Wrong::Usage(error) => error.exit(),
        Wrong::Settings(lines) => {
            for line in lines {
                super::complain(line);
            }
            ExitCode::FAILURE
        }
    }
}

/// Was the process started under nohup? Then it outlives its terminal, and a hang-up means reload.
pub(super) fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 != 0)
}

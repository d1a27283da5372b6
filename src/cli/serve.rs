//! `parlor serve`: run the server.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use super::Failure;
use crate::daemon::settings::{self, Layers, Settings, Wrong};
use crate::daemon::{self, logger};
use crate::net::{Exit, log_addresses};

/// Runs it; `given` is what flags and environment say. They are read again with the file below them.
pub(super) fn run(given: &Settings) -> Result<ExitCode, Failure> {
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
    let mut server = daemon::start(in_force, stderr().is_terminal() && !hangup_is_ignored())?;
    match server.run()? {
        Exit::Drained => Ok(ExitCode::SUCCESS),
        // Asked twice: what was still on its way is lost, and that is no success.
        Exit::AtOnce => Ok(ExitCode::FAILURE),
    }
}

/// Says what is wrong with settings, a line for each mistake. Wrong usage ends the process with 2.
pub(super) fn complain(wrong: Wrong) -> ExitCode {
    match wrong {
        Wrong::Usage(error) => error.exit(),
        Wrong::Settings(lines) => {
            for line in lines {
                eprintln!("parlor: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Was the process started under nohup? Then it outlives its terminal, and a hang-up means reload.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 != 0)
}

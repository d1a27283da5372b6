//! `parlor check`: is this configuration right?

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::serve::complain;
use crate::daemon::settings::Layers;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration
    file: PathBuf,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let shown = args.file.display().to_string();
    match Layers::check(args.file) {
        Ok(_) => {
            super::answer(&format!("{shown}: right\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => Ok(complain(wrong)),
    }
}

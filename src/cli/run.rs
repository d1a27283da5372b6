//! `parlor run`: a command that a server offers.

use std::process::ExitCode;

use super::Failure;
use super::errand::{self, ErrandArgs};
use crate::client::address::ServerAddress;
use crate::client::run::Run;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8890]
    #[arg(long, value_name = "ADDRESS")]
    at: Option<ServerAddress>,
    #[command(flatten)]
    errand: ErrandArgs,
    /// The name of the command there, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let command = args.command.join(" ");
    if command.contains(['\n', '\r']) {
        return Err("a command is one line".into());
    }
    errand::carry_out(args.at, &args.errand, Run::new(command))
}

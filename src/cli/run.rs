//! `parlor run`: a command that a server offers.

use std::process::ExitCode;

use super::login::LoginArgs;
use super::trust::TrustArgs;
use super::{Failure, errand};
use crate::client::address::{RUN_PORT, ServerAddress};
use crate::client::run::Run;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8890]
    #[arg(long, value_name = "ADDRESS")]
    at: Option<ServerAddress>,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// The name of the command there, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let command = args.command.join(" ");
    if command.contains(['\n', '\r']) {
        return Err("a command is one line".into());
    }
    let address = args.at.unwrap_or_else(ServerAddress::here).with_port(RUN_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let begin = |run: &mut Run, cx: &mut crate::hub::Cx<'_>| run.begin(cx).map_err(Failure::from);
    let run = Run::new(address, args.login.login()?, command);
    match errand::carry_out(&outgoing, run, begin, |run| run.outcome.clone())? {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(failure) => Ok(errand::failed(&failure)),
    }
}

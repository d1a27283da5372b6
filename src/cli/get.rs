//! `parlor get`: a file from a server.

use std::path::PathBuf;
use std::process::ExitCode;

use super::login::LoginArgs;
use super::trust::TrustArgs;
use super::{Failure, answer, errand};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::files::Get;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name there
    name: String,
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    /// Where to put it [default: its name, in this folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Put it in the place of a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.name.is_empty() || args.name.contains(['/', ' ', '\n', '\r']) || args.name.starts_with('.') {
        return Err(format!("{:?} is no name of a file there", args.name).into());
    }
    let path = args.output.unwrap_or_else(|| PathBuf::from(&args.name));
    let address = args.address.unwrap_or_else(ServerAddress::here).with_port(FILES_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let get = Get::new(address, args.login.login()?, args.name, path, args.force);
    let begin = |get: &mut Get, cx: &mut crate::hub::Cx<'_>| {
        get.begin(cx);
        Ok(())
    };
    match errand::carry_out(&outgoing, get, begin, |get| get.outcome.clone())? {
        Ok(line) => {
            answer(&format!("{line}\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => Ok(errand::failed(&failure)),
    }
}

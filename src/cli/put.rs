//! `parlor put`: a file to a server.

use std::path::PathBuf;
use std::process::ExitCode;

use super::login::LoginArgs;
use super::trust::TrustArgs;
use super::{Failure, answer, errand};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::files::Put;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    /// The name that it is to have there [default: its own]
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let own = args.file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = args.name.or(own).ok_or("that is no name of a file; --as NAME gives another")?;
    if name.contains([' ', '\n', '\r']) {
        return Err(format!("{name:?} has blanks, which names there have not; --as NAME gives another").into());
    }
    let address = args.address.unwrap_or_else(ServerAddress::here).with_port(FILES_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let put = Put::new(address, args.login.login()?, args.file, name);
    let begin = |put: &mut Put, cx: &mut crate::hub::Cx<'_>| {
        put.begin(cx);
        Ok(())
    };
    match errand::carry_out(&outgoing, put, begin, |put| put.outcome.clone())? {
        Ok(line) => {
            answer(&format!("{line}\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => Ok(errand::failed(&failure)),
    }
}

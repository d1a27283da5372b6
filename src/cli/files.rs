//! `parlor files`: what a server has.

use std::process::ExitCode;

use super::trust::TrustArgs;
use super::{Failure, answer, errand};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::files::List;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let address = args.address.unwrap_or_else(ServerAddress::here).with_port(FILES_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let begin = |list: &mut List, cx: &mut crate::hub::Cx<'_>| {
        list.begin(cx);
        Ok(())
    };
    match errand::carry_out(&outgoing, List::new(address), begin, |list| list.outcome.clone())? {
        Ok(lines) => {
            answer(&lines.concat())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => Ok(errand::failed(&failure)),
    }
}

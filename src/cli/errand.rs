//! How the commands of files and commands begin and end: one loop, one outcome, one exit code.

use std::process::ExitCode;

use log::LevelFilter;

use super::login::LoginArgs;
use super::trust::TrustArgs;
use super::{Failure, answer, complain};
use crate::client::address::ServerAddress;
use crate::client::errand::{Deed, Errand};
use crate::daemon::logger;
use crate::hub::{Hub, Limits};
use crate::net::{Doorkeeper, Reactor, random};

/// Who does it, and who is believed to be the server.
#[derive(Debug, clap::Args)]
pub(super) struct ErrandArgs {
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Does something at an address, and tells what became of it.
pub(super) fn carry_out<D: Deed>(
    address: Option<ServerAddress>,
    args: &ErrandArgs,
    deed: D,
) -> Result<ExitCode, Failure> {
    let address = address.unwrap_or_else(ServerAddress::here);
    let outgoing = args.trust.outgoing(&address)?;
    let errand = Errand::new(address, args.login.login()?, deed);
    logger::install(LevelFilter::Warn);
    // Two pieces of a file fit before somebody has to wait.
    let limits = Limits { high: 512 * 1024, ..Limits::default() };
    let mut hub = Hub::new(limits, random::source());
    let client = hub.add(errand);
    hub.with(client, Errand::<D>::begin).expect("the service was added above");
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing.clone())?;
    reactor.obey_signals(true)?;
    reactor.run()?;
    let errand = reactor.hub().service::<Errand<D>>(client).expect("the service was added above");
    answer(&errand.shown())?;
    Ok(ExitCode::from(errand.outcome().unwrap_or_else(|failure| {
        let more = outgoing.complaint().map_or_else(String::new, |more| format!(": {more}"));
        complain(format_args!("{failure}{more}"));
        failure.code
    })))
}

//! How the commands of files and commands begin and end: one loop, one outcome, one exit code.

use std::process::ExitCode;

use log::LevelFilter;

use super::Failure;
use crate::client::errand;
use crate::daemon::logger;
use crate::hub::{Cx, Hub, Limits, Service};
use crate::net::stream::Outgoing;
use crate::net::{Doorkeeper, Reactor, random};

/// Runs a client to its end, and answers what became of it.
pub(super) fn carry_out<T: Service, R>(
    outgoing: &Outgoing,
    client: T,
    begin: impl FnOnce(&mut T, &mut Cx<'_>) -> Result<(), Failure>,
    outcome: impl FnOnce(&T) -> Option<Result<R, errand::Failure>>,
) -> Result<Result<R, errand::Failure>, Failure> {
    logger::install(LevelFilter::Warn);
    // Two pieces of a file fit before somebody has to wait.
    let limits = Limits { high: 512 * 1024, ..Limits::default() };
    let mut hub = Hub::new(limits, random::source());
    let client = hub.add(client);
    hub.with(client, begin).expect("the service was added above")?;
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing.clone())?;
    reactor.obey_signals(true)?;
    reactor.run()?;
    let interrupted = || Err(errand::Failure::new(errand::Failure::INTERRUPTED, "stopped"));
    let outcome = reactor.hub().service(client).and_then(outcome).unwrap_or_else(interrupted);
    Ok(outcome.map_err(|failure| match outgoing.complaint() {
        Some(more) => errand::Failure { text: format!("{failure}: {more}"), ..failure },
        None => failure,
    }))
}

/// Says what went wrong, and ends with its code.
pub(super) fn failed(failure: &errand::Failure) -> ExitCode {
    eprintln!("parlor: {failure}");
    ExitCode::from(failure.code)
}

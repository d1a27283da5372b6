//! The load generator: a service like any other, that opens its connections itself. It runs on the hub and the loop
//! which it measures, and checks every byte it hears.
//!
//! CPU per delivery is compared with the [`Floor`], which does the same work and nothing besides.
#![allow(clippy::cast_precision_loss, reason = "figures for people: fifteen digits are more than enough")]

mod crowd;
mod desk;
mod dialect;
mod exchange;
mod floor;
mod ledger;
mod process;
mod progress;
mod report;
mod run;
mod text;

use std::io;

use self::progress::Progress;
use self::run::Run;
use crate::hub::{Hub, Limits};
use crate::net::socket::Options;
use crate::net::{Doorkeeper, Reactor, random};

pub use self::crowd::Server;
pub use self::dialect::Dialect;
pub use self::exchange::{Exchange, Length, Pace};
pub use self::floor::{Floor, Ideal};
pub use self::ledger::Faults;
pub use self::report::{Percentiles, Report, ServerCost};

/// What may wait for a server that is slower than its load: the open loop goes on speaking.
const OUTPUT: usize = 64 * 1024 * 1024;

/// Measures fan-out or echo.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn exchange(plan: Exchange) -> io::Result<Report> {
    let limits = Limits { output: OUTPUT, lag: OUTPUT, ..Limits::default() };
    let mut hub = Hub::new(limits, random::source());
    let run = hub.add(Run::new(plan, Progress::new())?);
    hub.with(run, Run::begin);
    // Buffers are the kernel's to tune: the generator must not be what the server waits for.
    let options = Options { receive_buffer: None, send_buffer: None, ..Options::client() };
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), options)?;
    reactor.run()?;
    let run: &Run = reactor.hub().service(run).expect("the service was added above");
    run.report().cloned().ok_or_else(|| io::Error::other("it was stopped before it was over"))
}

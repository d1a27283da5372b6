//! The load generator: a service like any other, that opens its connections itself. It runs on the hub and the loop
//! which it measures, and checks every byte it hears.
//!
//! CPU per delivery is compared with the [`Floor`], which does the same work and nothing besides.
#![allow(clippy::cast_precision_loss, reason = "figures for people: fifteen digits are more than enough")]

mod churn;
mod crowd;
mod desk;
mod dialect;
mod exchange;
mod floor;
mod idle;
mod ledger;
mod process;
mod progress;
mod report;
mod run;
mod storm;
mod text;

use std::fmt::Display;
use std::io;

use serde::Serialize;

use self::churn::Door;
use self::idle::Lounge;
use self::progress::Progress;
use self::run::Run;
use self::storm::Weather;
use crate::hub::{Cx, Hub, Limits, Service};
use crate::net::socket::Options;
use crate::net::{Doorkeeper, Reactor, random};

pub use self::churn::Churn;
pub use self::crowd::Server;
pub use self::dialect::Dialect;
pub use self::exchange::{Exchange, Length, Pace};
pub use self::floor::{Floor, Ideal};
pub use self::idle::Idle;
pub use self::storm::Storm;

/// What may wait for a server that is slower than its load: the open loop goes on speaking.
const OUTPUT: usize = 64 * 1024 * 1024;

/// What a measurement came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// For people: some lines.
    pub text: String,
    /// For programs: one object.
    pub json: String,
    /// Did every check hold?
    pub ok: bool,
}

impl Outcome {
    fn of(report: &(impl Display + Serialize), ok: bool) -> Self {
        let json = serde_json::to_string(report).expect("all of it can be written as JSON");
        Self { text: report.to_string(), json, ok }
    }
}

/// Measures fan-out or echo.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn exchange(plan: Exchange) -> io::Result<Outcome> {
    let run = Run::new(plan, Progress::new())?;
    drive(run, Run::begin, |run| run.report.as_ref().map(|report| Outcome::of(report, report.ok)))
}

/// Measures what idle connections cost.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn idle(plan: Idle) -> io::Result<Outcome> {
    let lounge = Lounge::new(plan, Progress::new())?;
    drive(lounge, Lounge::begin, |lounge| lounge.report.as_ref().map(|report| Outcome::of(report, report.ok)))
}

/// Measures what connections cost that come and go.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn churn(plan: Churn) -> io::Result<Outcome> {
    let door = Door::new(plan, Progress::new())?;
    drive(door, Door::begin, |door| door.report.as_ref().map(|report| Outcome::of(report, report.ok)))
}

/// Has everybody come back at once.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn storm(plan: Storm) -> io::Result<Outcome> {
    let weather = Weather::new(plan, Progress::new())?;
    drive(weather, Weather::begin, |weather| weather.report.as_ref().map(|report| Outcome::of(report, report.ok)))
}

/// Runs a generator until it stops by itself.
fn drive<S: Service>(
    service: S,
    begin: impl FnOnce(&mut S, &mut Cx<'_>),
    outcome: impl FnOnce(&S) -> Option<Outcome>,
) -> io::Result<Outcome> {
    let limits = Limits { output: OUTPUT, lag: OUTPUT, ..Limits::default() };
    let mut hub = Hub::new(limits, random::source());
    let id = hub.add(service);
    hub.with(id, begin);
    // Buffers are the kernel's to tune: the generator must not be what the server waits for.
    let options = Options { receive_buffer: None, send_buffer: None, ..Options::client() };
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), options)?;
    reactor.run()?;
    let service = reactor.hub().service(id).expect("the service was added above");
    outcome(service).ok_or_else(|| io::Error::other("it was stopped before it was over"))
}

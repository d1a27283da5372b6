//! The load generator: a service like any other, that opens its connections itself. It runs on the hub and the loop
//! which it measures, and checks every byte it hears.
//!
//! CPU per delivery is compared with the [`Floor`], which does the same work and nothing besides.
#![allow(clippy::cast_precision_loss, reason = "figures for people: fifteen digits are more than enough")]

mod churn;
mod comeback;
mod course;
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
use self::course::{Course, Measurement};
use self::crowd::{OUTPUT, countable};
use self::idle::Lounge;
use self::report::Verdict;
use self::run::Run;
use self::storm::Weather;
use crate::hub::{Hub, Limits};
use crate::net::socket::Options;
use crate::net::stream::Outgoing;
use crate::net::{Doorkeeper, Reactor, random};

pub use self::churn::Churn;
pub use self::crowd::Server;
pub use self::dialect::Dialect;
pub use self::exchange::{Exchange, Length, Pace};
pub use self::floor::{Floor, Ideal};
pub use self::idle::Idle;
pub use self::storm::Storm;

/// Who is measured.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where the server is.
    pub server: Server,
    /// Whom its certificate must be from, through TLS.
    pub outgoing: Outgoing,
    /// Its process, if its cost is to be known.
    pub pid: Option<u32>,
}

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
    fn of(report: &(impl Display + Serialize), verdict: Verdict) -> Self {
        let (text, ok) = (format!("{report}checks      {verdict}"), verdict.is_good());
        Self { text, json: written(&Whole { report, verdict, ok }), ok }
    }

    /// Of what could not even begin, and why.
    pub fn none(complaint: &str) -> Self {
        let json = written(&serde_json::json!({ "complaint": complaint, "ok": false }));
        Self { text: complaint.to_owned(), json, ok: false }
    }
}

fn written(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("all of it can be written as JSON")
}

/// What a program reads.
#[derive(Serialize)]
struct Whole<'a, R> {
    #[serde(flatten)]
    report: &'a R,
    #[serde(flatten)]
    verdict: Verdict,
    /// Did every check hold?
    ok: bool,
}

/// What is to be measured.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Fan-out or echo.
    Exchange(Exchange),
    /// What idle connections cost.
    Idle(Idle),
    /// What connections cost that come and go.
    Churn(Churn),
    /// Everybody comes back at once.
    Storm(Storm),
}

impl Plan {
    /// What is wrong with it, if something is.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        countable(self.connections())?;
        match self {
            Self::Exchange(plan) => plan.check(),
            Self::Storm(plan) => plan.check(),
            Self::Idle(_) | Self::Churn(_) => Ok(()),
        }
    }

    /// How many connections there are at a time; all of a storm but the speaker's break and come back.
    pub fn connections(&self) -> usize {
        match self {
            Self::Exchange(plan) => plan.connections(),
            Self::Idle(plan) => plan.connections,
            Self::Churn(plan) => plan.connections,
            Self::Storm(plan) => plan.connections,
        }
    }
}

/// Measures it. SIGINT and SIGTERM end it before its time, and so does SIGHUP if `hangup_stops`.
///
/// # Errors
/// The loop fails, or the server's process can't be looked at.
pub fn measure(subject: Subject, plan: Plan, hangup_stops: bool) -> io::Result<Outcome> {
    let server = subject.server.clone();
    match plan {
        Plan::Exchange(plan) => drive(Run::new(server, plan)?, subject, hangup_stops),
        Plan::Idle(plan) => drive(Lounge::new(server, plan), subject, hangup_stops),
        Plan::Churn(plan) => drive(Door::new(server, plan), subject, hangup_stops),
        Plan::Storm(plan) => drive(Weather::new(server, plan), subject, hangup_stops),
    }
}

/// Runs a measurement until it is over.
fn drive<M: Measurement>(measurement: M, subject: Subject, hangup_stops: bool) -> io::Result<Outcome> {
    let course = Course::new(measurement, &subject)?;
    let outgoing = subject.outgoing;
    let limits = Limits { output: OUTPUT, lag: OUTPUT, ..Limits::default() };
    let mut hub = Hub::new(limits, random::source());
    let id = hub.add(course);
    hub.with(id, Course::<M>::begin);
    // Buffers are the kernel's to tune: the generator must not be what the server waits for.
    let options = Options { receive_buffer: None, send_buffer: None, ..outgoing.options };
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), Outgoing { options, ..outgoing })?;
    reactor.obey_signals(hangup_stops)?;
    reactor.run()?;
    let course = reactor.hub().service::<Course<M>>(id).expect("the service was added above");
    Ok(course.outcome.clone().expect("the loop ends when the course does"))
}

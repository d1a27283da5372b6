//! `parlor bench`: the load generator, and the floor to compare with.

mod flags;

use std::io;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;

use self::flags::{FloorArgs, SubjectArgs, What};
use super::serve::hangup_is_ignored;
use super::{Failure, answer};
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::daemon::{logger, raise_descriptor_limit};
use crate::hub::Target;
use crate::load::{self, Floor, Ideal, Outcome, Plan, Server, Subject};

pub(super) use self::flags::Args;

/// How long the server may take to answer the first connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Descriptors that are no connection: standard ones, the poll, signals, a file that is read meanwhile.
const OWN: usize = 16;

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let descriptors = raise_descriptor_limit();
    match args.what {
        What::Load(load) => {
            let (subject, plan) = load.plan();
            measure(&subject, plan, descriptors)
        }
        What::Floor(args) => floor(&args),
    }
}

fn measure(asked: &SubjectArgs, plan: Plan, descriptors: usize) -> Result<ExitCode, Failure> {
    logger::install(LevelFilter::Warn);
    // What makes no sense is wrong usage.
    if let Err(wrong) = plan.check() {
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{wrong}\n")).exit();
    }
    let begun = has_room(plan.connections(), descriptors).and_then(|()| subject(asked));
    match begun.and_then(|subject| Ok(load::measure(subject, plan, !hangup_is_ignored())?)) {
        Ok(outcome) => {
            tell(&outcome, asked)?;
            Ok(if outcome.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(failure) => {
            // Programs get an object whatever happens; people have the line on standard error.
            if asked.json {
                tell(&Outcome::none(&failure.to_string()), asked)?;
            }
            Err(failure)
        }
    }
}

/// Are there descriptors for so many connections, and for what the loop has of its own?
fn has_room(connections: usize, descriptors: usize) -> Result<(), Failure> {
    if connections.saturating_add(OWN) <= descriptors {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need more descriptors than this process may have, which is {descriptors} (ulimit -Hn)"
    )
    .into())
}

fn tell(outcome: &Outcome, asked: &SubjectArgs) -> io::Result<()> {
    answer(&format!("{}\n", if asked.json { &outcome.json } else { &outcome.text }))
}

fn floor(args: &FloorArgs) -> Result<ExitCode, Failure> {
    logger::install(LevelFilter::Info);
    let floor = Floor::bind(args.address, if args.echo { Ideal::Echo } else { Ideal::Fanout }, args.chunk)?;
    log::info!("listening floor {}", floor.address()?);
    floor.run()?;
    Ok(ExitCode::SUCCESS)
}

fn subject(args: &SubjectArgs) -> Result<Subject, Failure> {
    let outgoing = args.trust.outgoing(&args.address)?;
    Ok(Subject { server: server(&args.address)?, outgoing, pid: args.pid })
}

/// The first place that the address may mean and where somebody answers.
fn server(address: &ServerAddress) -> Result<Server, Failure> {
    let mut places =
        address.targets(CHAT_PORT).map_err(|error| format!("{address}: {error}"))?.into_iter().filter_map(place);
    let first = places.next().ok_or_else(|| format!("{address}: no address to connect to"))?;
    let more: Vec<Server> = places.collect();
    if more.is_empty() {
        return Ok(first);
    }
    let answers = |place: &Server| match place {
        Server::Tcp(address) | Server::Tls(address, _) => TcpStream::connect_timeout(address, CONNECT).is_ok(),
        Server::Unix(_) => true,
    };
    let found = std::iter::once(first).chain(more).find(answers);
    found.ok_or_else(|| format!("{address}: nobody answers; is a server running there?").into())
}

fn place(target: Target) -> Option<Server> {
    match target {
        Target::Tcp(address) => Some(Server::Tcp(address)),
        Target::Tls(address, name) => Some(Server::Tls(address, name)),
        Target::Unix(path) => Some(Server::Unix(path)),
        Target::Pipe { .. } | Target::Exit(_) => None,
    }
}

//! `parlor bench`: the load generator, and the floor to compare with.

use std::io::{Write, stdout};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use log::LevelFilter;

use super::Failure;
use super::trust::TrustArgs;
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::daemon::{logger, raise_descriptor_limit};
use crate::hub::Target;
use crate::load::{self, Churn, Exchange, Floor, Ideal, Idle, Length, Outcome, Pace, Server, Storm, Subject};

/// How long the server may take to answer the first connection.
const CONNECT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Some speak in a room, others hear it; every delivery is checked and timed
    Fanout(FanoutArgs),
    /// Everybody speaks to the server and hears what they said
    Echo(EchoArgs),
    /// Many come and stay, and say nothing: what letting them in costs, and their memory and CPU, given --pid
    Idle(IdleArgs),
    /// Connections are made, welcomed, closed and made again
    Churn(ChurnArgs),
    /// Everybody's line breaks, something is said meanwhile, all come back at once and resume: a chat with a history
    Storm(StormArgs),
    /// Serve the least that a server can do: a chunk is read, and written to every other connection
    Floor(FloorArgs),
}

/// What all measurements ask for.
#[derive(Debug, clap::Args)]
struct SubjectArgs {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH
    address: ServerAddress,
    /// The server's process: its CPU time and memory are told too
    #[arg(long)]
    pid: Option<u32>,
    /// Print one object instead of lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, clap::Args)]
struct FanoutArgs {
    #[command(flatten)]
    shared: Shared,
    /// How many speak
    #[arg(long, value_name = "N", default_value_t = 1)]
    senders: usize,
    /// How many others hear
    #[arg(long, value_name = "N", default_value_t = 100)]
    receivers: usize,
    /// Closed loop: so many messages on their way at once, shared out among the senders; each says its share when all
    /// that it said before were heard by everybody [default: one from each]
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    window: Option<usize>,
    /// The language that the server speaks
    #[arg(long, value_name = "DIALECT", default_value = "parlor")]
    dialect: Dialect,
    /// The room, channel or subject
    #[arg(long, value_name = "ROOM", default_value = "bench")]
    room: String,
    /// How speakers' names begin
    #[arg(long, value_name = "NAME", default_value = "s")]
    name: String,
}

#[derive(Debug, clap::Args)]
struct EchoArgs {
    #[command(flatten)]
    shared: Shared,
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 50)]
    connections: usize,
    /// Closed loop: so many messages at once from each connection, the next when all of them came back
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "rate")]
    depth: usize,
    /// The language that the server speaks: lines or redis
    #[arg(long, value_name = "DIALECT", default_value = "lines")]
    dialect: Dialect,
}

#[derive(Debug, clap::Args)]
struct Shared {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Bytes of a text
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    size: usize,
    /// Open loop: so many a second, all speakers together, each timed from when it should have been said
    #[arg(long, value_name = "PER-SECOND")]
    rate: Option<f64>,
    /// How long it is measured, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    duration: Duration,
    /// How many messages of each speaker are measured, instead
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    count: Option<u32>,
    /// How long it runs before that, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    warmup: Duration,
    /// How many connections are on their way at once; fewer than the server's backlog
    #[arg(long, value_name = "N", default_value_t = 64)]
    at_once: usize,
}

#[derive(Debug, clap::Args)]
struct IdleArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 1000)]
    connections: usize,
    /// The language that the server speaks
    #[arg(long, value_name = "DIALECT", default_value = "parlor")]
    dialect: Dialect,
    /// A room that they join [default: none; they stay where the server puts them]
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// How long they are watched, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    duration: Duration,
    /// How many connections are on their way at once; fewer than the server's backlog
    #[arg(long, value_name = "N", default_value_t = 64)]
    at_once: usize,
}

#[derive(Debug, clap::Args)]
struct ChurnArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How many connections at a time
    #[arg(long, value_name = "N", default_value_t = 50)]
    connections: usize,
    /// The language that the server speaks; with lines, whose servers say no welcome, the end is waited for
    #[arg(long, value_name = "DIALECT", default_value = "parlor")]
    dialect: Dialect,
    /// How long it is measured, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    duration: Duration,
    /// How long it runs before that, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    warmup: Duration,
}

#[derive(Debug, clap::Args)]
struct StormArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How many break and come back
    #[arg(long, value_name = "N", default_value_t = 500)]
    connections: usize,
    /// How many messages are said before the storm, while all are away, and as they return
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: u32,
    /// The room
    #[arg(long, value_name = "ROOM", default_value = "bench")]
    room: String,
    /// How names begin
    #[arg(long, value_name = "NAME", default_value = "s")]
    name: String,
}

#[derive(Debug, clap::Args)]
struct FloorArgs {
    /// Where to listen: HOST:PORT, port 0 takes any
    address: SocketAddr,
    /// Write each chunk back, and to nobody else
    #[arg(long)]
    echo: bool,
    /// The most that it reads at once
    #[arg(long, value_name = "BYTES", default_value_t = 65536)]
    chunk: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dialect {
    /// Parlor's chat
    Parlor,
    /// Bare lines: echo, relays, the floor
    Lines,
    /// Redis pub/sub, or its ECHO
    Redis,
    /// NATS
    Nats,
    /// IRC
    Irc,
}

impl From<Dialect> for load::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Parlor => Self::Parlor,
            Dialect::Lines => Self::Lines,
            Dialect::Redis => Self::Redis,
            Dialect::Nats => Self::Nats,
            Dialect::Irc => Self::Irc,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|&seconds: &f64| seconds >= 0.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or("expected seconds, like 2.5".to_owned())
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    logger::install(if matches!(args.what, What::Floor(_)) { LevelFilter::Info } else { LevelFilter::Warn });
    let _ = raise_descriptor_limit();
    match args.what {
        What::Fanout(args) => exchange(&args.shared, |plan| Exchange {
            dialect: args.dialect.into(),
            room: args.room,
            name: args.name,
            speakers: args.senders,
            pace: args.window.or(args.shared.rate.is_none().then_some(args.senders)).map_or(plan.pace, Pace::Window),
            hearers: args.receivers,
            ..plan
        }),
        What::Echo(args) => exchange(&args.shared, |plan| Exchange {
            dialect: args.dialect.into(),
            echo: true,
            speakers: args.connections,
            pace: match plan.pace {
                Pace::Window(_) => Pace::Window(args.connections.saturating_mul(args.depth)),
                open @ Pace::Rate(_) => open,
            },
            ..plan
        }),
        What::Idle(args) => idle(args),
        What::Churn(args) => churn(&args),
        What::Storm(args) => storm(args),
        What::Floor(args) => floor(&args),
    }
}

fn exchange(shared: &Shared, complete: impl FnOnce(Exchange) -> Exchange) -> Result<ExitCode, Failure> {
    let plan = complete(Exchange {
        subject: subject(&shared.subject)?,
        dialect: load::Dialect::Lines,
        room: String::new(),
        name: String::new(),
        echo: false,
        speakers: 0,
        hearers: 0,
        at_once: shared.at_once,
        size: shared.size,
        pace: shared.rate.map_or(Pace::Window(1), Pace::Rate),
        length: shared.count.map_or(Length::Time(shared.duration), Length::Messages),
        warm_up: shared.warmup,
    });
    insist(plan.check());
    tell(&load::exchange(plan)?, &shared.subject)
}

/// What makes no sense is wrong usage.
fn insist(checked: Result<(), String>) {
    if let Err(wrong) = checked {
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{wrong}\n")).exit();
    }
}

fn idle(args: IdleArgs) -> Result<ExitCode, Failure> {
    let plan = Idle {
        subject: subject(&args.subject)?,
        dialect: args.dialect.into(),
        room: args.room,
        connections: args.connections,
        at_once: args.at_once,
        time: args.duration,
    };
    insist(plan.check());
    tell(&load::idle(plan)?, &args.subject)
}

fn churn(args: &ChurnArgs) -> Result<ExitCode, Failure> {
    let plan = Churn {
        subject: subject(&args.subject)?,
        dialect: args.dialect.into(),
        connections: args.connections,
        time: args.duration,
        warm_up: args.warmup,
    };
    insist(plan.check());
    tell(&load::churn(plan)?, &args.subject)
}

fn storm(args: StormArgs) -> Result<ExitCode, Failure> {
    let plan = Storm {
        subject: subject(&args.subject)?,
        room: args.room,
        name: args.name,
        connections: args.connections,
        messages: args.count,
    };
    insist(plan.check());
    tell(&load::storm(plan)?, &args.subject)
}

fn tell(outcome: &Outcome, asked: &SubjectArgs) -> Result<ExitCode, Failure> {
    writeln!(stdout(), "{}", if asked.json { &outcome.json } else { &outcome.text })?;
    Ok(if outcome.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn floor(args: &FloorArgs) -> Result<ExitCode, Failure> {
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

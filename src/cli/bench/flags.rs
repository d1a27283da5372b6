//! What can be said to `parlor bench`, and what is to be measured by it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Subcommand, ValueEnum};

use super::super::trust::TrustArgs;
use crate::client::address::ServerAddress;
use crate::load::{Churn, Dialect, Exchange, Idle, Length, Pace, Plan, Storm};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    #[command(flatten)]
    Load(Box<Load>),
    /// Serve the least that a server can do: a chunk is read, and written to every other connection
    Floor(FloorArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum Load {
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
}

/// What all measurements ask for.
#[derive(Debug, clap::Args)]
pub(super) struct SubjectArgs {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH
    pub(super) address: ServerAddress,
    /// The server's process: its CPU time and memory are told too
    #[arg(long)]
    pub(super) pid: Option<u32>,
    /// Print one object instead of lines
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct FanoutArgs {
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
pub(super) struct EchoArgs {
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
struct Timing {
    /// How long it is measured, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    duration: Duration,
    /// How long it runs before that, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    warmup: Duration,
}

#[derive(Debug, clap::Args)]
struct Arrival {
    /// How many connections are on their way at once; fewer than the server's backlog
    #[arg(long, value_name = "N", default_value_t = 64)]
    at_once: usize,
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
    #[command(flatten)]
    timing: Timing,
    /// How many messages of each speaker are measured, instead
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    count: Option<u32>,
    #[command(flatten)]
    arrival: Arrival,
}

#[derive(Debug, clap::Args)]
pub(super) struct IdleArgs {
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
    #[command(flatten)]
    arrival: Arrival,
}

#[derive(Debug, clap::Args)]
pub(super) struct ChurnArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How many connections at a time
    #[arg(long, value_name = "N", default_value_t = 50)]
    connections: usize,
    /// The language that the server speaks; with lines, whose servers say no welcome, the end is waited for
    #[arg(long, value_name = "DIALECT", default_value = "parlor")]
    dialect: Dialect,
    #[command(flatten)]
    timing: Timing,
}

#[derive(Debug, clap::Args)]
pub(super) struct StormArgs {
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
pub(super) struct FloorArgs {
    /// Where to listen: HOST:PORT, port 0 takes any
    pub(super) address: SocketAddr,
    /// Write each chunk back, and to nobody else
    #[arg(long)]
    pub(super) echo: bool,
    /// The most that it reads at once
    #[arg(long, value_name = "BYTES", default_value_t = 65536)]
    pub(super) chunk: usize,
}

impl ValueEnum for Dialect {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Parlor, Self::Lines, Self::Redis, Self::Nats, Self::Irc]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, about) = match self {
            Self::Parlor => ("parlor", "Parlor's chat"),
            Self::Lines => ("lines", "Bare lines: echo, relays, the floor"),
            Self::Redis => ("redis", "Redis pub/sub, or its ECHO"),
            Self::Nats => ("nats", "NATS"),
            Self::Irc => ("irc", "IRC"),
        };
        Some(PossibleValue::new(name).help(about))
    }
}

impl Load {
    /// At whom it is done, and what.
    pub(super) fn plan(self) -> (SubjectArgs, Plan) {
        match self {
            Self::Fanout(args) => {
                let window = args.window.or(args.shared.rate.is_none().then_some(args.senders));
                let (subject, plan) = args.shared.plan(args.dialect, window);
                let (room, name, speakers, hearers) = (args.room, args.name, args.senders, args.receivers);
                (subject, Plan::Exchange(Exchange { room, name, speakers, hearers, ..plan }))
            }
            Self::Echo(args) => {
                let window = args.shared.rate.is_none().then(|| args.connections.saturating_mul(args.depth));
                let (subject, plan) = args.shared.plan(args.dialect, window);
                (subject, Plan::Exchange(Exchange { echo: true, speakers: args.connections, ..plan }))
            }
            Self::Idle(IdleArgs { subject, connections, dialect, room, duration, arrival: Arrival { at_once } }) => {
                (subject, Plan::Idle(Idle { dialect, room, connections, at_once, time: duration }))
            }
            Self::Churn(ChurnArgs { subject, connections, dialect, timing: Timing { duration, warmup } }) => {
                (subject, Plan::Churn(Churn { dialect, connections, time: duration, warm_up: warmup }))
            }
            Self::Storm(StormArgs { subject, connections, count, room, name }) => {
                (subject, Plan::Storm(Storm { room, name, connections, messages: count }))
            }
        }
    }
}

impl Shared {
    /// What fan-out and echo have in common; without a window it is the open loop.
    fn plan(self, dialect: Dialect, window: Option<usize>) -> (SubjectArgs, Exchange) {
        let Timing { duration, warmup } = self.timing;
        let plan = Exchange {
            dialect,
            room: String::new(),
            name: String::new(),
            echo: false,
            speakers: 0,
            hearers: 0,
            at_once: self.arrival.at_once,
            size: self.size,
            pace: window.map_or(Pace::Rate(self.rate.unwrap_or_default()), Pace::Window),
            length: self.count.map_or(Length::Time(duration), Length::Messages),
            warm_up: warmup,
        };
        (self.subject, plan)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|&seconds: &f64| seconds >= 0.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or("expected seconds, like 2.5".to_owned())
}

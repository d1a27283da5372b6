//! `parlor chat`: the chat, for people and for scripts.

use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use log::LevelFilter;

use super::Failure;
use super::trust::TrustArgs;
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::client::chat::{Script, Settings, Talk, Wishes};
use crate::daemon::logger;
use crate::hub::{Hub, Limits};
use crate::net::{Doorkeeper, Reactor, random};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8888]
    address: Option<ServerAddress>,
    /// Be in this room, instead of the lobby; as often as wanted. What is said goes to the first
    #[arg(long = "room", value_name = "ROOM")]
    rooms: Vec<String>,
    /// Have this name
    #[arg(long, value_name = "NAME")]
    nick: Option<String>,
    /// Say this instead of what standard input has; as often as wanted
    #[arg(long, value_name = "TEXT")]
    send: Vec<String>,
    /// Stay when everything is said, and show what is heard
    #[arg(long)]
    follow: bool,
    /// Leave when so many messages were heard
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Leave after so many seconds at the latest
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// What is heard: lines, or the server's objects as they are
    #[arg(long, value_enum, default_value_t = Format::Plain)]
    format: Format,
    /// Obey lines of a script that begin with `/`, instead of saying them
    #[arg(long)]
    commands: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Json,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "that is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    logger::install(LevelFilter::Warn);
    let address = args.address.clone().unwrap_or_else(ServerAddress::here).with_port(CHAT_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let wishes = Wishes { rooms: args.rooms.clone(), nick: args.nick.clone(), past: 0 };
    let mut random = random::source();
    let mut chance = [0; 8];
    random(&mut chance);
    let talk = Talk::new(address, wishes, chance);
    let reads = args.send.is_empty() && !(args.follow && Script::input_is_terminal());
    let settings = Settings {
        send: args.send,
        follow: args.follow,
        count: args.count,
        timeout: args.timeout,
        json: args.format == Format::Json,
        commands: args.commands,
        reads,
    };
    let mut hub = Hub::new(Limits::default(), random);
    let script = hub.add(Script::new(talk, settings));
    hub.with(script, Script::begin).expect("the service was added above")?;
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing.clone())?;
    reactor.obey_signals(true)?;
    reactor.run()?;
    let script: &Script = reactor.hub().service(script).expect("the service was added above");
    match script.failure() {
        Some(why) => Err(outgoing.complaint().map_or_else(|| why.to_owned(), |more| format!("{why}: {more}")).into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

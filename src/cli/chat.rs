//! `parlor chat`: the chat, for people and for scripts.

use std::io::{self, IsTerminal, stdin};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use log::LevelFilter;

use super::Failure;
use super::login::{LoginArgs, name};
use super::trust::TrustArgs;
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::client::chat::{Script, Settings, Talk, Wishes};
use crate::client::terminal::{self, Terminal, Window};
use crate::daemon::logger;
use crate::hub::{Hub, Limits};
use crate::net::stream::Outgoing;
use crate::net::{Doorkeeper, Reactor, random};

/// What was said before is shown to people on coming, so that they know what it is about.
const PAST: u32 = 30;

/// How long leaving may take, whatever is still on its way; a look-up can't be broken off.
const FAREWELL: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
In a terminal it is for people: /help shows the keys. Elsewhere each line of standard input is said.

  parlor chat --nick ann                                       talk on this machine
  parlor chat tls:chat.example --login ann                     and somewhere else
  seq 10 | parlor chat --room numbers                          each line is said; 0 when all are in
  parlor chat --room ops --follow --format json | jq .text     hear what others say";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8888]
    address: Option<ServerAddress>,
    /// Be in this room, instead of the lobby; as often as wanted. What is said goes to the first
    #[arg(long = "room", value_name = "ROOM", value_parser = room)]
    rooms: Vec<String>,
    /// Have this name
    #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "login")]
    nick: Option<String>,
    #[command(flatten)]
    login: LoginArgs,
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
    /// Ring the terminal's bell when somebody says our name, or writes to us alone
    #[arg(long)]
    bell: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Json,
}

fn room(text: &str) -> Result<String, String> {
    name(text.strip_prefix('#').unwrap_or(text))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "that is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl Args {
    /// Is it for somebody who sits at a terminal?
    fn is_for_people(&self) -> bool {
        let asks = self.follow || self.count.is_some() || self.timeout.is_some() || !self.send.is_empty();
        Window::is_here() && !asks && !self.commands && self.format == Format::Plain
    }

    fn settings(self) -> Settings {
        // Somebody who only follows has nothing to type.
        let reads = self.send.is_empty() && !(self.follow && stdin().is_terminal());
        Settings {
            send: self.send,
            follow: self.follow,
            count: self.count,
            timeout: self.timeout,
            json: self.format == Format::Json,
            commands: self.commands,
            reads,
        }
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let for_people = args.is_for_people();
    // Nothing but us writes to a screen that we paint.
    logger::install(if for_people { LevelFilter::Off } else { LevelFilter::Warn });
    let address = args.address.clone().unwrap_or_else(ServerAddress::here).with_port(CHAT_PORT);
    let outgoing = args.trust.outgoing(&address)?;
    let past = if for_people { PAST } else { 0 };
    let wishes = Wishes { rooms: args.rooms.clone(), nick: args.nick.clone(), login: args.login.login()?, past };
    let mut random = random::source();
    let mut chance = [0; 8];
    random(&mut chance);
    let talk = Talk::new(address, wishes, chance);
    let mut hub = Hub::new(Limits::default(), random);
    let failure = if for_people {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let settings = terminal::Settings { bell: args.bell, colours };
        let client = hub.add(Terminal::new(talk, settings));
        hub.with(client, Terminal::begin).expect("the service was added above");
        let reactor = turn(hub, outgoing.clone())?;
        reactor.hub().service(client).and_then(Terminal::failure).map(str::to_owned)
    } else {
        let client = hub.add(Script::new(talk, args.settings()));
        hub.with(client, Script::begin).expect("the service was added above")?;
        let reactor = turn(hub, outgoing.clone())?;
        reactor.hub().service(client).and_then(Script::failure).map(str::to_owned)
    };
    match failure {
        Some(why) => Err(outgoing.complaint().map_or_else(|| why.clone(), |more| format!("{why}: {more}")).into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Runs the loop to its end.
fn turn(hub: Hub, outgoing: Outgoing) -> io::Result<Reactor> {
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing)?;
    reactor.obey_signals(true)?;
    reactor.drain_within(FAREWELL);
    reactor.run()?;
    Ok(reactor)
}

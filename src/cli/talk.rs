//! `parlor talk`: two people over UDP.

use std::io::{ErrorKind, IsTerminal, stdin};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use std::{fs, io};

use log::LevelFilter;

use super::Failure;
use crate::client::talk::{Book, Settings, Talk};
use crate::client::terminal::Window;
use crate::daemon::logger;
use crate::hub::{Address, Hub, Limits, Moment, Profile};
use crate::net::socket::Options;
use crate::net::udp::{self, Manner};
use crate::net::{Doorkeeper, Exit, Reactor, random, wall};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Who you are; your address is the one that the book has for that name
    name: String,
    /// The address book, a TOML file: under [people], one line NAME = "HOST:PORT" for each
    #[arg(long, value_name = "FILE")]
    book: PathBuf,
    /// Whom to talk to at first [default: the only other address, or else whoever speaks first]
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// For scripts: go on listening for so many seconds of silence after the end of the input
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    logger::install(LevelFilter::Warn);
    let Args { name, book: file, to, wait } = args;
    let shown = file.display();
    let text = fs::read_to_string(&file).map_err(|error| format!("{shown}: {error}"))?;
    let book = Book::read(&text).map_err(|error| format!("{shown}: {error}"))?;
    let me = book.find(&name).ok_or_else(|| format!("{shown}: {name:?} does not stand in it"))?;
    let (me, wanted) = (me.name.clone(), me.address);
    let bound = bind(wanted)?;
    let address = bound.address();
    let greeting = if address.port() != wanted.port() && wanted.port() != 0 {
        format!("{wanted} is taken; you are at {address}, and whoever you speak to can answer")
    } else {
        format!("you are {me}, at {address}")
    };
    let addresses: std::collections::BTreeSet<SocketAddr> =
        book.people().iter().map(|one| one.address).filter(|&other| other != address && other.port() != 0).collect();

    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let settings = Settings {
        me,
        address,
        book,
        is_person: stdin().is_terminal(),
        screen: Window::is_here().then_some(colours),
        wait: Duration::from_secs(wait.min(24 * 60 * 60)),
    };
    let mut hub = Hub::new(Limits::default(), random::source());
    let talk = hub.add(Talk::new(settings));
    let profile = Profile {
        framing: udp::FRAMING,
        silence: None,
        refuse_http: false,
        limits: Rc::new(limits()),
        address: Address::Udp(address),
    };
    let listener = hub.listen(talk, profile);
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), Options::client())?;
    reactor.obey_signals(true)?;
    reactor.listen_datagrams(bound, listener, Manner::Conversing)?;
    for address in addresses {
        reactor.expect_datagrams(listener, address);
    }
    // What is shown before the first turn has its time too.
    reactor.hub_mut().begin(Moment::START, wall());
    let begun = reactor.hub_mut().with(talk, |talk: &mut Talk, cx| talk.begin(cx, &greeting, to.as_deref()));
    begun.unwrap_or(Ok(()))?;
    let exit = reactor.run()?;
    let undelivered = reactor.hub().service::<Talk>(talk).map_or(0, Talk::undelivered);
    if undelivered > 0 {
        return Err(format!("lines that may not have arrived: {undelivered}").into());
    }
    let has_failed = reactor.hub().service::<Talk>(talk).is_some_and(Talk::has_failed);
    Ok(if exit == Exit::Drained && !has_failed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Our address in the book, or any port beside it: in the documents' book everybody has one and the same.
fn bind(wanted: SocketAddr) -> Result<udp::Bound, Failure> {
    let bind = |address| udp::bind(address, &Options::client());
    let bound = match bind(wanted) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => bind(SocketAddr::new(wanted.ip(), 0)),
        bound => bound,
    };
    bound.map_err(|error: io::Error| format!("{wanted}: {error}").into())
}

/// A turn may send a whole window to everybody, and nothing of it waits for longer than the turn.
fn limits() -> Limits {
    const MIB: usize = 1024 * 1024;
    Limits { high: 2 * MIB, low: MIB, lag: 3 * MIB, output: 4 * MIB, ..Limits::default() }
}

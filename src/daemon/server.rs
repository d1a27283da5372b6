//! From a configuration to a loop that is ready to run.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::History;
#[cfg(feature = "tls")]
use super::certificates::{Certificates, GUESTS};
use super::history;
use super::holder::{self, Wanted};
use super::listeners::{At, Kind, Listen};
use super::settings::{Offer, WireLimits};
use crate::hub::{Address, Framing, Hub, Inspection, Limits, ListenerId, Profile, ServiceId};
use crate::log::Log;
use crate::net::listen::{Bound, Place, bind};
use crate::net::socket::Options;
use crate::net::{Doorkeeper, Exit, Reactor, random, survive_file_limits, udp, wall};
use crate::services::chat::{self, Chat};
use crate::services::{Echo, Upper};

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its listeners, in the order in which they are reported.
    pub listeners: Vec<Listen>,
    /// Socket options of all of them.
    pub options: Options,
    /// Mode of Unix sockets' files.
    pub unix_mode: u32,
    /// More connections are turned away.
    pub max_connections: usize,
    /// Addresses beyond this machine may be listened on, though everybody there could come in.
    pub open: bool,
    /// Bounds of every connection.
    pub limits: Limits,
    /// Bounds of every wire.
    pub wire: WireLimits,
    /// What can be chosen about the chat.
    pub chat: chat::Settings,
    /// Where the chat is recorded, if it is.
    pub history: Option<History>,
    /// Commands that the run service offers, by name.
    pub offers: BTreeMap<String, Offer>,
    /// The certificate of listeners behind TLS.
    #[cfg(feature = "tls")]
    pub tls: Option<super::certificates::TlsConfig>,
}

/// A loop that is ready to run, and what is to be done when it has ended.
#[derive(Debug)]
pub struct Server {
    /// The loop.
    pub reactor: Reactor,
    chat: Option<ServiceId>,
}

impl Server {
    /// Runs until somebody asks to stop, and closes the history in order.
    ///
    /// # Errors
    /// When the loop itself fails.
    pub fn run(&mut self) -> io::Result<Exit> {
        let exit = self.reactor.run();
        if let Some(chat) = self.chat {
            self.reactor.hub_mut().with(chat, |chat: &mut Chat, _| chat.close());
        }
        exit
    }
}

/// Why a server could not start: what it was for, and the cause.
#[derive(Debug)]
pub struct StartError {
    what: String,
    cause: Box<dyn std::error::Error>,
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.what)?;
        match self.cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::AddrInUse) => write!(out, "address in use: {}", self.cause),
            Some(io::ErrorKind::PermissionDenied) => write!(out, "permission denied ({})", self.cause),
            _ => write!(out, "{}", self.cause),
        }
    }
}

impl std::error::Error for StartError {}

fn failed(what: &str) -> impl Fn(io::Error) -> StartError {
    move |cause| StartError { what: what.to_owned(), cause: cause.into() }
}

/// A socket that is bound, and nobody hears it yet.
#[derive(Debug)]
enum Door {
    Streams(Bound),
    Datagrams(udp::Bound),
}

impl Door {
    fn address(&self) -> Address {
        match self {
            Self::Streams(bound) => bound.address().clone(),
            Self::Datagrams(bound) => Address::Udp(bound.address()),
        }
    }

    fn inspect(&self) -> Inspection {
        match self {
            Self::Streams(bound) => bound.inspect(),
            Self::Datagrams(bound) => bound.inspect(),
        }
    }

    fn open(self, reactor: &mut Reactor, id: ListenerId) -> io::Result<()> {
        match self {
            Self::Streams(bound) => reactor.listen(bound, id),
            Self::Datagrams(bound) => reactor.listen_datagrams(bound, id, udp::Manner::Answering),
        }
    }
}

/// Binds every listener, and reports each once all are bound and signals are obeyed: whoever reads the lines may send
/// one. `hangup_stops` for a program whose terminal can go away.
///
/// # Errors
/// A listener can't be bound, or the kernel refuses what a loop needs.
pub fn start(config: &Config, hangup_stops: bool) -> Result<Server, StartError> {
    #[cfg(feature = "tls")]
    let certificates = Certificates::read(config.tls.as_ref(), &config.listeners).map_err(wrong("cannot serve TLS"))?;
    let bound: Vec<Door> =
        config.listeners.iter().map(|listen| bind_one(listen, config)).collect::<Result<_, StartError>>()?;
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "nobody else takes any"))]
    let mut descriptors = raise_descriptor_limit();
    #[cfg(feature = "tls")]
    let bound = behind_tls(bound, config, certificates.as_ref(), &mut descriptors)?;
    let door = Doorkeeper::new(config.max_connections, descriptors);
    // Where files may not grow past a limit, a write that would is a fault of its service, and not the server's end.
    survive_file_limits().map_err(failed("signals"))?;
    let mut hub = Hub::new(config.limits.clone(), random::source());
    #[cfg(feature = "tls")]
    if let Some(certificates) = certificates {
        certificates.keep_fresh(&mut hub);
    }
    let limits = Rc::new(config.limits.clone());
    let mut listening = Vec::new();
    let mut chat = None;
    let serves_chat = config.listeners.iter().any(|listen| listen.kind == Kind::Chat);
    let mut history = config.history.as_ref().filter(|_| serves_chat).map(open_history).transpose()?;
    for (listen, bound) in config.listeners.iter().zip(bound) {
        let service = match listen.kind {
            // One chat, however many doors lead to it.
            Kind::Chat => *chat.get_or_insert_with(|| hub.add(Chat::new(config.chat.clone(), history.take()))),
            Kind::Echo { stamp } => hub.add(Echo::new(stamp)),
            Kind::Upper => hub.add(Upper::default()),
        };
        let profile = Profile {
            framing: if listen.udp { listen.framing } else { bounded(listen.framing, config.wire) },
            // The chat asks who is silent whether they are there.
            silence: match listen.kind {
                _ if listen.udp => Some(udp::SILENCE),
                Kind::Chat => None,
                Kind::Echo { .. } | Kind::Upper => Some(config.wire.silence),
            },
            refuse_http: true,
            limits: Rc::clone(&limits),
            address: bound.address(),
        };
        listening.push((hub.listen(service, profile), bound));
    }
    for name in config.offers.keys() {
        log::warn!("nothing serves the command run.{name}: there is no such listener");
    }
    let mut reactor = Reactor::new(hub, door, Options::client()).map_err(failed("no loop"))?;
    reactor.obey_signals(hangup_stops).map_err(failed("signals"))?;
    for (listen, (id, bound)) in config.listeners.iter().zip(listening) {
        let address = bound.address().to_string();
        for fact in bound.inspect() {
            let asked = fact.asked.map(|asked| format!("asked {asked}, granted ")).unwrap_or_default();
            log::debug!("{} {address}: {}: {asked}{}", listen.name, fact.name, fact.granted);
        }
        bound.open(&mut reactor, id).map_err(failed("cannot watch a listener"))?;
        log::info!("listening {} {address}", listen.name);
    }
    Ok(Server { reactor, chat })
}

#[cfg(feature = "tls")]
fn wrong(what: &str) -> impl Fn(String) -> StartError {
    move |cause| StartError { what: what.to_owned(), cause: cause.into() }
}

/// Puts those listeners behind TLS that are to be there. Whoever shakes hands there has a descriptor too, and is not
/// counted inside.
/// Puts those listeners behind TLS that are to be there. Whoever shakes hands there has a descriptor too, and is not
/// counted inside.
#[cfg(feature = "tls")]
fn behind_tls(
    bound: Vec<Door>,
    config: &Config,
    by: Option<&Certificates>,
    descriptors: &mut usize,
) -> Result<Vec<Door>, StartError> {
    let guarded = |(listen, door): (&Listen, Door)| match (door, by.filter(|_| listen.tls)) {
        (Door::Streams(bound), Some(certificates)) => {
            let guests = GUESTS.min(*descriptors / 8).max(1);
            *descriptors -= guests;
            let guarded = certificates.guard(bound, guests).map(Door::Streams);
            guarded.map_err(failed(&format!("cannot listen {}={}", listen.name, listen.at)))
        }
        (door, _) => Ok(door),
    };
    config.listeners.iter().zip(bound).map(guarded).collect()
}

fn bounded(framing: Framing, wire: WireLimits) -> Framing {
    match framing {
        Framing::Lines { .. } => Framing::Lines { max: wire.line },
        Framing::Length { .. } => Framing::Length { max: wire.frame },
        other => other,
    }
}

fn open_history(history: &History) -> Result<Log, StartError> {
    let now = wall().millis();
    let opened = history::open(history, now, &mut random::source());
    let what = || format!("cannot keep the history in {}", history.folder.display());
    opened.map_err(|cause| StartError { what: what(), cause: cause.into() })
}

fn bind_one(listen: &Listen, config: &Config) -> Result<Door, StartError> {
    let place = match &listen.at {
        At::Tcp(address) => Place::Tcp(*address),
        At::Unix(path) => Place::Unix(path.clone(), config.unix_mode),
    };
    let bound = match &listen.at {
        At::Tcp(address) if !config.open && !is_loopback(address.ip()) => Err(io::Error::other(
            "this address can be reached from other machines, by anybody; --open says that this is wanted",
        )),
        At::Tcp(address) if listen.udp => udp::bind(*address, &config.options).map(Door::Datagrams),
        _ => bind(&place, &config.options).map(Door::Streams),
    };
    let bound = bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => io::Error::new(error.kind(), holder::advice(wanted(listen))),
        _ => error,
    });
    bound.map_err(failed(&format!("cannot listen {}={}", listen.name, listen.at)))
}

fn wanted(listen: &Listen) -> Wanted<'_> {
    match &listen.at {
        At::Tcp(address) if listen.udp => Wanted::Udp(*address),
        At::Tcp(address) => Wanted::Tcp(*address),
        At::Unix(path) => Wanted::Unix(path),
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// As many descriptors as the system allows; answers how many that is.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        log::warn!("the limit of descriptors could not be raised: {error}");
    }
    let granted = getrlimit(Resource::Nofile).current;
    granted.map_or(usize::MAX, |granted| usize::try_from(granted).unwrap_or(usize::MAX))
}

//! From a configuration to a loop that is ready to run.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::listeners::{At, Kind, Listen};
use crate::hub::{Hub, Limits, Profile};
use crate::net::listen::{Bound, Place, bind};
use crate::net::socket::Options;
use crate::net::{Doorkeeper, Reactor, random};
use crate::services::{Echo, Upper};

/// How long a connection may be silent: the documents' number.
const SILENCE: Duration = Duration::from_secs(300);

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
}

/// Why a server could not start: the listener, and the cause.
#[derive(Debug)]
pub struct StartError {
    listener: Option<String>,
    cause: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(listener) = &self.listener {
            write!(out, "cannot listen {listener}: ")?;
        }
        match self.cause.kind() {
            io::ErrorKind::AddrInUse => write!(out, "address in use: somebody listens there already"),
            io::ErrorKind::PermissionDenied => write!(out, "permission denied ({})", self.cause),
            _ => write!(out, "{}", self.cause),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(cause: io::Error) -> Self {
        Self { listener: None, cause }
    }
}

/// What is served when nothing else is asked for.
#[must_use]
pub fn default_listeners() -> Vec<Listen> {
    let at = At::Tcp(SocketAddr::from(([127, 0, 0, 1], 8888)));
    vec![Listen { name: "echo".to_owned(), kind: Kind::Echo { stamp: false }, framing: crate::hub::Framing::LINES, at }]
}

/// Binds every listener, and reports each once all are bound.
///
/// # Errors
/// A listener can't be bound, or the kernel refuses what a loop needs.
pub fn start(config: &Config) -> Result<Reactor, StartError> {
    let bound: Vec<Bound> =
        config.listeners.iter().map(|listen| bind_one(listen, config)).collect::<Result<_, StartError>>()?;
    let door = Doorkeeper::new(config.max_connections, raise_descriptor_limit());
    let mut hub = Hub::new(config.limits.clone(), random::source());
    let limits = Rc::new(config.limits.clone());
    let mut listening = Vec::new();
    for (listen, bound) in config.listeners.iter().zip(bound) {
        let service = match listen.kind {
            Kind::Echo { stamp } => hub.add(Echo::new(stamp)),
            Kind::Upper => hub.add(Upper::default()),
        };
        let profile = Profile {
            framing: listen.framing,
            silence: Some(SILENCE),
            refuse_http: true,
            limits: Rc::clone(&limits),
            address: bound.address().clone(),
        };
        listening.push((hub.listen(service, profile), bound));
    }
    let mut reactor = Reactor::new(hub, door, Options::client())?;
    for (listen, (id, bound)) in config.listeners.iter().zip(listening) {
        let address = bound.address().to_string();
        for fact in bound.inspect() {
            let asked = fact.asked.map(|asked| format!("asked {asked}, granted ")).unwrap_or_default();
            log::debug!("{} {address}: {}: {asked}{}", listen.name, fact.name, fact.granted);
        }
        reactor.listen(bound, id)?;
        log::info!("listening {} {address}", listen.name);
    }
    Ok(reactor)
}

fn bind_one(listen: &Listen, config: &Config) -> Result<Bound, StartError> {
    let place = match &listen.at {
        At::Tcp(address) => Place::Tcp(*address),
        At::Unix(path) => Place::Unix(path.clone(), config.unix_mode),
    };
    let bound = match &listen.at {
        At::Tcp(address) if !config.open && !is_loopback(address.ip()) => Err(io::Error::other(
            "this address can be reached from other machines, by anybody; --open says that this is wanted",
        )),
        _ => bind(&place, &config.options),
    };
    bound.map_err(|cause| StartError { listener: Some(format!("{}={}", listen.name, listen.at)), cause })
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// As many descriptors as the system allows; answers how many that is.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        log::warn!("the limit of descriptors could not be raised: {error}");
    }
    let granted = getrlimit(Resource::Nofile).current;
    granted.map_or(usize::MAX, |granted| usize::try_from(granted).unwrap_or(usize::MAX))
}

//! From a configuration to a loop that is ready to run.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::History;
#[cfg(feature = "tls")]
use super::certificates::{Certificates, GUESTS};
use super::control::{Concerned, Control};
use super::doors::{self, Door};
use super::entry::{self, Entry, Noted};
use super::exposition::Losses;
use super::history;
use super::house::House;
use super::listeners::{Kind, Listen};
use super::serving;
use super::settings::{InForce, Offer, WireLimits};
use super::supervisor::Supervisor;
use crate::hub::{Framing, Hub, Limits, ListenerId, Profile, ServiceId};
use crate::log::{Log, OpenError};
#[cfg(feature = "tls")]
use crate::net::Misdeeds;
use crate::net::socket::Options;
use crate::net::{Doorkeeper, Exit, Reactor, keep_ended_children, random, wall};
use crate::services::accounts::Desk;
use crate::services::chat::{self, Guard};
use crate::services::files;

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
    /// Who may come in.
    pub entry: Entry,
    /// Where the chat is recorded, if it is.
    pub history: Option<History>,
    /// Where the file service keeps its files, if there is such a place.
    pub files: Option<PathBuf>,
    /// What it takes.
    pub file_limits: files::Settings,
    /// Commands that the run service offers, by name.
    pub offers: BTreeMap<String, Offer>,
    /// Of those of one owner, how many may run at once.
    pub commands_each: usize,
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
            House::close(self.reactor.hub_mut(), chat);
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

pub(super) fn failed(what: &str) -> impl Fn(io::Error) -> StartError {
    move |cause| StartError { what: what.to_owned(), cause: cause.into() }
}

/// Binds every listener, and reports each once all are bound and signals are obeyed: whoever reads the lines may send
/// one. `hangup_stops` for a program whose terminal can go away.
///
/// # Errors
/// A listener can't be bound, or the kernel refuses what a loop needs.
pub fn start(in_force: InForce, hangup_stops: bool) -> Result<Server, StartError> {
    let config = in_force.config().map_err(|why| failed("configuration")(io::Error::other(why)))?;
    let doors = doors::open(&in_force, &config)?;
    let needs_login = doors::need_login(&doors, &config);
    // Also of those that somebody else has bound, who say so by their names alone.
    #[cfg(feature = "tls")]
    let certificates = Certificates::read(config.tls.as_ref(), doors.iter().map(|(listen, _)| listen))
        .map_err(wrong("cannot serve TLS"))?;
    let serves = |kind: Kind| doors.iter().any(|(listen, _)| listen.kind == kind);
    let (serves_chat, serves_files, serves_run) = (serves(Kind::Chat), serves(Kind::Files), serves(Kind::Run));
    let (guard, misdeeds) = entry::guard(&config, serves_chat || serves_files || serves_run)
        .map_err(|(what, cause)| StartError { what, cause: cause.into() })?;
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "nobody else takes any"))]
    let mut descriptors = raise_descriptor_limit();
    #[cfg(feature = "tls")]
    let doors = behind_tls(doors, certificates.as_ref(), guard.misdeeds.as_ref(), &mut descriptors)?;
    let door = doorkeeper(&config, descriptors, misdeeds);
    let concerned = Concerned::at(&door, &guard);
    let mut house = House::new(Hub::new(config.limits.clone(), random::source()), concerned, guard.misdeeds.clone());
    #[cfg(feature = "tls")]
    let handshakes = certificates.as_ref().map(|certificates| Losses::of_handshakes(&certificates.failed));
    #[cfg(feature = "tls")]
    if let Some(certificates) = certificates {
        certificates.keep_fresh(&mut house.hub, &house.concerned.tls);
    }
    let private = guard.private.clone();
    furnish(&mut house, &config, guard, [serves_chat, serves_files, serves_run])?;
    let limits = Rc::new(config.limits.clone());
    let mut listening = Vec::new();
    for (listen, bound) in doors {
        let service = house.service(listen.kind);
        let profile = profile(&listen, &bound, &config, &limits);
        let id = house.hub.listen(service, profile);
        if listen.tls {
            private.trust(id);
        }
        listening.push((id, listen, bound));
    }
    let control = Control::new(in_force, house.concerned.clone(), needs_login, Supervisor::from_environment());
    let (control, mut overseer) = (house.add_control(control), house.overseer());
    #[cfg(feature = "tls")]
    overseer.losses.extend(handshakes);
    let House { hub, figures, chat, .. } = house;
    let mut reactor = Reactor::new(hub, door, Options::client()).map_err(failed("no loop"))?;
    overseer.losses.push(Losses::of_datagrams(&reactor.lost_datagrams()));
    reactor.watch(figures);
    reactor.watch(Rc::new(overseer));
    reactor.drain_within(config.wire.drain);
    reactor.treat_datagrams(config.wire.udp);
    reactor.obey_signals(hangup_stops).map_err(failed("signals"))?;
    open_all(&mut reactor, listening)?;
    reactor.hub_mut().with(control, Control::ready);
    Ok(Server { reactor, chat })
}

/// Opens what is bound, and says so.
fn open_all(reactor: &mut Reactor, listening: Vec<(ListenerId, Listen, Door)>) -> Result<(), StartError> {
    let caveats: Vec<String> = listening.iter().filter_map(|(_, listen, _)| caveat(listen)).collect();
    for (id, listen, bound) in listening {
        report(&listen, &bound);
        let address = bound.address().to_string();
        bound.open(reactor, id).map_err(failed("cannot watch a listener"))?;
        log::info!("listening {} {address}", listen.name);
    }
    // Behind the lines that say what is ready, which others count.
    for caveat in caveats {
        log::warn!("{caveat}");
    }
    Ok(())
}

/// Adds the services that need more than a listener.
fn furnish(house: &mut House, config: &Config, guard: Guard, serves: [bool; 3]) -> Result<(), StartError> {
    let [chat, files, run] = serves;
    if let Some(accounts) = &guard.accounts {
        house.add_accounts(accounts);
    }
    let desk = || Desk::new(guard.for_another());
    let (desk_of_files, desk_of_run) = (desk(), desk());
    // Before the others, so that a turn in which its operators ban somebody is the last for them everywhere.
    if chat {
        let history = config.history.as_ref().map(open_history).transpose()?;
        house.add_chat(config.chat.clone(), history, guard);
    }
    if files {
        house.add_files(serving::files(config, desk_of_files, &house.concerned.files.clone())?);
    }
    if run {
        keep_ended_children().map_err(failed("signals"))?;
        house.add_run(serving::run(config, desk_of_run, &house.concerned.run.clone())?);
    } else {
        for name in config.offers.keys() {
            log::warn!("nothing serves the command run.{name}: there is no such listener");
        }
    }
    Ok(())
}

fn doorkeeper(config: &Config, descriptors: usize, misdeeds: Noted) -> Doorkeeper {
    let door = Doorkeeper::new(config.max_connections, descriptors)
        .watchful(config.entry.addresses.clone(), misdeeds)
        .sparing(config.entry.buffers.bytes(), config.limits.output);
    let (wanted, possible) = (config.max_connections, door.most_sockets());
    if wanted > possible {
        log::warn!(
            "max-connections = {wanted}, but the limit of descriptors leaves room for {possible}; more will have to wait \
             (ulimit -n, LimitNOFILE=)"
        );
    }
    door
}

#[cfg(feature = "tls")]
fn wrong(what: &str) -> impl Fn(String) -> StartError {
    move |cause| StartError { what: what.to_owned(), cause: cause.into() }
}

/// Puts those listeners behind TLS that are to be there. Whoever shakes hands there has a descriptor too, and is not
/// counted inside.
#[cfg(feature = "tls")]
fn behind_tls(
    doors: Vec<(Listen, Door)>,
    by: Option<&Certificates>,
    misdeeds: Option<&Misdeeds>,
    descriptors: &mut usize,
) -> Result<Vec<(Listen, Door)>, StartError> {
    let guarded = |(listen, door): (Listen, Door)| match (door, by.filter(|_| listen.tls)) {
        (Door::Streams(bound), Some(certificates)) => {
            let guests = GUESTS.min(*descriptors / 8).max(1);
            *descriptors -= guests;
            let guarded = certificates.guard(bound, listen.framing, guests);
            let guarded = guarded.map(|bound| match misdeeds {
                Some(misdeeds) => Door::Streams(bound.reporting(misdeeds)),
                None => Door::Streams(bound),
            });
            let what = format!("cannot listen {}={}", listen.name, listen.at);
            guarded.map(|door| (listen, door)).map_err(failed(&what))
        }
        (door, _) => Ok((listen, door)),
    };
    doors.into_iter().map(guarded).collect()
}

fn profile(listen: &Listen, bound: &Door, config: &Config, limits: &Rc<Limits>) -> Profile {
    // The chat asks who is silent whether they are there, an operator may think for as long as they like, and whoever
    // wants figures has to say so at once.
    let asks = matches!(listen.kind, Kind::Chat | Kind::Admin | Kind::Metrics);
    let silence = if listen.udp { config.wire.udp_silence } else { config.wire.silence };
    Profile {
        framing: if listen.udp { listen.framing } else { bounded(listen.framing, config.wire) },
        silence: (!asks).then_some(silence),
        refuse_http: listen.kind != Kind::Metrics,
        limits: Rc::clone(limits),
        address: bound.address(),
    }
}

fn caveat(listen: &Listen) -> Option<String> {
    listen.caveat().map(|caveat| format!("{}={}: {caveat}", listen.name, listen.at))
}

fn report(listen: &Listen, bound: &Door) {
    let address = bound.address();
    for fact in bound.inspect() {
        let asked = fact.asked.map(|asked| format!("asked {asked}, granted ")).unwrap_or_default();
        log::debug!("{} {address}: {}: {asked}{}", listen.name, fact.name, fact.granted);
    }
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
    opened.map_err(|cause| {
        let what = format!("cannot keep the history in {}", history.folder.display());
        // Where the system refuses, somewhere else may be better.
        let is_refused = matches!(cause, OpenError::Failed { .. });
        let advice = if is_refused { "; --data names another folder, --no-history keeps none" } else { "" };
        StartError { what, cause: format!("{cause}{advice}").into() }
    })
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

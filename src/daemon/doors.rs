//! The doors of a server: those that it opens, and those that the service manager hands over.

use std::io;
use std::net::IpAddr;

use super::entry::{exposes, is_own};
use super::holder::{self, Wanted};
use super::listeners::{At, Kind, Listen};
use super::server::{Config, StartError, failed};
use super::settings::InForce;
use crate::hub::{Address, Inspection, ListenerId};
use crate::net::inherit::{adopt, inherited};
use crate::net::listen::{Bound, Place, bind};
use crate::net::socket::Options;
use crate::net::{Reactor, udp};

/// A socket that is bound, and nobody hears it yet.
#[derive(Debug)]
pub(super) enum Door {
    Streams(Bound),
    Datagrams(udp::Bound),
}

impl Door {
    pub(super) fn address(&self) -> Address {
        match self {
            Self::Streams(bound) => bound.address().clone(),
            Self::Datagrams(bound) => Address::Udp(bound.address()),
        }
    }

    pub(super) fn inspect(&self) -> Inspection {
        match self {
            Self::Streams(bound) => bound.inspect(),
            Self::Datagrams(bound) => bound.inspect(),
        }
    }

    pub(super) fn open(self, reactor: &mut Reactor, id: ListenerId) -> io::Result<()> {
        match self {
            Self::Streams(bound) => reactor.listen(bound, id),
            Self::Datagrams(bound) => reactor.listen_datagrams(bound, id, udp::Manner::Answering),
        }
    }
}

/// Opens all of them. Whoever was handed some and did not ask for others gets only those.
pub(super) fn open(in_force: &InForce, config: &Config) -> Result<Vec<(Listen, Door)>, StartError> {
    let mut doors = Vec::new();
    for (name, socket) in inherited() {
        let bound =
            adopt(socket, &config.options).map_err(failed(&format!("cannot listen on the inherited {name}")))?;
        let listen = named(&name, bound.address()).and_then(|listen| permitted(&listen, config).map(|()| listen));
        let listen = listen.map_err(failed(&format!("cannot listen on the inherited {name}={}", bound.address())))?;
        doors.push((listen, Door::Streams(bound)));
    }
    if doors.is_empty() || in_force.is_said("listen") {
        for listen in &config.listeners {
            doors.push((listen.clone(), bind_one(listen, config)?));
        }
    }
    Ok(doors)
}

/// Is something listened on that may be only because nobody comes in there who has not logged in?
pub(super) fn need_login(doors: &[(Listen, Door)], config: &Config) -> bool {
    let mut without = config.clone();
    without.entry.demands.require_login = false;
    doors.iter().any(|(listen, _)| permitted(listen, &without).is_err())
}

/// An inherited socket serves what `FileDescriptorName=` in its unit says.
fn named(name: &str, address: &Address) -> io::Result<Listen> {
    let listen = format!("{name}={address}")
        .parse()
        .and_then(|listen: Listen| if listen.udp { Err("datagrams are not inherited".to_owned()) } else { Ok(listen) });
    listen.map_err(|wrong| {
        io::Error::other(format!("FileDescriptorName= in its unit is to be SERVICE[+OPTION…]: {wrong}"))
    })
}

fn bind_one(listen: &Listen, config: &Config) -> Result<Door, StartError> {
    let place = match &listen.at {
        At::Tcp(address) => Place::Tcp(*address),
        // Whatever is opened to everybody, an operator's socket is not.
        At::Unix(path) if listen.kind == Kind::Admin => Place::Unix(path.clone(), config.unix_mode & 0o770),
        At::Unix(path) => Place::Unix(path.clone(), config.unix_mode),
    };
    let bound = permitted(listen, config).and_then(|()| match &listen.at {
        At::Tcp(address) if listen.udp => udp::bind(*address, &config.options).map(Door::Datagrams),
        _ => bind(&place, &options_for(listen.kind, &config.options)).map(Door::Streams),
    });
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

/// May this be listened on?
pub(super) fn permitted(listen: &Listen, config: &Config) -> io::Result<()> {
    let At::Tcp(address) = &listen.at else { return Ok(()) };
    let why = match listen.kind {
        Kind::Run => keeps_from_running(address.ip(), listen.tls, config),
        // Nobody logs in to the other services.
        Kind::Chat | Kind::Files => {
            exposes(address.ip(), listen.tls && config.entry.demands.require_login, config.open)
        }
        _ => exposes(address.ip(), false, config.open),
    };
    why.map_or(Ok(()), |why| Err(io::Error::other(why)))
}

/// Why commands can't be offered on an address, if they can't: there everybody has to log in, and a password, what is
/// typed and what is shown are nobody else's to read. `--open` does not change that.
fn keeps_from_running(address: IpAddr, tls: bool, config: &Config) -> Option<&'static str> {
    if config.entry.accounts.is_none() {
        return Some(
            "nobody is known there: on TCP commands run for people with accounts (--accounts FILE), without accounts on \
             Unix sockets only (run=unix:PATH)",
        );
    }
    let is_safe = tls || is_own(address);
    (!is_safe).then_some(
        "this address can be reached from other machines, and there commands run through TLS alone: write run+tls=ADDRESS, with \
         --tls-certificate and --tls-key",
    )
}

/// A body may have a long way to go: there the kernel finds the size of buffers better than any number does.
fn options_for(kind: Kind, options: &Options) -> Options {
    match kind {
        Kind::Files => Options { receive_buffer: None, send_buffer: None, ..options.clone() },
        _ => options.clone(),
    }
}

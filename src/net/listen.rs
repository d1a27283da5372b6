//! Listening: bind, accept, and what to do when nobody more can be let in.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::fs::Mode;
use rustix::process::umask;
use socket2::{Domain, Protocol, Socket, Type};

use super::door::Door;
use super::socket::{self, Options, Role};
use super::socket_file::{SocketFile, remove_stale};
use super::stream::Stream;
use crate::hub::{Address, Identity, ListenerId};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A TCP address; port 0 takes any.
    Tcp(SocketAddr),
    /// A Unix socket and the mode of its file.
    Unix(PathBuf, u32),
}

/// A bound socket that does not belong to a hub yet.
#[derive(Debug)]
pub struct Bound {
    pub(super) socket: Door,
    pub(super) options: Options,
    pub(super) address: Address,
}

/// Binds and listens.
///
/// # Errors
/// The address is in use, not ours, or not permitted.
pub fn bind(place: &Place, options: &Options) -> io::Result<Bound> {
    let (socket, address) = match place {
        Place::Tcp(address) => {
            let listener = bind_tcp(*address, options)?;
            let address = Address::Tcp(listener.local_addr()?);
            (Door::Tcp(listener), address)
        }
        Place::Unix(path, mode) => {
            let (listener, file) = bind_unix(path, *mode, options)?;
            (Door::Unix { listener, _file: Some(file) }, Address::Unix(Some(path.clone())))
        }
    };
    Ok(Bound { socket, options: options.clone(), address })
}

fn bind_tcp(address: SocketAddr, options: &Options) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` means IPv6; who wants IPv4 too says so with a second listener, on any system.
        socket.set_only_v6(true)?;
    }
    // Set before listening: what is set here, Linux hands down to every accepted connection.
    report_refused(socket::apply(&socket, options, Role::Listener));
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(TcpListener::from_std(socket.into()))
}

fn bind_unix(path: &Path, mode: u32, options: &Options) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    report_refused(socket::apply(&socket, options, Role::Listener));
    // The mask, not a chmod afterwards: in between, anybody could connect. It is the process's, so listeners are
    // bound before there is a second thread.
    let before = umask(Mode::from_raw_mode(0o777 & !mode));
    let bound = socket.bind(&socket2::SockAddr::unix(path)?);
    umask(before);
    bound?;
    let file = SocketFile::at(path)?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok((UnixListener::from_std(socket.into()), file))
}

fn report_refused(refused: Vec<(&'static str, io::Error)>) {
    for (name, error) in refused {
        log::warn!("this system does not take the socket option {name}: {error}");
    }
}

impl Bound {
    /// Where it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What its options are, asked and granted.
    #[must_use]
    pub fn inspect(&self) -> crate::hub::Inspection {
        socket::inspect(&self.socket.socket(), &self.options, Role::Listener)
    }
}

/// A listener at work.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) options: Options,
    socket: Door,
    /// An event said that somebody waits, and no accept has proved it wrong since.
    pub(super) ready: bool,
}

/// What an accept came to.
pub(super) enum Accepted {
    /// A newcomer.
    Peer(Stream, Address, Option<Identity>),
    /// Nobody waits any more.
    Nobody,
    /// This one is gone already, or its network had a hiccup; the next may be well.
    Lost,
    /// No descriptor or no memory is left; nothing will change before something is closed.
    Starved(io::Error),
}

impl Listener {
    pub(super) fn register(bound: Bound, id: ListenerId, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut listener = Self { id, options: bound.options, socket: bound.socket, ready: false };
        listener.socket.register(registry, token, Interest::READABLE)?;
        Ok(listener)
    }

    pub(super) fn accept(&mut self) -> Accepted {
        self.socket.accept()
    }
}

/// What an error of accept means. None of them ends the loop: they tell of the newcomer or of our means, not of the
/// listener.
pub(super) fn verdict(error: io::Error) -> Accepted {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => Accepted::Nobody,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Accepted::Starved(error),
        _ => Accepted::Lost,
    }
}

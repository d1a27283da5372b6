//! What is listened on, behind one enum: TCP, Unix sockets.

use std::io;

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::listen::{Accepted, verdict};
use super::socket_file::SocketFile;
use super::stream::{Stream, credentials};
use crate::hub::Address;

#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: SocketFile },
}

impl Door {
    pub(super) fn accept(&mut self) -> Accepted {
        let accepted = match self {
            Self::Tcp(listener) => {
                listener.accept().map(|(stream, peer)| Accepted::Peer(Stream::Tcp(stream), Address::Tcp(peer), None))
            }
            Self::Unix { listener, .. } => listener.accept().map(|(stream, _)| {
                let credentials = credentials(&stream);
                Accepted::Peer(Stream::Unix(stream), Address::Unix(None), credentials)
            }),
        };
        accepted.unwrap_or_else(verdict)
    }

    /// For looking at its options.
    pub(super) fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(listener) => listener.into(),
            Self::Unix { listener, .. } => listener.into(),
        }
    }
}

impl Source for Door {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.register(registry, token, interest),
            Self::Unix { listener, .. } => listener.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "interests are registered once"))
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "closing a descriptor is enough"))
    }
}

//! What is listened on, behind one enum: TCP, Unix sockets, and both behind TLS.

use std::io;

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::listen::{Accepted, verdict};
use super::socket_file::SocketFile;
use super::stream::{Stream, credentials};
#[cfg(feature = "tls")]
use super::tls::Porch;
use crate::hub::{Address, Identity};

#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        _file: Option<SocketFile>,
    },
    #[cfg(feature = "tls")]
    Tls(Box<Porch>),
}

impl Door {
    pub(super) fn accept(&mut self) -> Accepted {
        let accepted = match self {
            Self::Tcp(listener) => {
                listener.accept().map(|(stream, peer)| Accepted::Peer(Stream::Tcp(stream), Address::Tcp(peer), None))
            }
            Self::Unix { listener, .. } => listener.accept().map(|(stream, _)| {
                let who = credentials(&stream).map(Identity::Process);
                Accepted::Peer(Stream::Unix(stream), Address::Unix(None), who)
            }),
            #[cfg(feature = "tls")]
            Self::Tls(porch) => return porch.accept(),
        };
        accepted.unwrap_or_else(verdict)
    }

    /// For looking at its options.
    pub(super) fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(listener) => listener.into(),
            Self::Unix { listener, .. } => listener.into(),
            #[cfg(feature = "tls")]
            Self::Tls(porch) => porch.socket(),
        }
    }
}

impl Source for Door {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.register(registry, token, interest),
            Self::Unix { listener, .. } => listener.register(registry, token, interest),
            #[cfg(feature = "tls")]
            Self::Tls(porch) => porch.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "interests are registered once"))
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "closing a descriptor is enough"))
    }
}

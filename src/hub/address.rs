//! The ends of a connection, and what can be known of them.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::service::ListenerId;

/// Where a connection can lead.
#[derive(Debug)]
pub enum Target {
    /// A TCP address; name look-up, which blocks, comes before.
    Tcp(SocketAddr),
    /// The same through TLS, and the name that the certificate there must bear.
    Tls(SocketAddr, String),
    /// A Unix socket.
    Unix(PathBuf),
    /// Descriptors that are open already: a child's pipes, a terminal, standard input. Either side may be absent.
    Pipe {
        /// What is read.
        input: Option<OwnedFd>,
        /// What is written.
        output: Option<OwnedFd>,
    },
    /// A descriptor that tells nothing but an end, of a process (a pidfd) or of a pipe's reader: then `ended` comes.
    Exit(OwnedFd),
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A source of datagrams, or where they are listened for.
    Udp(SocketAddr),
    /// A Unix socket; clients have no path.
    Unix(Option<PathBuf>),
    /// A pipe, a terminal.
    Pipe,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) | Self::Udp(address) => write!(out, "{address}"),
            Self::Unix(Some(path)) => write!(out, "unix:{}", path.display()),
            Self::Unix(None) => write!(out, "unix"),
            Self::Pipe => write!(out, "pipe"),
        }
    }
}

/// Who the kernel says is at the other end of a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process; 0 if it is outside of our PID namespace, as on a socket that containers share.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Who is at the other end, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The kernel, of a Unix socket.
    Process(Credentials),
    /// A certificate that we trust: the SHA-256 of it, in hexadecimal digits.
    Certificate(String),
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// The listener that accepted it; none if we opened it.
    pub listener: Option<ListenerId>,
    /// The listener's address.
    pub local: Option<&'a Address>,
    /// The other end.
    pub peer: &'a Address,
    /// Who that is, on Unix sockets.
    pub credentials: Option<Credentials>,
    /// The fingerprint of the certificate that it showed, where certificates are asked for.
    pub certificate: Option<&'a str>,
}

/// One line of an inspection: an option asked for and granted, or a figure that the kernel keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// What was asked for, where something was.
    pub asked: Option<String>,
    /// What the kernel says.
    pub granted: String,
}

/// The answer to [`Cx::inspect`](super::Cx::inspect), inside a [`Done`](super::Done).
pub type Inspection = Vec<Fact>;

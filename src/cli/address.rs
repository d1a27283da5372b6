//! The address of a server, as a client is given it: `HOST[:PORT]`, `[IPV6]:PORT`, `unix:PATH`.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use crate::hub::Target;

/// Without a port a client means the chat.
const CHAT_PORT: u16 = 8888;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerAddress {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
            None if text.parse::<Ipv6Addr>().is_ok() => (text, Some("")),
            None => text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some("") if !text.ends_with(':') => Ok(CHAT_PORT),
            Some(port) => port.parse(),
            None => "?".parse(),
        };
        match port {
            Ok(port) if !host.is_empty() => Ok(Self::Tcp(host.to_owned(), port)),
            _ => Err(format!("{text:?} is no HOST[:PORT], [IPV6]:PORT or unix:PATH")),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(out, "{host}:{port}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

impl ServerAddress {
    /// Every place that it may mean, in the order to try them. Blocks while a name is looked up.
    pub(super) fn targets(&self) -> io::Result<Vec<Target>> {
        match self {
            Self::Unix(path) => Ok(vec![Target::Unix(path.clone())]),
            Self::Tcp(host, port) => {
                let found: Vec<SocketAddr> = (host.as_str(), *port).to_socket_addrs()?.collect();
                Ok(found.into_iter().map(Target::Tcp).collect())
            }
        }
    }
}

//! The address of a server, as a client is given it: `[tls:]HOST[:PORT]`, `[tls:][IPV6]:PORT`, `unix:PATH`.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
#[cfg(feature = "client")]
use std::sync::mpsc;
#[cfg(feature = "client")]
use std::thread;
#[cfg(feature = "client")]
use std::time::Duration;

use crate::hub::Target;

/// Where each service is found when no port is named.
pub const CHAT_PORT: u16 = 8888;
/// The files'.
pub const FILES_PORT: u16 = 8889;
/// The commands'.
pub const RUN_PORT: u16 = 8890;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// A host by name or number.
    Tcp {
        /// Name, or address without brackets.
        host: String,
        /// None: the service's own.
        port: Option<u16>,
        /// Spoken through TLS.
        tls: bool,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let (place, tls) = text.strip_prefix("tls:").map_or((text, false), |place| (place, true));
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
            None if place.parse::<Ipv6Addr>().is_ok() => (place, Some("")),
            None => place.split_once(':').map_or((place, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some("") if !place.ends_with(':') || place.ends_with("::") => Some(None),
            Some(port) => port.parse().ok().map(Some),
            None => None,
        };
        match port {
            Some(port) if !host.is_empty() => Ok(Self::Tcp { host: host.to_owned(), port, tls }),
            _ => Err(format!("{text:?} is no [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH")),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Tcp { host, port, tls } => {
                let before = if *tls { "tls:" } else { "" };
                let (open, close) = if host.contains(':') && port.is_some() { ("[", "]") } else { ("", "") };
                write!(out, "{before}{open}{host}{close}")?;
                port.map_or(Ok(()), |port| write!(out, ":{port}"))
            }
        }
    }
}

impl ServerAddress {
    /// This machine, where a server listens that was started without flags.
    #[must_use]
    pub fn here() -> Self {
        Self::Tcp { host: "127.0.0.1".to_owned(), port: None, tls: false }
    }

    /// The same with its port written out, as people are told it.
    #[must_use]
    pub fn with_port(self, usual: u16) -> Self {
        match self {
            Self::Tcp { host, port, tls } => Self::Tcp { host, port: port.or(Some(usual)), tls },
            unix @ Self::Unix(_) => unix,
        }
    }

    /// Is it spoken to through TLS?
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }

    /// Must a name be looked up first? That may block.
    #[must_use]
    pub fn needs_look_up(&self) -> bool {
        matches!(self, Self::Tcp { host, .. } if host.parse::<IpAddr>().is_err())
    }

    /// Every place that it may mean, in the order to try them. Blocks while a name is looked up.
    ///
    /// # Errors
    /// When there is no such name, or nobody who would know.
    pub fn targets(&self, usual: u16) -> io::Result<Vec<Target>> {
        match self {
            Self::Unix(path) => Ok(vec![Target::Unix(path.clone())]),
            Self::Tcp { host, port, tls } => {
                let found = (host.as_str(), port.unwrap_or(usual)).to_socket_addrs()?;
                let place = |at| if *tls { Target::Tls(at, host.clone()) } else { Target::Tcp(at) };
                Ok(found.map(place).collect())
            }
        }
    }
}

#[cfg(feature = "client")]
impl ServerAddress {
    /// The same, for no longer than this. A name that nobody answers for keeps the system asking for half a minute.
    ///
    /// # Errors
    /// As for [`ServerAddress::targets`], and when it took too long.
    pub fn found_within(self, usual: u16, patience: Duration) -> io::Result<Vec<Target>> {
        let (tell, told) = mpsc::channel();
        // The look-up can't be broken off: it goes on to its end, and nobody hears of it.
        let looking = move || drop(tell.send(self.targets(usual)));
        thread::Builder::new().name("look-up".to_owned()).spawn(looking)?;
        told.recv_timeout(patience).unwrap_or_else(|_| {
            let text = format!("no answer within {} seconds", patience.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>, bool)> {
        match text.parse() {
            Ok(ServerAddress::Tcp { host, port, tls }) => Some((host, port, tls)),
            Ok(ServerAddress::Unix(path)) => Some((format!("unix {}", path.display()), None, false)),
            Err(_) => None,
        }
    }

    #[test]
    fn addresses_are_hosts_numbers_and_paths_with_and_without_tls() {
        let tcp = |host: &str, port, tls| Some((host.to_owned(), port, tls));
        assert_eq!(parsed("example.org"), tcp("example.org", None, false));
        assert_eq!(parsed("example.org:1"), tcp("example.org", Some(1), false));
        assert_eq!(parsed("::1"), tcp("::1", None, false));
        assert_eq!(parsed("fe80::"), tcp("fe80::", None, false));
        assert_eq!(parsed("[::1]"), tcp("::1", None, false));
        assert_eq!(parsed("[::1]:80"), tcp("::1", Some(80), false));
        assert_eq!(parsed("tls:[::1]:80"), tcp("::1", Some(80), true));
        assert_eq!(parsed("tls:example.org"), tcp("example.org", None, true));
        assert_eq!(parsed("unix:/tmp/a b"), tcp("unix /tmp/a b", None, false));
        for wrong in ["", ":1", "host:", "host:port", "host:65536", "[::1", "[::1]80", "unix:", "tls:", "tls:unix:/x"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_can_be_given_again() {
        for text in ["example.org:1", "[::1]:80", "tls:[::1]:80", "unix:/tmp/x", "::1", "tls:example.org"] {
            assert_eq!(text.parse::<ServerAddress>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }
}

//! `SERVICE[+OPTION…]=ADDRESS`, the shape in which a listener is asked for and reported.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use crate::hub::Framing;

/// A service that a listener can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rooms and people.
    Chat,
    /// Every frame back.
    Echo {
        /// Behind the time.
        stamp: bool,
    },
    /// Every frame back in capitals.
    Upper,
}

/// One listener, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// `SERVICE[+OPTION…]`, as it was written.
    pub name: String,
    /// What it serves.
    pub kind: Kind,
    /// How frames stand on its wire.
    pub framing: Framing,
    /// Where.
    pub at: At,
}

/// An address, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "{address}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once('=').ok_or("expected SERVICE[+OPTION…]=ADDRESS")?;
        let mut words = name.split('+');
        let mut kind = match words.next() {
            Some("chat") => Kind::Chat,
            Some("echo") => Kind::Echo { stamp: false },
            Some("upper") => Kind::Upper,
            other => {
                return Err(format!("unknown service {:?}; there are chat, echo, upper", other.unwrap_or_default()));
            }
        };
        let mut framing = None;
        for option in words {
            let chosen = match (option, &mut kind) {
                ("lines", _) => Framing::LINES,
                ("length", _) => Framing::LENGTH,
                ("fixed", _) => Framing::Fixed,
                ("stamp", Kind::Echo { stamp }) => {
                    *stamp = true;
                    continue;
                }
                _ => {
                    return Err(format!(
                        "unknown option {option:?}; there are lines, length, fixed, and for echo stamp"
                    ));
                }
            };
            if framing.replace(chosen).is_some_and(|before| before != chosen) {
                return Err("more than one framing".to_owned());
            }
        }
        Ok(Self { name: name.to_owned(), kind, framing: framing.unwrap_or(Framing::LINES), at: address.parse()? })
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err("unix: needs a path".to_owned()) } else { Ok(Self::Unix(path.into())) };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        // A name. Looked up once, before the loop begins.
        let found = text
            .to_socket_addrs()
            .map_err(|error| format!("{text:?} is no HOST:PORT, [IPV6]:PORT or unix:PATH ({error})"))?;
        found.into_iter().next().map(Self::Tcp).ok_or_else(|| format!("{text:?} has no address"))
    }
}

//! `SERVICE[+OPTION…]=ADDRESS`, the shape in which a listener is asked for and reported.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use crate::hub::Framing;
use crate::net::udp;

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
    /// Files, put and got.
    Files,
    /// Commands that the configuration offers.
    Run,
    /// Figures, over HTTP.
    Metrics,
    /// What an operator can do.
    Admin,
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
    /// Datagrams instead of streams.
    pub udp: bool,
    /// Behind TLS.
    pub tls: bool,
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
            Some("files") => Kind::Files,
            Some("run") => Kind::Run,
            Some("metrics") => Kind::Metrics,
            Some("admin") => Kind::Admin,
            other => {
                return Err(format!(
                    "unknown service {:?}; there are chat, echo, upper, files, run, metrics, admin",
                    other.unwrap_or_default()
                ));
            }
        };
        let (mut framing, mut udp, mut tls) = (None, false, false);
        for option in words {
            let chosen = match (option, &mut kind) {
                (_, Kind::Metrics) => return Err(format!("metrics are HTTP and take no option {option:?}")),
                ("lines", _) => Framing::LINES,
                ("length", _) => Framing::LENGTH,
                ("fixed", _) => Framing::Fixed,
                ("tls", _) if cfg!(feature = "tls") => {
                    tls = true;
                    continue;
                }
                ("tls", _) => return Err("this program was built without TLS".to_owned()),
                ("stamp", Kind::Echo { stamp }) => {
                    *stamp = true;
                    continue;
                }
                ("udp", _) => {
                    udp = true;
                    continue;
                }
                _ => {
                    return Err(format!(
                        "unknown option {option:?}; there are lines, length, fixed, udp, tls, and for echo stamp"
                    ));
                }
            };
            if framing.replace(chosen).is_some_and(|before| before != chosen) {
                return Err("more than one framing".to_owned());
            }
        }
        let listen = Self {
            name: name.to_owned(),
            kind,
            framing: if udp { udp::FRAMING } else { framing.unwrap_or(Framing::LINES) },
            udp,
            tls,
            at: address.parse()?,
        };
        if kind == Kind::Admin && !matches!(listen.at, At::Unix(_)) {
            return Err("admin is on Unix sockets only: expected admin=unix:PATH".to_owned());
        }
        if udp {
            listen.is_fit_for_datagrams(framing)?;
        }
        Ok(listen)
    }
}

impl Listen {
    /// Could not both be bound? Port 0 takes any, and another each time; all addresses are those of one family.
    pub(super) fn collides(&self, other: &Self) -> bool {
        let meet = match (&self.at, &other.at) {
            (At::Tcp(one), At::Tcp(two)) if one.port() == 0 || one.port() != two.port() => false,
            (At::Tcp(one), At::Tcp(two)) if one.is_ipv4() == two.is_ipv4() => {
                one == two || one.ip().is_unspecified() || two.ip().is_unspecified()
            }
            (one, two) => one == two,
        };
        meet && self.udp == other.udp
    }

    fn is_fit_for_datagrams(&self, framing: Option<Framing>) -> Result<(), String> {
        let wrong = match self {
            Self { kind, name, .. } if !matches!(kind, Kind::Echo { .. } | Kind::Upper) => {
                let service = name.split('+').next().unwrap_or_default();
                return Err(format!(
                    "{service} needs streams: a datagram can be lost, and its sender forged; over udp there are echo, upper"
                ));
            }
            Self { at: At::Unix(_), .. } => "udp needs HOST:PORT or [IPV6]:PORT",
            Self { tls: true, .. } => "TLS needs streams; over udp there is no tls",
            _ if framing.is_some() => "over udp one datagram is one frame, so there is no framing to choose",
            _ => return Ok(()),
        };
        Err(wrong.to_owned())
    }

    /// What somebody who asked for this should know, though it can be had.
    #[must_use]
    pub fn caveat(&self) -> Option<&'static str> {
        let never = "it will never answer: a stamp makes each answer longer than its question, and over udp such an \
                     answer is not sent";
        (self.udp && self.kind == Kind::Echo { stamp: true }).then_some(never)
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
        // A name. Looked up once, before the loop begins; what stands in brackets may name the network, as fe80::1%eth0.
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
        let found = match bracketed.and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?))) {
            Some(place) => place.to_socket_addrs(),
            None => text.to_socket_addrs(),
        };
        let found = found.map_err(|error| format!("{text:?} is no HOST:PORT, [IPV6]:PORT or unix:PATH ({error})"))?;
        found.into_iter().next().map(Self::Tcp).ok_or_else(|| format!("{text:?} has no address"))
    }
}

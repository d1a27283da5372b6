//! Every socket option of the documents: what is asked for, and what the kernel granted.
//!
//! Options are set on the listener before it listens; Linux hands them down to the connections that it accepts
//! (NODELAY, keepalive with its times, buffer sizes and user timeout: measured), so an accept costs no call for them.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, SockRef, TcpKeepalive, Type};

use super::kernel;
use crate::hub::{Fact, Inspection};

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bind even while connections of an earlier run are in `TIME_WAIT`.
    pub reuse_address: bool,
    /// Let several sockets bind one port. Off by default: on, a second copy would start unnoticed and take half of
    /// the connections.
    pub reuse_port: bool,
    /// Connections that may wait to be accepted. The kernel cuts it to `net.core.somaxconn`.
    pub backlog: u32,
    /// Send small segments at once.
    pub nodelay: bool,
    /// Probe silent connections; `None` switches it off.
    pub keepalive: Option<Keepalive>,
    /// Receive buffer in bytes; `None` leaves it to the kernel, which then tunes it. Linux grants twice as much, for
    /// its own bookkeeping.
    pub receive_buffer: Option<u32>,
    /// Send buffer, likewise.
    pub send_buffer: Option<u32>,
    /// How many connections may send data with their first segment and not be accepted yet; 0 is off.
    pub fast_open: u32,
    /// How long sent data may stay unacknowledged; `None` leaves it to the kernel.
    pub user_timeout: Option<Duration>,
}

/// When and how often a silent connection is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Between probes.
    pub interval: Duration,
    /// Unanswered probes that end the connection.
    pub count: u32,
}

impl Keepalive {
    /// The documents' numbers: a dead peer is noticed after a minute and a half.
    pub const DOCUMENTS: Self = Self { idle: Duration::from_secs(60), interval: Duration::from_secs(10), count: 3 };
}

impl Options {
    /// A listener's, with the documents' numbers; the backlog is Redis's, theirs (128 and 100) are short for a burst.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            reuse_address: true,
            reuse_port: false,
            backlog: 511,
            nodelay: true,
            keepalive: Some(Keepalive::DOCUMENTS),
            receive_buffer: Some(65536),
            send_buffer: Some(65536),
            fast_open: 1,
            user_timeout: None,
        }
    }

    /// A client's, with the documents' numbers.
    #[must_use]
    pub const fn client() -> Self {
        Self {
            reuse_address: false,
            receive_buffer: Some(32768),
            send_buffer: Some(32768),
            fast_open: 0,
            ..Self::server()
        }
    }
}

/// What a socket is for; some options make sense only for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It listens.
    Listener,
    /// It connects.
    Client,
    /// It was accepted: what its listener asked for was handed down to it.
    Accepted,
}

/// One option: how it is named, asked for, set and read back. `asked` answers `None` when it is left to the kernel.
struct Knob {
    name: &'static str,
    /// Does it belong to TCP?
    tcp: bool,
    /// Is it only for listeners?
    listener: bool,
    asked: fn(&Options) -> Option<String>,
    set: fn(&SockRef<'_>, &Options) -> io::Result<()>,
    granted: fn(&SockRef<'_>) -> io::Result<String>,
}

const KNOBS: [Knob; 10] = [
    Knob {
        name: "reuse-address",
        tcp: true,
        listener: true,
        asked: |options| Some(on_off(options.reuse_address)),
        set: |socket, options| socket.set_reuse_address(options.reuse_address),
        granted: |socket| socket.reuse_address().map(on_off),
    },
    Knob {
        name: "reuse-port",
        tcp: true,
        listener: true,
        asked: |options| Some(on_off(options.reuse_port)),
        set: |socket, options| if options.reuse_port { socket.set_reuse_port(true) } else { Ok(()) },
        granted: |socket| socket.reuse_port().map(on_off),
    },
    Knob {
        name: "receive-buffer",
        tcp: false,
        listener: false,
        asked: |options| options.receive_buffer.map(|size| size.to_string()),
        set: |socket, options| options.receive_buffer.map_or(Ok(()), |size| socket.set_recv_buffer_size(size as usize)),
        granted: |socket| socket.recv_buffer_size().map(|size| size.to_string()),
    },
    Knob {
        name: "send-buffer",
        tcp: false,
        listener: false,
        asked: |options| options.send_buffer.map(|size| size.to_string()),
        set: |socket, options| options.send_buffer.map_or(Ok(()), |size| socket.set_send_buffer_size(size as usize)),
        granted: |socket| socket.send_buffer_size().map(|size| size.to_string()),
    },
    Knob {
        name: "nodelay",
        tcp: true,
        listener: false,
        asked: |options| Some(on_off(options.nodelay)),
        set: |socket, options| socket.set_tcp_nodelay(options.nodelay),
        granted: |socket| socket.tcp_nodelay().map(on_off),
    },
    Knob {
        name: "keepalive",
        tcp: true,
        listener: false,
        asked: |options| Some(on_off(options.keepalive.is_some())),
        set: set_keepalive,
        granted: |socket| socket.keepalive().map(on_off),
    },
    Knob {
        name: "keepalive-times",
        tcp: true,
        listener: false,
        asked: |options| options.keepalive.map(|times| keepalive_times(times.idle, times.interval, times.count)),
        set: |_, _| Ok(()), // with `keepalive` itself: times without it do nothing
        granted: |socket| {
            let (idle, interval) = (socket.tcp_keepalive_time()?, socket.tcp_keepalive_interval()?);
            Ok(keepalive_times(idle, interval, socket.tcp_keepalive_retries()?))
        },
    },
    Knob {
        name: "user-timeout",
        tcp: true,
        listener: false,
        asked: |options| options.user_timeout.map(|span| format!("{} ms", span.as_millis())),
        set: |socket, options| options.user_timeout.map_or(Ok(()), |span| socket.set_tcp_user_timeout(Some(span))),
        granted: |socket| Ok(format!("{} ms", socket.tcp_user_timeout()?.unwrap_or_default().as_millis())),
    },
    Knob {
        name: "fast-open",
        tcp: true,
        listener: true,
        asked: |options| Some(options.fast_open.to_string()),
        set: |socket, options| {
            if options.fast_open > 0 { kernel::set_fast_open(&**socket, options.fast_open) } else { Ok(()) }
        },
        granted: |socket| kernel::fast_open(&**socket).map(|queue| queue.to_string()),
    },
    Knob {
        name: "backlog",
        tcp: true,
        listener: true,
        asked: |options| Some(options.backlog.to_string()),
        set: |_, _| Ok(()), // an argument of listen()
        granted: |socket| kernel::tcp_figures(&**socket).map(|figures| figures.accept_queue.1.to_string()),
    },
];

fn on_off(on: bool) -> String {
    (if on { "on" } else { "off" }).to_owned()
}

fn keepalive_times(idle: Duration, interval: Duration, count: u32) -> String {
    format!("{} s idle, {} s apart, {count} probes", idle.as_secs(), interval.as_secs())
}

fn set_keepalive(socket: &SockRef<'_>, options: &Options) -> io::Result<()> {
    let Some(times) = options.keepalive else { return socket.set_keepalive(false) };
    // Setting the times alone would leave keepalive switched off; socket2 sets both.
    let times = TcpKeepalive::new().with_time(times.idle).with_interval(times.interval).with_retries(times.count);
    socket.set_tcp_keepalive(&times)
}

/// Sets everything that is asked for. What this platform can't do is answered by name and is no failure.
pub fn apply(socket: &impl AsFd, options: &Options, role: Role) -> Vec<(&'static str, io::Error)> {
    let socket = SockRef::from(socket);
    let set = |knob: &Knob| (knob.set)(&socket, options).err().map(|error| (knob.name, error));
    knobs(&socket, role).filter_map(set).collect()
}

/// Everything that can be known of a socket: its ends, each option asked and granted, the kernel's TCP figures.
#[must_use]
pub fn inspect(socket: &SockRef<'_>, options: &Options, role: Role) -> Inspection {
    let shown = |address: io::Result<socket2::SockAddr>| address.map(|address| show_address(&address));
    let mut facts = vec![
        fact("family", socket.domain().map(family)),
        fact("type", socket.r#type().map(kind)),
        fact("local", shown(socket.local_addr())),
    ];
    if role != Role::Listener {
        facts.push(fact("peer", shown(socket.peer_addr())));
    }
    for knob in knobs(socket, role) {
        facts.push(Fact { asked: (knob.asked)(options), ..fact(knob.name, (knob.granted)(socket)) });
    }
    if role != Role::Listener && is_tcp(socket) {
        match kernel::tcp_figures(&**socket) {
            Err(error) => facts.push(fact("tcp", Err(error))),
            Ok(figures) => facts.extend([
                fact("rtt", Ok(micros(figures.rtt_us))),
                fact("rtt-variance", Ok(micros(figures.rtt_variance_us))),
                fact("congestion-window", Ok(format!("{} segments", figures.congestion_window))),
                fact("segment", Ok(format!("{} bytes", figures.segment))),
                fact("unacknowledged", Ok(format!("{} segments", figures.unacknowledged))),
                fact("retransmits", Ok(figures.retransmits.to_string())),
            ]),
        }
    }
    facts
}

fn knobs(socket: &SockRef<'_>, role: Role) -> impl Iterator<Item = &'static Knob> + use<> {
    let tcp = is_tcp(socket);
    KNOBS.iter().filter(move |knob| (tcp || !knob.tcp) && (role == Role::Listener || !knob.listener))
}

fn is_tcp(socket: &SockRef<'_>) -> bool {
    socket.r#type().is_ok_and(|kind| kind == Type::STREAM) && socket.domain().is_ok_and(|domain| domain != Domain::UNIX)
}

fn fact(name: &'static str, value: io::Result<String>) -> Fact {
    Fact { name, asked: None, granted: value.unwrap_or_else(|error| format!("not known ({error})")) }
}

fn micros(micros: u32) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

fn family(domain: Domain) -> String {
    match domain {
        Domain::IPV4 => "IPv4".to_owned(),
        Domain::IPV6 => "IPv6".to_owned(),
        Domain::UNIX => "Unix".to_owned(),
        other => format!("{other:?}"),
    }
}

fn kind(kind: Type) -> String {
    match kind {
        Type::STREAM => "stream".to_owned(),
        Type::DGRAM => "datagram".to_owned(),
        other => format!("{other:?}"),
    }
}

fn show_address(address: &socket2::SockAddr) -> String {
    match (address.as_socket(), address.as_pathname()) {
        (Some(address), _) => address.to_string(),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => "unnamed".to_owned(),
    }
}

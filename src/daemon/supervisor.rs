//! The service manager: it is told when the server is ready, when it reloads and stops, and that its loop still turns.
//!
//! The protocol is systemd's `sd_notify(3)`: one datagram of `NAME=VALUE` lines to the socket in `NOTIFY_SOCKET`. A few
//! lines here are less than a package would be.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use log::Level;
use rustix::process::getpid;
use rustix::time::{ClockId, clock_gettime};

/// Heard by its watchdog.
pub(super) const TURNS: &str = "WATCHDOG=1";

/// The service manager, if there is one that wants to know.
#[derive(Debug, Default)]
pub(super) struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// It restarts us when it has heard nothing for so long.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment names it.
    #[must_use]
    pub(super) fn from_environment() -> Self {
        let Some(name) = env::var("NOTIFY_SOCKET").ok().filter(|name| !name.is_empty()) else { return Self::default() };
        match connect(&name) {
            Ok(socket) => Self { socket: Some(socket), watchdog: watchdog() },
            Err(error) => {
                log::warn!("the supervisor can't be told anything at {name:?}: {error}");
                Self::default()
            }
        }
    }

    /// How often it wants to hear that the loop turns: twice as often as it looks.
    #[must_use]
    pub(super) fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 2)
    }

    /// Tells it. Never waits: a manager that does not read is no reason to stop serving.
    pub(super) fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            // Whoever waits in vain to be told that we are ready, kills us. That the loop turns is told so often that it
            // need not be said each time.
            let level = if state == TURNS { Level::Debug } else { Level::Warn };
            log::log!(level, "the supervisor could not be told {state:?} (NOTIFY_SOCKET): {error}");
        }
    }

    /// Tells it that settings are read again; READY=1 says when that is over.
    pub(super) fn tell_reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1000));
    }
}

fn connect(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// The watchdog's time, if it is meant for this process.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(getpid().as_raw_pid().unsigned_abs()));
    number("WATCHDOG_USEC").filter(|&usec| ours && usec > 0).map(Duration::from_micros)
}

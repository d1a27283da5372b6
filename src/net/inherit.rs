//! Listeners that the service manager has bound already and hands over: `sd_listen_fds(3)`.

use std::env;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use mio::net::{TcpListener, UnixListener};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::getpid;
use socket2::{Domain, Socket, Type};

use super::door::Door;
use super::kernel;
use super::listen::Bound;
use super::socket::{self, Options, Role};
use crate::hub::Address;

/// Takes the sockets that were handed to this process, each with its name in the unit. Whoever asks again gets none.
#[must_use]
pub fn inherited() -> Vec<(String, OwnedFd)> {
    let (count, whose) = (env::var("LISTEN_FDS").ok(), env::var("LISTEN_PID").unwrap_or_default());
    let ours = getpid().as_raw_pid().to_string();
    if count.is_some() && whose != ours {
        log::warn!("sockets are handed over, but not to this process: LISTEN_PID={whose}, and this is {ours}");
    }
    let count = count.filter(|_| whose == ours).and_then(|count| count.parse().ok()).unwrap_or(0);
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').map(str::to_owned);
    let take = |socket: OwnedFd| {
        // What we start is not to have our doors.
        if let Err(error) = fcntl_setfd(&socket, FdFlags::CLOEXEC) {
            log::warn!("an inherited socket can't be kept from what we start: {error}");
        }
        (names.next().unwrap_or_default(), socket)
    };
    kernel::take_inherited(count).into_iter().map(take).collect()
}

/// Makes a listener of an inherited socket. Its options are set where that is still possible; its file, if it has one,
/// is the service manager's.
///
/// # Errors
/// It is no stream socket that listens, or has no address.
pub fn adopt(socket: OwnedFd, options: &Options) -> io::Result<Bound> {
    let socket = Socket::from(socket);
    let wrong = |what: &str| io::Error::new(ErrorKind::InvalidInput, what);
    if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
        return Err(wrong("expected a stream socket that listens (ListenStream=, Accept=no)"));
    }
    socket.set_nonblocking(true)?;
    for (name, error) in socket::apply(&socket, options, Role::Listener) {
        log::warn!("an inherited socket does not take the option {name}: {error}");
    }
    let address = socket.local_addr()?;
    let (door, address) = if socket.domain()? == Domain::UNIX {
        let path = address.as_pathname().ok_or_else(|| wrong("expected a Unix socket with a path"))?.to_owned();
        let listener = UnixListener::from_std(socket.into());
        (Door::Unix { listener, _file: None }, Address::Unix(Some(path)))
    } else {
        let address = address.as_socket().ok_or_else(|| wrong("expected a TCP or Unix socket"))?;
        // A larger queue can still be asked for; the rest of the system's is left alone.
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
        (Door::Tcp(TcpListener::from_std(socket.into())), Address::Tcp(address))
    };
    Ok(Bound { socket: door, options: options.clone(), address })
}

//! TCP, Unix sockets, pipes, sources of datagrams and TLS behind one enum.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::kernel;
use super::pump::Wire;
use super::socket::{self, Options, Role};
#[cfg(feature = "tls")]
use super::tls::{Tls, Trust};
use super::udp::Answers;
use crate::hub::{Credentials, Inspection, Target};

/// One connection's stream, never blocking.
#[derive(Debug)]
pub enum Stream {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// Descriptors that somebody else opened: a pipe, a terminal.
    Pipe {
        /// What is read.
        input: Option<File>,
        /// What is written.
        output: Option<File>,
    },
    /// Nothing is read or written: readiness alone tells that a process has ended.
    Exit(OwnedFd),
    /// A source of datagrams. Only written: what comes from it, its socket's reader hands to the hub.
    Datagrams(Answers),
    /// Any of these, encrypted. Boxed: it is large, and the others are small.
    #[cfg(feature = "tls")]
    Tls(Box<Tls<Stream>>),
}

/// What connections that we open have in common.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Their socket options.
    pub options: Options,
    /// Whom they believe, through TLS.
    #[cfg(feature = "tls")]
    pub trust: Option<Trust>,
}

impl Outgoing {
    /// What was wrong with the last connection that came to nothing, as far as TLS was concerned.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        #[cfg(feature = "tls")]
        return self.trust.as_ref().and_then(Trust::complaint);
        #[cfg(not(feature = "tls"))]
        None
    }
}

impl From<Options> for Outgoing {
    fn from(options: Options) -> Self {
        Self {
            options,
            #[cfg(feature = "tls")]
            trust: None,
        }
    }
}

impl Stream {
    /// Begins to connect. [`Wire::established`] says when it has come to something.
    ///
    /// # Errors
    /// When it can't even begin.
    pub fn open(to: Target, outgoing: &Outgoing) -> io::Result<Self> {
        let options = &outgoing.options;
        match to {
            Target::Tcp(address) => connect(address, options).map(Self::Tcp),
            #[cfg(feature = "tls")]
            Target::Tls(address, name) => {
                let trust = outgoing.trust.as_ref().ok_or(ErrorKind::Unsupported)?;
                trust.connect(connect(address, options).map(Self::Tcp)?, &name).map(Box::new).map(Self::Tls)
            }
            #[cfg(not(feature = "tls"))]
            Target::Tls(..) => Err(ErrorKind::Unsupported.into()),
            // A Unix socket connects at once or not at all: with a full queue there, no event would ever come.
            Target::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            Target::Exit(descriptor) => Ok(Self::Exit(descriptor)),
            Target::Pipe { input, output } => {
                Ok(Self::Pipe { input: input.map(unblocked).transpose()?, output: output.map(unblocked).transpose()? })
            }
        }
    }

    /// For looking at and setting socket options; pipes have none, and a source has no socket of its own.
    #[must_use]
    pub fn socket(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Tcp(stream) => Some(stream.into()),
            Self::Unix(stream) => Some(stream.into()),
            Self::Pipe { .. } | Self::Exit(_) | Self::Datagrams(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.wire().socket(),
        }
    }

    /// What can be said of it that the kernel does not know.
    #[must_use]
    pub fn facts(&self) -> Inspection {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.facts(),
            _ => Inspection::new(),
        }
    }
}

/// Who the kernel says is at the other end. Goes into the log: on a socket that several people may use, one wants to
/// know who did.
pub(super) fn credentials(stream: &UnixStream) -> Option<Credentials> {
    let who = kernel::credentials(stream).ok()?;
    if log::log_enabled!(log::Level::Info) {
        let address = stream.local_addr().ok();
        let path = address.as_ref().and_then(|address| address.as_pathname()).unwrap_or(Path::new("?"));
        log::info!("connected unix:{}: process {}, user {}, group {}", path.display(), who.pid, who.uid, who.gid);
    }
    Some(who)
}

fn connect(address: SocketAddr, options: &Options) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    for (name, error) in socket::apply(&socket, options, Role::Client) {
        log::warn!("{name} could not be set: {error}");
    }
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn unblocked(descriptor: OwnedFd) -> io::Result<File> {
    ioctl_fionbio(&descriptor, true)?;
    Ok(descriptor.into())
}

impl Wire for Stream {
    fn shut_write(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Pipe { output, .. } => {
                *output = None;
                Ok(())
            }
            Self::Exit(_) | Self::Datagrams(_) => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.shut_write(),
        }
    }

    fn established(&mut self) -> io::Result<()> {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(_) | Self::Pipe { .. } | Self::Exit(_) | Self::Datagrams(_) => return Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => return stream.established(),
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    fn short_read_is_dry(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            Self::Unix(_) | Self::Pipe { .. } | Self::Exit(_) | Self::Datagrams(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.short_read_is_dry(),
        }
    }

    fn is_dry(&self) -> bool {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(_) | Self::Pipe { .. } | Self::Exit(_) | Self::Datagrams(_) => return true,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => return stream.is_dry(),
        };
        let mut asked = [PollFd::new(stream, PollFlags::IN)];
        // A poll that fails has no answer; then the read's stands.
        !poll(&mut asked, Some(&Timespec::default())).is_ok_and(|_| asked[0].revents().contains(PollFlags::IN))
    }

    fn lingers(&self) -> bool {
        !matches!(self, Self::Pipe { .. } | Self::Exit(_) | Self::Datagrams(_))
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
            Self::Pipe { input: Some(input), .. } => input.read(into),
            Self::Pipe { input: None, .. } | Self::Datagrams(_) => Err(ErrorKind::WouldBlock.into()),
            // Asked only once it became readable, and that was all that it had to tell.
            Self::Exit(_) => Ok(0),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Pipe { output: Some(output), .. } => output.write(bytes),
            Self::Pipe { output: None, .. } | Self::Exit(_) => Err(ErrorKind::BrokenPipe.into()),
            Self::Datagrams(answers) => Ok(answers.write(bytes)),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Several records at once, for TLS over a socket.
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(pieces),
            Self::Unix(stream) => stream.write_vectored(pieces),
            _ => pieces.iter().find(|piece| !piece.is_empty()).map_or(Ok(0), |piece| self.write(piece)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
            _ => Ok(()),
        }
    }
}

/// Registered once, for everything that its kind can tell of. Priority is what makes a short read trustworthy on TCP:
/// an urgent byte cuts a read short without a further edge, but it sets that mark.
impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => registry.register(stream, token, both | Interest::PRIORITY),
            Self::Unix(stream) => registry.register(stream, token, both),
            Self::Pipe { input, output } => {
                if let Some(input) = input {
                    registry.register(&mut SourceFd(&input.as_fd().as_raw_fd()), token, Interest::READABLE)?;
                }
                if let Some(output) = output {
                    registry.register(&mut SourceFd(&output.as_fd().as_raw_fd()), token, Interest::WRITABLE)?;
                }
                Ok(())
            }
            Self::Exit(process) => {
                registry.register(&mut SourceFd(&process.as_fd().as_raw_fd()), token, Interest::READABLE)
            }
            // Its socket was registered once for all sources.
            Self::Datagrams(_) => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.wire_mut().register(registry, token, both),
        }
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "interests are registered once"))
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "closing a descriptor is enough"))
    }
}

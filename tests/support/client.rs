//! A client that never waits for ever, and the frames it speaks in.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::PATIENCE;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Place {
    pub(crate) fn parse(text: &str) -> Self {
        match text.strip_prefix("unix:") {
            Some(path) => Self::Unix(path.into()),
            None => Self::Tcp(text.parse().unwrap_or_else(|_| panic!("{text:?} is no address"))),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix(path) => panic!("{} has no port", path.display()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "{address}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// One connection. Whatever takes longer than [`PATIENCE`] fails the test.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Socket,
}

impl Client {
    pub(crate) fn to(place: &Place) -> Self {
        Self::try_to(place).unwrap_or_else(|error| panic!("{place}: {error}"))
    }

    pub(crate) fn try_to(place: &Place) -> io::Result<Self> {
        Self::with(place, |_| ())
    }

    /// With something done to the socket before it connects.
    pub(crate) fn with(place: &Place, prepare: impl FnOnce(&Socket)) -> io::Result<Self> {
        let (domain, address) = match place {
            Place::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
            Place::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        prepare(&socket);
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&address)?;
        if domain != Domain::UNIX {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self { socket })
    }

    /// A second handle on the same connection, for another thread.
    pub(crate) fn twin(&self) -> Self {
        Self { socket: self.socket.try_clone().expect("a descriptor is left") }
    }

    /// Our own address, as the server sees it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().ok().and_then(|address| address.as_socket()).expect("TCP has addresses")
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap_or_else(|error| panic!("{} bytes were not taken: {error}", bytes.len()));
    }

    /// Reads as many bytes as are wanted, and fails if they are others.
    pub(crate) fn expect(&mut self, wanted: &[u8]) {
        let mut got = vec![0; wanted.len()];
        let mut count = 0;
        while count < got.len() {
            match self.socket.read(&mut got[count..]) {
                Ok(more) if more > 0 => count += more,
                other => panic!("{other:?} instead of {}, after {}", show(wanted), show(&got[..count])),
            }
        }
        let differs = got.iter().zip(wanted).position(|(got, wanted)| got != wanted);
        assert!(differs.is_none(), "from byte {differs:?} on: got {}, wanted {}", show(&got), show(wanted));
    }

    /// Sends a question, and fails if the answer is another.
    pub(crate) fn ask(&mut self, question: &[u8], answer: &[u8]) {
        self.send(question);
        self.expect(answer);
    }

    /// One line, without its end. Read byte by byte: nothing behind it is taken.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.socket.read(&mut byte) {
                Ok(1) if byte[0] == b'\n' => return String::from_utf8(line).expect("this line is text"),
                Ok(1) => line.push(byte[0]),
                // Where reads have a limit, Linux interrupts them when the process was stopped and goes on.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => panic!("{other:?} in a line, after {}", show(&line)),
            }
        }
    }

    /// Everything up to the end of the stream, which must be a clean one.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.socket.read_to_end(&mut bytes);
        read.unwrap_or_else(|error| panic!("no clean end: {error}, after {}", show(&bytes)));
        bytes
    }

    pub(crate) fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "no end yet: {}", show(&rest));
    }

    /// Has anything come that was not read?
    pub(crate) fn is_readable(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        self.socket.set_nonblocking(true).expect("every socket takes this");
        let came = self.socket.peek(&mut byte).is_ok();
        self.socket.set_nonblocking(false).expect("every socket takes this");
        came
    }

    /// Half-closes: nothing more will be said, answers are still read.
    pub(crate) fn finish(&self) {
        self.socket.shutdown(Shutdown::Write).expect("the connection stands");
    }

    /// Goes without a goodbye: on TCP the server gets a reset.
    pub(crate) fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).expect("every socket takes this");
    }
}

/// Bytes for a message: readable, and never pages of them.
pub(crate) fn show(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(120)];
    let more = if head.len() < bytes.len() { format!("… ({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{more}", head.escape_ascii())
}

/// How frames stand on the wire; written down here a second time, so that the server is not its own judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Lines,
    Length,
    Fixed,
}

impl Wire {
    pub(crate) const ALL: [Self; 3] = [Self::Lines, Self::Length, Self::Fixed];

    /// As it is written in a listener.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Length => "length",
            Self::Fixed => "fixed",
        }
    }

    pub(crate) fn frame(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Lines => [text, b"\n"].concat(),
            Self::Length => [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat(),
            Self::Fixed => {
                assert!(text.len() <= 1024, "one frame");
                let mut bytes = text.to_vec();
                bytes.resize(1024, 0);
                bytes
            }
        }
    }
}

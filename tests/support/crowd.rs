//! Many clients on one thread: each has a connection that never blocks, and what it hears is given to a play.
#![allow(dead_code, reason = "each test crate uses a part of this")]

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::client::{Place, Wire};

/// Nothing at all happens for so long: it will not happen any more. Long runs share their machine with others.
const STILL: Duration = Duration::from_secs(40);
const READ: usize = 64 * 1024;

/// What clients do with what they hear.
pub(crate) trait Play {
    /// Client number `who` has heard a line; what it says at once goes into `out`, through [`put`].
    fn line(&mut self, who: usize, line: &str, out: &mut Vec<u8>);
    /// Its connection is over, broken or in order.
    fn over(&mut self, who: usize);
}

/// Appends one frame.
pub(crate) fn put(wire: Wire, text: &str, out: &mut Vec<u8>) {
    if wire == Wire::Length {
        out.extend_from_slice(&u32::try_from(text.len()).expect("short").to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    } else {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

#[derive(Debug)]
struct Peer {
    stream: Option<TcpStream>,
    wire: Wire,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    /// It reads what comes.
    reads: bool,
    readable: bool,
    writable: bool,
}

/// The clients.
#[derive(Debug)]
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    peers: Vec<Peer>,
    scratch: Vec<u8>,
    last: Instant,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        let poll = Poll::new().expect("a descriptor is left");
        let (events, scratch) = (Events::with_capacity(1024), vec![0; READ]);
        Self { poll, events, peers: Vec::new(), scratch, last: Instant::now() }
    }

    /// One more client. With `buffer`, the kernel keeps no more than about so much for it.
    pub(crate) fn join(&mut self, place: &Place, wire: Wire, buffer: Option<usize>) -> usize {
        let stream = Some(connect(place, buffer));
        let (reads, readable, writable) = (true, false, true);
        self.peers.push(Peer {
            stream,
            wire,
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            reads,
            readable,
            writable,
        });
        self.register(self.peers.len() - 1);
        self.peers.len() - 1
    }

    /// A client that lost its line comes again.
    pub(crate) fn rejoin(&mut self, who: usize, place: &Place) {
        let peer = &mut self.peers[who];
        peer.stream = Some(connect(place, None));
        peer.input.clear();
        peer.output.clear();
        (peer.sent, peer.readable, peer.writable) = (0, false, true);
        self.register(who);
    }

    fn register(&mut self, who: usize) {
        let stream = self.peers[who].stream.as_mut().expect("it was just made");
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream, Token(who), both).expect("a stream can be watched");
    }

    pub(crate) fn say(&mut self, who: usize, text: &str) {
        let peer = &mut self.peers[who];
        put(peer.wire, text, &mut peer.output);
    }

    /// Bytes that it has said and the kernel has not taken.
    pub(crate) fn unsent(&self, who: usize) -> usize {
        self.peers[who].output.len() - self.peers[who].sent
    }

    pub(crate) fn is_connected(&self, who: usize) -> bool {
        self.peers[who].stream.is_some()
    }

    /// From now on it reads, or does not.
    pub(crate) fn set_reading(&mut self, who: usize, reads: bool) {
        self.peers[who].reads = reads;
    }

    /// Hangs up.
    pub(crate) fn hang_up(&mut self, who: usize) {
        self.peers[who].stream = None;
    }

    /// Writes what was said and reads what came, once for everybody. Answers whether anything moved. Fails when nothing
    /// has for long.
    pub(crate) fn turn(&mut self, play: &mut impl Play) -> bool {
        let moved = self.step(play);
        if moved {
            self.last = Instant::now();
        }
        assert!(self.last.elapsed() < STILL, "nothing moves any more");
        moved
    }

    /// The same, where silence is no fault.
    pub(crate) fn step(&mut self, play: &mut impl Play) -> bool {
        let can_move = (0..self.peers.len()).any(|who| self.peers[who].can_move());
        let wait = if can_move { Duration::ZERO } else { Duration::from_millis(20) };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => panic!("poll: {error}"),
            _ => {}
        }
        for event in &self.events {
            let peer = &mut self.peers[event.token().0];
            peer.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            peer.writable |= event.is_writable();
        }
        let mut moved = false;
        for who in 0..self.peers.len() {
            moved |= self.write(who) | self.read(who, play);
        }
        moved
    }

    /// Turns until something is so.
    pub(crate) fn until<P: Play>(&mut self, play: &mut P, what: &str, mut so: impl FnMut(&Self, &mut P) -> bool) {
        let mut since = Instant::now();
        while !so(self, play) {
            if self.turn(play) {
                since = Instant::now();
            }
            assert!(since.elapsed() < STILL, "never came: {what}");
        }
    }

    fn write(&mut self, who: usize) -> bool {
        let peer = &mut self.peers[who];
        let Some(stream) = peer.stream.as_mut().filter(|_| peer.writable && peer.sent < peer.output.len()) else {
            return false;
        };
        match stream.write(&peer.output[peer.sent..]) {
            Ok(count) => {
                peer.sent += count;
                if peer.sent == peer.output.len() {
                    peer.output.clear();
                    peer.sent = 0;
                }
                true
            }
            Err(error) => {
                // One that failed is found so by its next read, behind whatever was said to it before.
                peer.writable = false;
                error.kind() == ErrorKind::Interrupted
            }
        }
    }

    fn read(&mut self, who: usize, play: &mut impl Play) -> bool {
        let peer = &mut self.peers[who];
        let Some(stream) = peer.stream.as_mut().filter(|_| peer.readable && peer.reads) else { return false };
        match stream.read(&mut self.scratch) {
            Ok(count) if count > 0 => {
                peer.input.extend_from_slice(&self.scratch[..count]);
                let (wire, output) = (peer.wire, &mut peer.output);
                let used = each_frame(wire, &peer.input, |line| play.line(who, line, output));
                peer.input.drain(..used);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                peer.readable = false;
                return false;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                peer.stream = None;
                play.over(who);
            }
        }
        true
    }
}

impl Peer {
    fn can_move(&self) -> bool {
        self.stream.is_some() && (self.readable && self.reads || self.writable && self.sent < self.output.len())
    }
}

fn connect(place: &Place, buffer: Option<usize>) -> TcpStream {
    let Place::Tcp(address) = place else { panic!("{place} is not TCP") };
    let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None).expect("a descriptor is left");
    if let Some(buffer) = buffer {
        socket.set_recv_buffer_size(buffer).expect("every socket takes this");
    }
    socket.connect(&SockAddr::from(*address)).unwrap_or_else(|error| panic!("{place}: {error}"));
    socket.set_tcp_nodelay(true).expect("it is TCP");
    socket.set_nonblocking(true).expect("every socket takes this");
    TcpStream::from_std(socket.into())
}

/// Calls for every whole frame; answers how many bytes they were.
fn each_frame(wire: Wire, input: &[u8], mut heard: impl FnMut(&str)) -> usize {
    let mut used = 0;
    loop {
        let rest = &input[used..];
        let (from, to, next) = if wire == Wire::Length {
            let Some((prefix, _)) = rest.split_first_chunk() else { return used };
            let end = 4 + u32::from_be_bytes(*prefix) as usize;
            (4, end, end)
        } else {
            let Some(end) = memchr::memchr(b'\n', rest) else { return used };
            (0, end, end + 1)
        };
        let Some(frame) = rest.get(from..to) else { return used };
        heard(std::str::from_utf8(frame).expect("servers speak UTF-8"));
        used += next;
    }
}

/// Is the long version wanted?
pub(crate) fn long() -> bool {
    std::env::var_os("PARLOR_LONG_TESTS").is_some()
}

/// A place in one of a few numbers, the same in every run.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Marsaglia's xorshift: enough for choosing moments.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

//! The floor: the least that a server on one epoll can do. A chunk is read and written, to every other connection or
//! back, and that is all. No frames, no names, no limits: what a server takes above it is the price of its service.
//!
//! Written against mio alone, so that nothing of the hub or of the loop can make it slower or faster.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
/// As many events at once as the server takes.
const EVENTS: usize = 1024;
/// What a connection may owe before it is closed: nothing is for ever.
const OWED: usize = 64 * 1024 * 1024;

/// What becomes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ideal {
    /// It goes to every other connection.
    Fanout,
    /// It goes back.
    Echo,
}

struct Member {
    stream: TcpStream,
    /// What the socket did not take. Empty, and without memory, as long as it takes everything.
    owed: Vec<u8>,
}

impl Member {
    fn write(&mut self, bytes: &[u8]) -> bool {
        if !self.owed.is_empty() {
            self.owed.extend_from_slice(bytes);
            return self.owed.len() <= OWED;
        }
        match self.stream.write(bytes) {
            Ok(count) => self.owed.extend_from_slice(&bytes[count..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.owed.extend_from_slice(bytes),
            Err(_) => return false,
        }
        true
    }

    fn flush(&mut self) -> bool {
        while !self.owed.is_empty() {
            match self.stream.write(&self.owed) {
                Ok(count) => drop(self.owed.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        self.owed = Vec::new();
        true
    }
}

/// A floor that is bound and not served yet.
#[derive(Debug)]
pub struct Floor {
    poll: Poll,
    listener: TcpListener,
    ideal: Ideal,
    chunk: usize,
}

impl Floor {
    /// Binds it. A chunk has at most so many bytes: the more, the less it costs to pass on what comes together.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn bind(address: SocketAddr, ideal: Ideal, chunk: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self { poll, listener, ideal, chunk: chunk.max(1) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// When the poll fails.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut members = Slab::new();
        let mut scratch = vec![0; self.chunk];
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&mut members),
                    Token(at) => serve(&mut members, at, event, self.ideal, &mut scratch),
                }
            }
        }
    }

    fn accept(&mut self, members: &mut Slab<Member>) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let _ = stream.set_nodelay(true);
            let place = members.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(place.key()), interest).is_ok() {
                place.insert(Member { stream, owed: Vec::new() });
            }
        }
    }
}

fn serve(members: &mut Slab<Member>, at: usize, event: &Event, ideal: Ideal, scratch: &mut [u8]) {
    if event.is_writable() && members.get_mut(at).is_some_and(|member| !member.flush()) {
        drop(members.try_remove(at));
    }
    if !event.is_readable() {
        return;
    }
    while let Some(member) = members.get_mut(at) {
        match member.stream.read(scratch) {
            Ok(0) => drop(members.try_remove(at)),
            Ok(count) => {
                pass(members, at, &scratch[..count], ideal);
                // A short read has emptied the socket; whatever comes next brings an event.
                if count < scratch.len() && !event.is_read_closed() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => drop(members.try_remove(at)),
        }
    }
}

fn pass(members: &mut Slab<Member>, from: usize, bytes: &[u8], ideal: Ideal) {
    match ideal {
        Ideal::Echo => {
            if members.get_mut(from).is_some_and(|member| !member.write(bytes)) {
                drop(members.try_remove(from));
            }
        }
        Ideal::Fanout => members.retain(|at, member| at == from || member.write(bytes)),
    }
}

//! A whole echo server on mio: one thread, one epoll, and no call that waits for a client. `first-loop.md` explains it.
//! Left out: frames, deadlines (a silent client stays for ever), a limit on clients, a way to stop. Parlor has them.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// No client's key: the slab counts from zero.
const LISTENER: Token = Token(usize::MAX);
/// Bytes read from a client and not yet written back. With so many it is not read, so its own kernel slows it down.
const UNSENT: usize = 16 * 1024;
/// How long to wait when no newcomer can be let in, unless a client leaves before.
const RETRY: Duration = Duration::from_millis(100);

struct Client {
    stream: TcpStream,
    /// An event said so, and no call has proved it wrong since.
    readable: bool,
    writable: bool,
    /// The client says no more. It may still want to hear the rest.
    input_over: bool,
    unsent: Vec<u8>,
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    /// An event said that somebody waits to be let in, and no accept has proved it wrong since.
    acceptable: bool,
    /// A newcomer could not be let in: when to try again.
    retry: Option<Instant>,
    clients: Slab<Client>,
    /// The keys of all clients that are ready, each once.
    ready: Vec<usize>,
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8888".to_owned());
    let address = address.parse().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let (poll, mut listener) = (Poll::new()?, TcpListener::bind(address)?);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    eprintln!("listening {}", listener.local_addr()?);
    let (clients, ready) = (Slab::new(), Vec::new());
    let mut server = Server { poll, listener, acceptable: false, retry: None, clients, ready };
    let (mut events, mut scratch) = (Events::with_capacity(1024), vec![0; UNSENT]);
    loop {
        match server.poll.poll(&mut events, server.timeout()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => events.iter().for_each(|event| server.mark(event)),
        }
        server.accept();
        server.serve(&mut scratch);
    }
}

impl Server {
    /// None, so sleep until an event, only when nothing is left to do: what was told once is not told again.
    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let wait = self.retry.map_or(Duration::ZERO, |retry| retry.saturating_duration_since(Instant::now()));
        self.acceptable.then_some(wait)
    }

    /// Remembers what an event said, and does nothing else.
    fn mark(&mut self, event: &Event) {
        let Token(key) = event.token();
        let Some(client) = self.clients.get_mut(key) else { return self.acceptable = true };
        let was_ready = client.is_ready();
        client.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        client.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        if client.is_ready() && !was_ready {
            self.ready.push(key);
        }
    }

    /// Lets one newcomer in. Others may wait behind it: the mark stays, so the loop comes back without sleep.
    fn accept(&mut self) {
        if !self.acceptable || self.retry.is_some_and(|retry| Instant::now() < retry) {
            return;
        }
        match self.listener.accept().map_err(|error| error.kind()) {
            Ok((stream, _)) => self.admit(stream),
            Err(ErrorKind::WouldBlock) => self.acceptable = false,
            Err(ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {} // the next one may be well
            Err(_) => self.retry = Some(Instant::now() + RETRY),             // most likely no descriptor is left
        }
    }

    fn admit(&mut self, mut stream: TcpStream) {
        let (entry, both) = (self.clients.vacant_entry(), Interest::READABLE | Interest::WRITABLE);
        // If it can't be watched it is dropped, and dropping closes it.
        if self.poll.registry().register(&mut stream, Token(entry.key()), both).is_ok() {
            entry.insert(Client { stream, readable: false, writable: false, input_over: false, unsent: Vec::new() });
        }
    }

    /// One read and one write for everybody who is ready. The one place where clients are removed.
    fn serve(&mut self, scratch: &mut [u8]) {
        let Self { clients, ready, retry, .. } = self;
        ready.retain(|&key| {
            let stays = clients[key].echo(scratch).unwrap_or(false);
            if !stays {
                clients.remove(key);
                *retry = None;
            }
            stays && clients[key].is_ready()
        });
    }
}

impl Client {
    fn is_ready(&self) -> bool {
        self.can_read() || self.can_write()
    }
    fn can_read(&self) -> bool {
        self.readable && !self.input_over && self.unsent.len() < UNSENT
    }
    fn can_write(&self) -> bool {
        self.writable && !self.unsent.is_empty()
    }

    /// Answers whether the client stays. An error ends this client, and nobody else.
    fn echo(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        if self.can_read() {
            match self.stream.read(&mut scratch[..UNSENT - self.unsent.len()]) {
                Ok(0) => self.input_over = true,
                Ok(count) => self.unsent.extend_from_slice(&scratch[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.can_write() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!self.input_over || !self.unsent.is_empty())
    }
}

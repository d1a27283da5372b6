//! THE LOOP.
//!
//! ```text
//! timeout   zero while anyone could be read, framed, written or accepted now; else the next deadline; else none
//! poll      the only place where the process sleeps
//! mark      events only set marks
//! accept    newcomers, up to a budget
//! answers   of helpers
//! read      buffered frames first, then one read per stream
//! expire    deadlines that have passed
//! turn_end  services finish their batch
//! flush     one write per connection that has output; then, and only then, connections are freed
//! requests  connections, jobs and inspections that services asked for
//! ```

use std::io::{self, ErrorKind};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};

use super::admission::Doorkeeper;
use super::clock::{Clock, wall};
use super::ending::Ending;
use super::jobs::{Jobs, Stopper};
use super::listen::{Accepted, Bound, Listener};
use super::pump::{Pump, Readiness};
use super::signals::Signals;
use super::stream::{Outgoing, Stream};
use super::udp::{self, Datagrams};
use crate::hub::{Address, ConnId, Hub, Identity, ListenerId, Moment, Reason};

/// Tokens below every connection's, which begin at 2³².
const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
const FIRST_LISTENER: usize = 2;
const _: () = assert!(usize::BITS >= 64, "a token holds a slot and a generation of 32 bits each");

/// Events taken from the kernel at once; what is left comes with the next poll.
const EVENTS: usize = 1024;
/// Newcomers of one turn; the rest is accepted in the next, when those inside have been served.
const ACCEPTS_PER_TURN: usize = 64;

/// How the loop came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was asked to stop, and said goodbye.
    Drained,
    /// It was asked twice.
    AtOnce,
}

/// The loop and all that it owns.
#[derive(Debug)]
pub struct Reactor {
    pub(super) poll: Poll,
    pub(super) hub: Hub,
    pub(super) pump: Pump<Stream>,
    pub(super) listeners: Vec<Listener>,
    pub(super) udp: Datagrams,
    pub(super) door: Doorkeeper,
    pub(super) jobs: Jobs,
    pub(super) signals: Option<Signals>,
    pub(super) clock: Clock,
    /// What connections that services open have in common.
    pub(super) outgoing: Outgoing,
    pub(super) now: Moment,
    pub(super) turns: u64,
    pub(super) ending: Ending,
}

impl Reactor {
    /// A loop for a hub, with no listener yet.
    ///
    /// # Errors
    /// When the kernel has no epoll or no descriptor for us.
    pub fn new(hub: Hub, door: Doorkeeper, outgoing: impl Into<Outgoing>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let jobs = Jobs::new(Waker::new(poll.registry(), WAKER)?);
        let (clock, now, turns, signals) = (Clock::default(), Moment::START, 0, None);
        let (listeners, udp, outgoing) = (Vec::new(), Datagrams::default(), outgoing.into());
        let (pump, ending) = (Pump::default(), Ending::default());
        Ok(Self { poll, hub, pump, listeners, udp, door, jobs, signals, clock, outgoing, now, turns, ending })
    }

    /// Accepts on a bound socket, for a listener of the hub.
    ///
    /// # Errors
    /// When the kernel can't watch it.
    pub fn listen(&mut self, bound: Bound, id: ListenerId) -> io::Result<()> {
        let token = Token(FIRST_LISTENER + self.listeners.len());
        self.listeners.push(Listener::register(bound, id, self.poll.registry(), token)?);
        Ok(())
    }

    /// Obeys signals; `hangup_stops` for a program whose terminal went away.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub fn obey_signals(&mut self, hangup_stops: bool) -> io::Result<()> {
        self.signals = Some(Signals::register(self.poll.registry(), SIGNALS, hangup_stops)?);
        Ok(())
    }

    /// Stops this loop from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.jobs.stopper()
    }

    /// The hub, to look into when the loop has ended.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The hub, to finish with it when the loop has ended.
    pub fn hub_mut(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Turns until somebody asks to stop.
    ///
    /// # Errors
    /// When the poll itself fails; never through a fault of a peer.
    pub fn run(&mut self) -> io::Result<Exit> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            self.turn(&mut events)?;
            if let Some(exit) = self.ending.exit {
                return Ok(exit);
            }
        }
    }

    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, self.timeout()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => self.turns += 1, // interrupted: a turn without events, and the next deadline is taken anew
        }
        self.now = self.clock.now();
        self.hub.begin(self.now, wall());
        self.mark(events);
        self.accept();
        self.answers();
        self.udp.read(&mut self.hub, &mut self.pump, self.now);
        self.pump.read(&mut self.hub);
        self.door.relieve(&mut self.hub, self.now);
        self.hub.expire();
        self.hub.turn_end();
        self.pump.flush(&mut self.hub);
        self.requests();
        self.finish();
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        let busy = self.hub.is_busy() || self.pump.is_busy() || self.jobs.rang || self.udp.is_ready();
        if busy || self.listeners.iter().any(|listener| listener.ready) && self.is_open() {
            return Some(Duration::ZERO);
        }
        let next =
            [self.hub.deadline(), self.door.deadline(self.now), self.ending.limit].into_iter().flatten().min()?;
        Some(next - self.now)
    }

    fn mark(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                WAKER => self.jobs.rang = true,
                SIGNALS => self.obey(),
                Token(token) => match ConnId::from_bits(token as u64) {
                    Some(id) => self.pump.mark(&mut self.hub, id, readiness(event)),
                    None if token >= udp::FIRST_SOCKET => self.udp.mark(token),
                    None => self.listeners.get_mut(token - FIRST_LISTENER).map_or((), |door| door.ready = true),
                },
            }
        }
    }

    fn accept(&mut self) {
        let count = self.listeners.len();
        let mut left = ACCEPTS_PER_TURN;
        for turn in 0..count {
            // Another begins each turn, so that a flood at one door does not close the others.
            let index = (turn + usize::try_from(self.turns).unwrap_or(0)) % count;
            while left > 0 && self.listeners[index].ready && self.is_open() {
                left -= 1;
                let id = self.listeners[index].id;
                match self.listeners[index].accept() {
                    Accepted::Peer(stream, peer, who) => self.admit(id, stream, peer, who),
                    Accepted::Nobody => self.listeners[index].ready = false,
                    Accepted::Lost => {}
                    Accepted::Starved(error) => self.starve(index, &error),
                }
            }
        }
    }

    fn admit(&mut self, listener: ListenerId, mut stream: Stream, peer: Address, who: Option<Identity>) {
        let Some(id) = self.let_in(listener, peer, who) else { return };
        match self.poll.registry().register(&mut stream, token(id), Interest::READABLE) {
            Ok(()) => self.pump.accepted(id, stream),
            Err(error) => self.hub.fail(id, Reason::Lost(error.kind())),
        }
    }
}

pub(super) fn token(id: ConnId) -> Token {
    Token(usize::try_from(id.to_bits()).expect("a token has 64 bits"))
}

fn readiness(event: &Event) -> Readiness {
    Readiness {
        readable: event.is_readable() || event.is_read_closed(),
        writable: event.is_writable() || event.is_write_closed(),
        doubtful: event.is_read_closed() || event.is_priority(),
        failed: event.is_error(),
    }
}

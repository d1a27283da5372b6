//! Who may come in, and when nobody can.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::reactor::Reactor;
use crate::hub::Moment;

/// How long to wait after an accept found no descriptor, unless something is closed before (OpenSSH waits as long).
const RETRY: Duration = Duration::from_millis(100);

/// Descriptors kept for ourselves: standard streams, the poll, the waker, listeners, the history, a spare.
const OURS: usize = 16;

/// The door: how many may be inside, and how it behaves when there is no room for another.
#[derive(Debug)]
pub struct Doorkeeper {
    /// More are told why and turned away. Whoever made the door can change it.
    pub max_connections: Rc<Cell<usize>>,
    /// More wait in the kernel's accept queue.
    max_sockets: usize,
    /// Since an accept failed for want of descriptors: when to try again, and how many connections had been freed.
    starved: Option<(Moment, u64)>,
    /// Given up to turn one newcomer away when no connection of ours is left that could make room by closing.
    spare: Option<File>,
}

impl Doorkeeper {
    /// A door for at most `max_connections`, in a process that may open `max_descriptors`.
    #[must_use]
    pub fn new(max_connections: usize, max_descriptors: usize) -> Self {
        let max_sockets = max_descriptors.saturating_sub(OURS).max(1);
        let max_connections = Rc::new(Cell::new(max_connections));
        Self { max_connections, max_sockets, starved: None, spare: spare() }
    }

    /// May a newcomer be accepted now? `sockets` are open, `freed` were closed since the start.
    #[must_use]
    fn is_open(&self, sockets: usize, freed: u64, now: Moment) -> bool {
        sockets < self.max_sockets && self.starved.is_none_or(|(retry, then)| freed != then || now >= retry)
    }

    /// When to look again, whatever happens. Past that moment the door is open, and waiting is over.
    pub(super) fn deadline(&self, now: Moment) -> Option<Moment> {
        self.starved.map(|(retry, _)| retry).filter(|&retry| retry > now)
    }

    /// An accept found no descriptor or no memory.
    fn starve(&mut self, freed: u64, now: Moment) {
        self.starved = Some((now + RETRY, freed));
    }

    /// An accept went well.
    pub(super) fn fed(&mut self) {
        self.starved = None;
        if self.spare.is_none() {
            self.spare = spare();
        }
    }

    /// Frees the spare descriptor if an accept failed for want of one; answers whether that made room.
    fn give_spare(&mut self, error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) && self.spare.take().is_some()
    }
}

impl Reactor {
    /// May anybody be accepted now? Sources of datagrams have no descriptor, and a limit of their own.
    pub(super) fn is_open(&self) -> bool {
        let sockets = self.hub.sockets() - self.udp.standing();
        self.door.is_open(sockets, self.hub.tally().freed, self.now)
    }

    /// May the next one stay?
    pub(super) fn is_room(&self) -> bool {
        self.hub.connections() - self.udp.standing() < self.door.max_connections.get()
    }

    pub(super) fn starve(&mut self, index: usize, error: &io::Error) {
        log::warn!("no connection can be accepted for now: {error}");
        if self.hub.sockets() == self.udp.standing() && self.door.give_spare(error) {
            // No connection of ours will ever make room: turn this one away, so that it need not wait for nothing.
            drop(self.listeners[index].accept());
        }
        self.door.starve(self.hub.tally().freed, self.now);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

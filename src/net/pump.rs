//! Bytes between streams and the hub, and what is known of each stream's readiness.
//!
//! The kernel tells of a change once (edge-triggered), so what it said is remembered here until a call proves it
//! wrong: `readable` holds until a read would block, whatever was read before. Nothing here knows mio; a simulator
//! drives the same code with streams of its own.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;

use crate::hub::{Act, ConnId, Hub, READ_PER_TURN, Reason};

/// What the pump needs of a stream.
pub trait Wire: Read + Write {
    /// Shuts the write side.
    ///
    /// # Errors
    /// When the stream is gone already; the next read will tell.
    fn shut_write(&mut self) -> io::Result<()>;

    /// Is a connection that was asked for established?
    ///
    /// # Errors
    /// `WouldBlock` while it is not; another when it never will be.
    fn established(&mut self) -> io::Result<()>;

    /// Does a read that brings less than it could prove that there is no more? On TCP yes, as long as no event spoke
    /// of an end, an error or urgent data: then a new edge will come. A Unix socket stops short at a passed
    /// descriptor without a mark, so there the answer is no.
    fn short_read_is_dry(&self) -> bool;

    /// A read would have blocked: was that the truth? Asked only of a stream whose events spoke of an end, an error or
    /// urgent data. Linux answers so too when a signal is pending while a read stands at an urgent byte, whatever lies
    /// behind that byte, and no edge will tell of it.
    fn is_dry(&self) -> bool {
        true
    }

    /// Can its last words be lost to a reset? Then it lingers after its write side was shut. A pipe has no resets: its
    /// two directions end apart, and a reader who is gone says nothing of what still comes.
    fn lingers(&self) -> bool;
}

/// What an event said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// A read may bring something: bytes, the end or an error.
    pub readable: bool,
    /// A write may be taken.
    pub writable: bool,
    /// The event spoke of an end or of urgent data: from now on a short read proves nothing.
    pub doubtful: bool,
    /// The stream has failed.
    pub failed: bool,
}

#[derive(Debug)]
struct Peer<S> {
    id: ConnId,
    wire: S,
    established: bool,
    readable: bool,
    writable: bool,
    doubtful: bool,
    failed: bool,
    /// Stands in the list of streams to read.
    listed: bool,
}

/// All streams, each at the place where the hub has its connection.
#[derive(Debug)]
pub struct Pump<S> {
    peers: Vec<Option<Peer<S>>>,
    /// Streams that may be readable and from which the hub would take bytes.
    ready: Vec<ConnId>,
    /// Where one read puts its bytes; shared by all connections, so an idle one owns no buffer.
    scratch: Box<[u8]>,
    /// Lists taken from the hub, kept for their memory.
    ids: Vec<ConnId>,
}

impl<S> Default for Pump<S> {
    fn default() -> Self {
        let scratch = vec![0; READ_PER_TURN].into_boxed_slice();
        Self { peers: Vec::new(), ready: Vec::new(), scratch, ids: Vec::new() }
    }
}

impl<S: Wire> Pump<S> {
    /// Takes over an accepted stream. A fresh one takes output at once; whether it has input, an event will say.
    pub fn accepted(&mut self, id: ConnId, wire: S) {
        self.insert(id, wire, true);
    }

    /// Takes over a stream that is still connecting; an event will say how it went.
    pub fn connecting(&mut self, id: ConnId, wire: S) {
        self.insert(id, wire, false);
    }

    fn insert(&mut self, id: ConnId, wire: S, established: bool) {
        if self.peers.len() <= id.slot() {
            self.peers.resize_with(id.slot() + 1, || None);
        }
        let (readable, writable, doubtful, failed, listed) = (false, true, false, false, false);
        self.peers[id.slot()] = Some(Peer { id, wire, established, readable, writable, doubtful, failed, listed });
    }

    /// The stream of a connection.
    pub fn wire(&self, id: ConnId) -> Option<&S> {
        self.peers.get(id.slot())?.as_ref().filter(|peer| peer.id == id).map(|peer| &peer.wire)
    }

    /// Could a stream be read now? Then the loop must not sleep.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Remembers what an event said. An event for somebody who had the slot before is nobody's.
    pub fn mark(&mut self, hub: &mut Hub, id: ConnId, mut said: Readiness) {
        let Some(peer) = find(&mut self.peers, id) else { return };
        if said.failed && !peer.wire.lingers() {
            // The next write will tell, if there is one.
            said = Readiness { readable: true, writable: true, doubtful: true, failed: false };
        }
        // What the stream itself holds back (of TLS, a goodbye perhaps) goes on now. A failure is the next call's too.
        let _ = peer.wire.flush();
        peer.doubtful |= said.doubtful || said.failed;
        if said.writable && !peer.writable {
            peer.writable = true;
            hub.writable(id);
        }
        peer.failed |= said.failed;
        if said.readable || said.failed || !peer.established {
            peer.readable = true;
            self.list(id);
        }
    }

    /// One read from every stream that may have something, for every connection that may take it.
    pub fn read(&mut self, hub: &mut Hub) {
        hub.frame_buffered();
        let mut woken = mem::take(&mut self.ids);
        hub.take_woken(&mut woken);
        for id in woken.drain(..) {
            self.list(id);
        }
        self.ids = woken;
        let Self { peers, ready, scratch, .. } = self;
        ready.retain(|&id| {
            let Some(peer) = find(peers, id) else { return false };
            peer.listed = is_established(peer, hub) && read_once(peer, hub, scratch);
            peer.listed
        });
    }

    /// One write for every connection that has output; then, and only then, connections are freed.
    pub fn flush(&mut self, hub: &mut Hub) {
        let mut ids = mem::take(&mut self.ids);
        hub.take_dirty(&mut ids);
        for id in ids.drain(..) {
            if find(&mut self.peers, id).is_some_and(|peer| !write_once(peer, hub)) {
                self.list(id);
            }
        }
        hub.take_changed(&mut ids);
        for id in ids.drain(..) {
            self.settle(hub, id);
        }
        self.ids = ids;
    }

    fn settle(&mut self, hub: &mut Hub, id: ConnId) {
        let act = hub.settle(id);
        let Some(peer) = find(&mut self.peers, id) else { return };
        match act {
            Act::Keep => {}
            // What goes wrong in shutting is the stream's end, and its next read will tell.
            Act::ShutWrite => drop(peer.wire.shut_write()),
            Act::Linger if peer.wire.lingers() => drop(peer.wire.shut_write()),
            Act::Linger => hub.fail(id, Reason::Closed),
            Act::Free => self.peers[id.slot()] = None,
        }
    }

    /// Puts a stream on the list of those to read, if it may be readable.
    fn list(&mut self, id: ConnId) {
        if let Some(peer) = find(&mut self.peers, id).filter(|peer| peer.readable && !peer.listed) {
            peer.listed = true;
            self.ready.push(id);
        }
    }
}

fn find<S>(peers: &mut [Option<Peer<S>>], id: ConnId) -> Option<&mut Peer<S>> {
    peers.get_mut(id.slot())?.as_mut().filter(|peer| peer.id == id)
}

fn is_established<S: Wire>(peer: &mut Peer<S>, hub: &mut Hub) -> bool {
    if !peer.established {
        match peer.wire.established() {
            Ok(()) => {
                peer.established = true;
                hub.opened(peer.id);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => hub.fail(peer.id, Reason::Unreachable(error.kind())),
        }
    }
    peer.established
}

/// Answers whether there may be more to read, and a connection that would take it.
fn read_once<S: Wire>(peer: &mut Peer<S>, hub: &mut Hub, scratch: &mut [u8]) -> bool {
    if mem::take(&mut peer.failed) {
        hub.write_failed(peer.id, ErrorKind::ConnectionReset);
    }
    let room = hub.intake(peer.id).min(scratch.len());
    if room == 0 {
        // Never read into nothing: the answer would be 0, which means the end. The hub names it when there is room.
        return false;
    }
    match peer.wire.read(&mut scratch[..room]) {
        Ok(0) => {
            peer.readable = false;
            hub.input_over(peer.id);
        }
        Ok(count) => {
            peer.readable = count == room || peer.doubtful || !peer.wire.short_read_is_dry();
            hub.receive(peer.id, &scratch[..count]);
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            peer.readable = peer.doubtful && !peer.wire.is_dry();
            if !peer.readable && hub.is_deaf(peer.id) {
                hub.input_over(peer.id);
            }
        }
        Err(error) => {
            peer.readable = false;
            hub.read_failed(peer.id, error.kind());
        }
    }
    peer.readable && hub.intake(peer.id) > 0
}

/// Answers whether the stream is alive. A dead one is to be read until it is dry: what its peer said before counts.
fn write_once<S: Wire>(peer: &mut Peer<S>, hub: &mut Hub) -> bool {
    let output = hub.output(peer.id);
    if output.is_empty() || !peer.writable || !peer.established {
        return true;
    }
    let failure = match peer.wire.write(output) {
        Ok(0) => ErrorKind::WriteZero,
        // A part taken clears nothing: the next turn's write proves whether there is room.
        Ok(count) => {
            hub.wrote(peer.id, count);
            return true;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            peer.writable = false;
            hub.wrote(peer.id, 0);
            return true;
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            hub.writable(peer.id);
            return true;
        }
        Err(error) => error.kind(),
    };
    if failure == ErrorKind::BrokenPipe && !peer.wire.lingers() {
        hub.unheard(peer.id, failure);
        return true;
    }
    hub.write_failed(peer.id, failure);
    peer.readable = true;
    peer.doubtful = true;
    false
}

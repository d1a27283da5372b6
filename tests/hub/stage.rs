//! The loop's part: turns, streams made of vectors, and a clock that stands still until a test moves it.
//!
//! It does what `net::pump` does and no more: a stream that the hub takes nothing from is read again only when the
//! hub names it, one that takes no bytes is written again only after a writable event, and the stage sleeps whenever
//! the hub says that there is nothing to do. What the hub forgets to name stays undone, and the test sees it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{
    Act, Address, ConnId, Cx, Framing, Hub, Limits, ListenerId, Moment, Profile, READ_PER_TURN, Request, ServiceId,
    Wall,
};

use super::player::{Call, Player};

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Sent by the peer, not yet read.
    pub(crate) incoming: Vec<u8>,
    /// The end follows what is incoming; and so does a failure, where there is one.
    pub(crate) over: Option<Result<(), ErrorKind>>,
    /// Read by the peer.
    pub(crate) written: Vec<u8>,
    /// How many more bytes the stream takes.
    pub(crate) window: usize,
    /// What a write fails with.
    pub(crate) broken: Option<ErrorKind>,
    /// Everything but `Keep` that was done to it.
    pub(crate) acts: Vec<Act>,
    /// As far as its stream knows, a read would bring something, a write would be taken.
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Stands in the list of streams to read.
    listed: bool,
}

pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) service: ServiceId,
    pub(crate) listener: ListenerId,
    /// Also those that are gone, so that a test can read what they were sent.
    pub(crate) peers: BTreeMap<ConnId, Peer>,
    /// What services asked for.
    pub(crate) requests: Vec<Request>,
    pub(crate) now: Moment,
    pub(crate) turns: usize,
}

/// The usual listener.
pub(crate) fn profile() -> Profile {
    let limits = Rc::new(Limits::default());
    Profile { framing: Framing::LINES, silence: None, refuse_http: false, limits, address: Address::Pipe }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Stage {
    /// A hub with one service and one listener of lines.
    pub(crate) fn new(script: impl FnMut(&mut Cx<'_>, &Call) + 'static) -> Self {
        Self::with_profile(profile(), script)
    }

    pub(crate) fn with_limits(limits: Limits, script: impl FnMut(&mut Cx<'_>, &Call) + 'static) -> Self {
        Self::with_profile(Profile { limits: Rc::new(limits), ..profile() }, script)
    }

    pub(crate) fn with_profile(profile: Profile, script: impl FnMut(&mut Cx<'_>, &Call) + 'static) -> Self {
        let mut hub = Hub::new(Limits::clone(&profile.limits), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(Player::new(script));
        let listener = hub.listen(service, profile);
        // Not the very beginning: a deadline in the past must be possible.
        let now = Moment::START + seconds(1000);
        hub.begin(now, Wall::from_millis(0));
        Self { hub, service, listener, peers: BTreeMap::new(), requests: Vec::new(), now, turns: 0 }
    }

    /// Somebody connects.
    pub(crate) fn accept(&mut self) -> ConnId {
        let id = self.hub.accepted(self.listener, Address::Unix(None), None);
        self.attach(id);
        id
    }

    /// Gives a connection its stream.
    pub(crate) fn attach(&mut self, id: ConnId) {
        let peer = Peer {
            incoming: Vec::new(),
            over: None,
            written: Vec::new(),
            window: usize::MAX,
            broken: None,
            acts: Vec::new(),
            readable: false,
            listed: false,
            writable: true,
        };
        self.peers.insert(id, peer);
    }

    /// A connection that a service asked for stands.
    pub(crate) fn stand(&mut self, id: ConnId) {
        self.attach(id);
        self.hub.opened(id);
    }

    pub(crate) fn peer(&mut self, id: ConnId) -> &mut Peer {
        self.peers.get_mut(&id).unwrap()
    }

    /// What the peer was sent, as text.
    pub(crate) fn written(&mut self, id: ConnId) -> String {
        String::from_utf8(self.peer(id).written.clone()).unwrap()
    }

    /// The peer sends bytes; a turn will read them.
    pub(crate) fn say(&mut self, id: ConnId, bytes: impl AsRef<[u8]>) {
        self.peer(id).incoming.extend_from_slice(bytes.as_ref());
        self.readable(id);
    }

    /// The peer ends its input.
    pub(crate) fn finish(&mut self, id: ConnId) {
        self.peer(id).over = Some(Ok(()));
        self.readable(id);
    }

    /// The stream fails, for reading, behind what was sent.
    pub(crate) fn reset(&mut self, id: ConnId, kind: ErrorKind) {
        self.peer(id).over = Some(Err(kind));
        self.readable(id);
    }

    fn readable(&mut self, id: ConnId) {
        let peer = self.peer(id);
        peer.readable = true;
        peer.listed = true;
    }

    /// The peer reads: the stream takes so many bytes more.
    pub(crate) fn grant(&mut self, id: ConnId, window: usize) {
        let peer = self.peer(id);
        peer.window = window;
        if !mem::replace(&mut peer.writable, true) {
            self.hub.writable(id);
        }
    }

    /// Speaks with the hub as the service does, between two turns.
    pub(crate) fn act<R>(&mut self, act: impl FnOnce(&mut Cx<'_>) -> R) -> R {
        self.hub.with(self.service, |_: &mut Player, cx| act(cx)).unwrap()
    }

    /// Sends a frame, whatever the answer.
    pub(crate) fn send(&mut self, id: ConnId, frame: &[u8]) {
        let _ = self.act(|cx| cx.send(id, frame));
    }

    /// Sends bytes, whatever the answer.
    pub(crate) fn send_wire(&mut self, id: ConnId, bytes: &[u8]) {
        let _ = self.act(|cx| cx.send_wire(id, bytes));
    }

    /// What the service was told since the last time this was asked.
    pub(crate) fn calls(&mut self) -> Vec<Call> {
        self.hub.with(self.service, |player: &mut Player, _| mem::take(&mut player.calls)).unwrap()
    }
}

/// The turn.
impl Stage {
    pub(crate) fn turn(&mut self) {
        self.turns += 1;
        self.begin();
        self.read();
        self.hub.expire();
        self.hub.turn_end();
        self.flush();
        self.requests.append(&mut self.hub.take_requests());
    }

    pub(crate) fn begin(&mut self) {
        self.hub.begin(self.now, Wall::from_millis(0));
    }

    pub(crate) fn read(&mut self) {
        self.hub.frame_buffered();
        let mut woken = Vec::new();
        self.hub.take_woken(&mut woken);
        for id in woken {
            let peer = self.peers.get_mut(&id).expect("only who was turned away is called again");
            peer.listed |= peer.readable;
        }
        for (&id, peer) in &mut self.peers {
            if peer.listed {
                peer.listed = read_once(&mut self.hub, id, peer);
            }
        }
    }

    pub(crate) fn flush(&mut self) {
        let mut ids = Vec::new();
        self.hub.take_dirty(&mut ids);
        for id in ids.drain(..) {
            if let Some(peer) = self.peers.get_mut(&id) {
                write_once(&mut self.hub, id, peer);
            }
        }
        self.hub.take_changed(&mut ids);
        for id in ids {
            let act = self.hub.settle(id);
            if let Some(peer) = self.peers.get_mut(&id).filter(|_| act != Act::Keep) {
                peer.acts.push(act);
            }
        }
    }

    /// Would the loop sleep now?
    pub(crate) fn is_quiet(&self) -> bool {
        let due = self.hub.deadline().is_some_and(|at| at <= self.now);
        !self.hub.is_busy() && !due && !self.peers.values().any(|peer| peer.listed)
    }

    /// Turns until the loop would sleep.
    pub(crate) fn quiet(&mut self) {
        for _ in 0..2000 {
            if self.is_quiet() {
                return;
            }
            self.turn();
        }
        panic!("the loop never sleeps again");
    }

    /// One turn at least, and then until the loop would sleep.
    pub(crate) fn run(&mut self) {
        self.turn();
        self.quiet();
    }

    /// Lets time pass: the loop sleeps until its deadlines.
    pub(crate) fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        self.quiet();
        while let Some(at) = self.hub.deadline().filter(|&at| at <= until) {
            self.now = at;
            self.quiet();
        }
        self.now = until;
        self.begin();
    }
}

/// Answers whether there may be more to read, and a connection that would take it.
fn read_once(hub: &mut Hub, id: ConnId, peer: &mut Peer) -> bool {
    let room = hub.intake(id).min(READ_PER_TURN).min(peer.incoming.len().max(1));
    if room == 0 {
        return false;
    }
    if !peer.incoming.is_empty() {
        let bytes: Vec<u8> = peer.incoming.drain(..room).collect();
        hub.receive(id, &bytes);
        return hub.intake(id) > 0;
    }
    peer.readable = false;
    match peer.over {
        Some(Ok(())) => hub.input_over(id),
        Some(Err(kind)) => hub.read_failed(id, kind),
        None if hub.is_deaf(id) => hub.input_over(id),
        None => {}
    }
    false
}

fn write_once(hub: &mut Hub, id: ConnId, peer: &mut Peer) {
    let output = hub.output(id);
    if output.is_empty() || !peer.writable {
        return;
    }
    if let Some(kind) = peer.broken {
        hub.write_failed(id, kind);
        (peer.readable, peer.listed) = (true, true);
        return;
    }
    let count = output.len().min(peer.window);
    peer.written.extend_from_slice(&output[..count]);
    peer.window -= count;
    peer.writable = count > 0;
    hub.wrote(id, count);
}

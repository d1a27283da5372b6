//! A hub, a pump and one TLS connection over a stream that is no socket; at its other end rustls itself.
//!
//! The stream behaves as the kernel's do: it tells of a change once, it takes what it has room for, and it gives what has
//! come so far. How much that is, chance decides.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;

use parlor::hub::{
    Address, ConnId, Cx, Framing, Hub, Limits, ListenerId, Moment, Profile, Reason, Service, ServiceId, Wall,
};
use parlor::net::pump::{Pump, Readiness, Wire};
use parlor::net::tls::Tls;
use rustls::{ClientConnection, Connection, ServerConnection};

use crate::authority::Authority;
use crate::chance::Chance;

/// What lies between the two ends.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    inbox: VecDeque<u8>,
    fin: bool,
    outbox: VecDeque<u8>,
    room: usize,
    pub(crate) shut: bool,
    /// A write found no room since the last event.
    starved: bool,
    /// Said by the next event.
    said: Readiness,
    /// Gives less than has come, as a Unix socket may.
    stingy: bool,
    chance: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Tube(pub(crate) Rc<RefCell<Pipe>>);

impl Read for Tube {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        assert!(!into.is_empty(), "a read into nothing");
        let mut pipe = self.0.borrow_mut();
        if pipe.inbox.is_empty() {
            return if pipe.fin { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let mut count = into.len().min(pipe.inbox.len());
        if pipe.stingy {
            pipe.chance = pipe.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            count = 1 + usize::try_from(pipe.chance >> 33).unwrap() % count;
        }
        into[..count].iter_mut().for_each(|byte| *byte = pipe.inbox.pop_front().unwrap());
        Ok(count)
    }
}

impl Write for Tube {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        assert!(!pipe.shut, "a write behind the end");
        let count = bytes.len().min(pipe.room - pipe.outbox.len());
        pipe.starved = count == 0;
        if pipe.starved {
            return Err(ErrorKind::WouldBlock.into());
        }
        pipe.outbox.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Tube {
    fn shut_write(&mut self) -> io::Result<()> {
        self.0.borrow_mut().shut = true;
        Ok(())
    }

    fn established(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn short_read_is_dry(&self) -> bool {
        !self.0.borrow().stingy
    }

    fn lingers(&self) -> bool {
        true
    }
}

impl Tube {
    pub(crate) fn new(room: usize, stingy: bool) -> Self {
        Self(Rc::new(RefCell::new(Pipe { room, stingy, chance: 1, ..Pipe::default() })))
    }

    /// The far end sends so much; what fits.
    pub(crate) fn arrives(&self, bytes: &[u8]) {
        let mut pipe = self.0.borrow_mut();
        pipe.inbox.extend(bytes);
        pipe.said.readable |= !bytes.is_empty();
    }

    pub(crate) fn ends(&self) {
        let mut pipe = self.0.borrow_mut();
        (pipe.fin, pipe.said.readable, pipe.said.doubtful) = (true, true, true);
    }

    /// The far end takes so much at most.
    pub(crate) fn leaves(&self, most: usize) -> Vec<u8> {
        let mut pipe = self.0.borrow_mut();
        let count = most.min(pipe.outbox.len());
        pipe.said.writable |= count > 0 && pipe.starved;
        pipe.outbox.drain(..count).collect()
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.0.borrow().shut && self.is_empty()
    }

    /// The far end has taken all that was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().outbox.is_empty()
    }

    /// The last write found no room.
    pub(crate) fn was_full(&self) -> bool {
        self.0.borrow().starved
    }

    fn event(&self) -> Readiness {
        std::mem::take(&mut self.0.borrow_mut().said)
    }
}

/// Sends back what comes, and remembers how it went.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) opened: usize,
    pub(crate) closed: Option<Reason>,
    pub(crate) heard: Vec<u8>,
    /// Says this first, and nothing more.
    pub(crate) says: Option<Vec<u8>>,
    /// And does not end with it.
    pub(crate) stays: bool,
}

impl Service for Mirror {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.opened += 1;
        if let Some(bytes) = &self.says {
            let _ = cx.send_wire(id, bytes);
            if !self.stays {
                cx.end(id);
            }
        }
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {
        unreachable!("everything is raw");
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.heard.extend(bytes);
        if self.says.is_none() {
            let _ = cx.send_wire(id, bytes);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, _id: ConnId, why: Reason) {
        self.closed = Some(why);
    }
}

/// Our side.
pub(crate) struct House {
    hub: Hub,
    pump: Pump<Tls<Tube>>,
    service: ServiceId,
    listener: ListenerId,
    tube: Tube,
    /// Shaking hands on the porch.
    waiting: Option<Tls<Tube>>,
    id: Option<ConnId>,
}

impl House {
    pub(crate) fn new(authority: &Authority, tube: &Tube, mirror: Mirror) -> Self {
        Self::framed(authority, tube, mirror, Framing::Raw)
    }

    pub(crate) fn framed(authority: &Authority, tube: &Tube, mirror: Mirror, framing: Framing) -> Self {
        let session = ServerConnection::new(authority.here().server()).unwrap();
        let mut hub = Hub::new(Limits::default(), Box::new(|_| {}));
        let service = hub.add(mirror);
        let (limits, address) = (Rc::new(Limits::default()), Address::Pipe);
        let listener = hub.listen(service, Profile { framing, silence: None, refuse_http: false, limits, address });
        let waiting = Some(Tls::new(tube.clone(), session));
        Self { hub, pump: Pump::default(), service, listener, tube: tube.clone(), waiting, id: None }
    }

    pub(crate) fn mirror(&self) -> &Mirror {
        self.hub.service(self.service).unwrap()
    }

    /// The far end is given up for reading too slowly.
    pub(crate) fn gives_up(&mut self) {
        self.hub.give_up_slow(self.id.unwrap());
        self.turns();
    }

    /// Turns until nothing is left to do without an event.
    pub(crate) fn turns(&mut self) {
        for _ in 0..10_000 {
            let event = self.tube.event();
            if !(event.readable || event.writable || self.hub.is_busy() || self.pump.is_busy()) {
                return;
            }
            self.hub.begin(Moment::START, Wall::from_millis(0));
            self.shake_hands();
            if let Some(id) = self.id {
                self.pump.mark(&mut self.hub, id, event);
            }
            self.pump.read(&mut self.hub);
            self.hub.turn_end();
            self.pump.flush(&mut self.hub);
        }
        panic!("the loop does not come to rest");
    }

    fn shake_hands(&mut self) {
        let Some(waiting) = &mut self.waiting else { return };
        match waiting.established() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            done => done.expect("the handshake is a good one"),
        }
        let id = self.hub.accepted(self.listener, Address::Pipe, None);
        self.pump.accepted(id, self.waiting.take().expect("it has just shaken hands"));
        self.id = Some(id);
        // To be watched anew brings an event of what is so: what the kernel holds, and only that.
        let mut pipe = self.tube.0.borrow_mut();
        pipe.said = Readiness { readable: !pipe.inbox.is_empty() || pipe.fin, writable: true, ..Readiness::default() };
    }
}

/// The other side: rustls, and what it has sent and heard.
pub(crate) struct Far {
    pub(crate) session: Connection,
    /// Records on their way to us.
    pub(crate) sent: VecDeque<u8>,
    pub(crate) heard: Vec<u8>,
    /// It heard a goodbye, and not only an end.
    pub(crate) parted: bool,
}

impl Far {
    pub(crate) fn new(authority: &Authority) -> Self {
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::clone(&authority.client()), name).unwrap().into();
        Self { session, sent: VecDeque::new(), heard: Vec::new(), parted: false }
    }

    /// Carries up to so many bytes each way.
    pub(crate) fn exchange(&mut self, tube: &Tube, out: usize, back: usize) {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.sent).unwrap();
        }
        let piece: Vec<u8> = self.sent.drain(..out.min(self.sent.len())).collect();
        tube.arrives(&piece);
        let came = tube.leaves(back);
        let mut came = &came[..];
        while !came.is_empty() {
            assert!(self.session.read_tls(&mut came).unwrap() > 0, "records behind a goodbye");
            let state = self.session.process_new_packets().expect("we keep to the protocol");
            let mut bytes = vec![0; state.plaintext_bytes_to_read()];
            self.session.reader().read_exact(&mut bytes).unwrap();
            self.heard.extend(bytes);
            self.parted |= state.peer_has_closed();
        }
    }
}

/// Bytes that differ.
pub(crate) fn bytes(chance: &mut Chance, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    chance.fill(&mut bytes);
    bytes
}

//! Datagrams. Each source is a connection of the hub, and each datagram a frame, so a service never knows the
//! difference: it is handed length-prefixed frames, and what it answers is taken apart again.
//!
//! A source can be forged. So no answer is longer than its question, nothing is said unasked, an address is answered
//! only so fast, and our own words are known when they come back.

mod loss;
mod pace;
mod source;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Interest, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use self::loss::Loss;
use self::pace::Paces;
use self::source::Source;
use super::counts::Counts;
use super::pump::Pump;
use super::reactor::Reactor;
use super::socket::{self, Options, Role};
use super::stream::Stream;
use crate::hub::{Address, ConnId, Framing, Hub, Inspection, LINE, ListenerId, Moment, Reason};

pub use self::source::Answers;

/// The longest datagram: as long as a line. UDP itself goes to 65,507 bytes, but beyond some 1,400 a datagram travels
/// in pieces, of which the loss of one is the loss of all.
pub const DATAGRAM: u32 = LINE;
/// How a source's frames stand before the hub.
pub const FRAMING: Framing = Framing::Length { max: DATAGRAM };
/// A source that is silent for so long is forgotten.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How much strangers get. Whoever made the loop can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The longest datagram, in bytes; at most [`DATAGRAM`], and longer than what is said of one that is too long.
    pub datagram: u32,
    /// Sources that are known at a time; whoever was silent for longest makes room for a newcomer.
    pub sources: usize,
    /// An address beyond this machine is answered so many times at once,
    pub burst: u32,
    /// then so many times a second: as fast as somebody may speak in the chat.
    pub rate: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self { datagram: DATAGRAM, sources: 1024, burst: 50, rate: 20 }
    }
}

/// Datagrams read from one socket in a turn.
const PER_TURN: usize = 256;
/// Bytes of them. Less than a source's output may hold before it is paused, even if every letter grows to three in its
/// capital form: the datagrams of a paused source are lost, for there is nobody to hold them back.
const BYTES_PER_TURN: usize = 16 * 1024;
/// What a socket asks for to hold a burst. A small datagram costs the kernel 768 bytes, so the 64 KiB of a stream
/// would be full with 170 of them.
const BURST_BUFFER: u32 = 1024 * 1024;
/// How many of those who were silent for longest are looked at for one whose connection is gone. More than a talk lets
/// stand, which closes strangers itself: so forged sources push nobody out of it.
const LOOKED_AT: usize = 32;
/// Ports below are those of services, and no client asks from one. An answer to a service that answers too, such as the old
/// echo and chargen, could begin a conversation without end; inetd's own echo keeps to the same rule.
const SERVICES_BELOW: u16 = 1024;
/// The length that stands before each frame.
const PREFIX: usize = 4;

/// Tokens above those of all listeners, below every connection's.
pub(super) const FIRST_SOCKET: usize = 1 << 31;

/// How sources are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Strangers ask, we answer.
    Answering,
    /// People who know each other's addresses talk: both speak when they like, and see to the pace themselves.
    Conversing,
}

/// A bound socket that does not belong to a hub yet.
#[derive(Debug)]
pub struct Bound {
    socket: UdpSocket,
    options: Options,
    address: SocketAddr,
}

/// Binds.
///
/// # Errors
/// The address is in use, not ours, or not permitted.
pub fn bind(address: SocketAddr, options: &Options) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    let burst = options.receive_buffer.map(|size| size.max(BURST_BUFFER));
    let options = Options { receive_buffer: burst, ..options.clone() };
    for (name, error) in socket::apply(&socket, &options, Role::Listener) {
        log::warn!("this system does not take the socket option {name}: {error}");
    }
    socket.bind(&address.into())?;
    let socket = UdpSocket::from_std(socket.into());
    let address = socket.local_addr()?;
    Ok(Bound { socket, options, address })
}

impl Bound {
    /// Where it is bound, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its options are, asked and granted.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        socket::inspect(&SockRef::from(&self.socket), &self.options, Role::Listener)
    }
}

#[derive(Debug)]
struct Port {
    listener: ListenerId,
    socket: Rc<UdpSocket>,
    address: SocketAddr,
    manner: Manner,
    /// An event said that something came, and no read has proved it wrong since.
    ready: bool,
}

/// A source as it is found: by socket and address.
type Key = (usize, SocketAddr);

#[derive(Debug)]
struct Known {
    source: Rc<Source>,
    /// When it spoke last, counted in datagrams; `None`: it never makes room for others.
    heard: Option<u64>,
}

/// All sockets for datagrams, and the sources that are known.
#[derive(Debug)]
pub(super) struct Datagrams {
    ports: Vec<Port>,
    known: BTreeMap<Key, Known>,
    /// The same sources in the order in which they spoke last.
    by_age: BTreeMap<u64, Key>,
    heard: u64,
    /// Connections that stand for sources.
    standing: Rc<Cell<usize>>,
    paces: Paces,
    terms: Terms,
    lost: Rc<Counts>,
    /// Where a datagram is read, behind its length. One byte longer than the longest: what fills it is over-long.
    scratch: Box<[u8]>,
}

impl Default for Datagrams {
    fn default() -> Self {
        let scratch = vec![0; PREFIX + DATAGRAM as usize + 1].into_boxed_slice();
        let (known, by_age, paces) = (BTreeMap::new(), BTreeMap::new(), Paces::default());
        Self {
            ports: Vec::new(),
            known,
            by_age,
            heard: 0,
            standing: Rc::default(),
            paces,
            terms: Terms::default(),
            lost: Loss::counts(),
            scratch,
        }
    }
}

impl Reactor {
    /// Reads a bound socket, for a listener of the hub whose frames stand in [`FRAMING`].
    ///
    /// # Errors
    /// When the kernel can't watch it.
    pub fn listen_datagrams(&mut self, mut bound: Bound, listener: ListenerId, manner: Manner) -> io::Result<()> {
        let token = Token(FIRST_SOCKET + self.udp.ports.len());
        self.poll.registry().register(&mut bound.socket, token, Interest::READABLE)?;
        let Bound { socket, address, .. } = bound;
        self.udp.ports.push(Port { listener, socket: Rc::new(socket), address, manner, ready: false });
        Ok(())
    }

    /// Treats strangers so, on all sockets.
    pub fn treat_datagrams(&mut self, terms: Terms) {
        self.udp.paces.set(terms.burst, terms.rate);
        self.udp.terms = terms;
    }

    /// How many datagrams were dropped, answers included, by why.
    #[must_use]
    pub fn lost_datagrams(&self) -> Rc<Counts> {
        Rc::clone(&self.udp.lost)
    }

    /// Makes a connection of an address that has not spoken yet, on the socket that was given to `listener`. It never
    /// makes room for others.
    pub fn expect_datagrams(&mut self, listener: ListenerId, peer: SocketAddr) -> Option<ConnId> {
        let Self { udp, hub, pump, .. } = self;
        let index = udp.ports.iter().position(|port| port.listener == listener)?;
        let source = udp.admit((index, peer), None, hub, pump);
        Some(source.id)
    }
}

impl Datagrams {
    /// Connections that stand for sources, and have no descriptor of their own.
    pub(super) fn standing(&self) -> usize {
        self.standing.get()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ports.iter().any(|port| port.ready)
    }

    pub(super) fn mark(&mut self, token: usize) {
        if let Some(port) = self.ports.get_mut(token - FIRST_SOCKET) {
            port.ready = true;
        }
    }

    /// Nothing more is heard; what is known can still be answered.
    pub(super) fn close(&mut self) {
        self.ports.clear();
    }

    /// Reads every socket until it is dry, or has had its share of this turn.
    pub(super) fn read(&mut self, hub: &mut Hub, pump: &mut Pump<Stream>, now: Moment) {
        for index in 0..self.ports.len() {
            let (mut count, mut bytes) = (0, 0);
            while self.ports[index].ready && count < PER_TURN && bytes < BYTES_PER_TURN {
                count += 1;
                match self.ports[index].socket.recv_from(&mut self.scratch[PREFIX..]) {
                    Ok((size, from)) => {
                        bytes += PREFIX + size;
                        if let Err(loss) = self.heed((index, from), size, hub, pump, now) {
                            self.lost.count(loss.code());
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => self.ports[index].ready = false,
                    // Word of a datagram that found nobody, or a signal: neither says anything of the next one.
                    Err(_) => {}
                }
            }
        }
    }

    /// One datagram came. It becomes a frame of its source's connection, or is dropped without a word.
    fn heed(&mut self, key: Key, size: usize, hub: &mut Hub, pump: &mut Pump<Stream>, now: Moment) -> Result<(), Loss> {
        let (port, from) = (&self.ports[key.0], key.1);
        let lowest = if port.manner == Manner::Answering { SERVICES_BELOW } else { 1 };
        let may_answer = from.port() >= lowest && from != port.address && !is_for_many(from.ip());
        let is_known = self.known.get(&key).is_some_and(|known| known.heard.is_none());
        if !may_answer {
            return Err(Loss::NoAnswer);
        }
        if !is_known && !self.paces.admit(from, now) {
            return Err(Loss::TooFast);
        }
        let most = self.terms.datagram;
        if size > most as usize {
            if port.manner == Manner::Answering {
                let reason = format!("! too-long: a datagram here has at most {most} bytes; nothing of it was used");
                let _ = port.socket.send_to(reason.as_bytes(), from);
            }
            return Err(Loss::TooLong);
        }
        let source = self.source(key, hub, pump);
        let length = u32::try_from(size).expect("a datagram is small");
        self.scratch[..PREFIX].copy_from_slice(&length.to_be_bytes());
        let frame = &self.scratch[..PREFIX + size];
        if !source.hears(&frame[PREFIX..], now) {
            return Err(Loss::Echo);
        }
        if hub.intake(source.id) < frame.len() {
            return Err(Loss::NoRoom);
        }
        source.asked(size);
        hub.receive(source.id, frame);
        Ok(())
    }

    /// The source of a datagram; a new one, if it was not known or its connection is gone.
    fn source(&mut self, key: Key, hub: &mut Hub, pump: &mut Pump<Stream>) -> Rc<Source> {
        self.heard += 1;
        match self.known.get_mut(&key).filter(|known| hub.about(known.source.id).is_some()) {
            None => self.admit(key, Some(self.heard), hub, pump),
            Some(Known { source, heard }) => {
                if let Some(before) = heard.as_mut().map(|heard| std::mem::replace(heard, self.heard)) {
                    self.by_age.remove(&before);
                    self.by_age.insert(self.heard, key);
                }
                Rc::clone(source)
            }
        }
    }

    fn admit(&mut self, key: Key, heard: Option<u64>, hub: &mut Hub, pump: &mut Pump<Stream>) -> Rc<Source> {
        self.forget(&key, hub);
        if self.known.len() >= self.terms.sources
            && let Some(&oldest) = self.by_age.values().next()
        {
            self.make_room(&oldest, hub);
        }
        let port = &self.ports[key.0];
        let id = hub.accepted(port.listener, Address::Udp(key.1), None);
        let source = Rc::new(Source::new(id, Rc::clone(&port.socket), key.1, port.manner));
        pump.accepted(id, Stream::Datagrams(Answers::new(Rc::clone(&source), &self.standing, &self.lost)));
        self.known.insert(key, Known { source: Rc::clone(&source), heard });
        if let Some(heard) = heard {
            self.by_age.insert(heard, key);
        }
        source
    }

    /// The oldest goes, but rather one of the oldest whose connection is gone already.
    fn make_room(&mut self, oldest: &Key, hub: &mut Hub) {
        let is_gone = |key: &&Key| self.known.get(key).is_some_and(|known| hub.about(known.source.id).is_none());
        let gone = self.by_age.values().take(LOOKED_AT).find(is_gone).copied();
        self.forget(&gone.unwrap_or(*oldest), hub);
    }

    fn forget(&mut self, key: &Key, hub: &mut Hub) {
        if let Some(known) = self.known.remove(key) {
            known.heard.map(|heard| self.by_age.remove(&heard));
            hub.fail(known.source.id, Reason::Closed);
        }
    }
}

/// An answer to such an address would go to a whole network.
fn is_for_many(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_broadcast() || address.is_multicast() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_multicast() || address.is_unspecified(),
    }
}

//! Everybody whom one could talk to, and the one whom one does talk to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::book::{Book, Person};
use super::peer::{Heard, Peer, Said};
use crate::hub::{ConnId, Moment};
use crate::services::chat::{Alphabet, MAX_NAME, Name, neutralise};

/// Addresses that are not in the book; then whoever was silent for longest goes.
const STRANGERS: usize = 16;

/// Somebody said something, as it is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who they say they are, and what else is to be known of that.
    pub who: String,
    /// What they said, as it came.
    pub text: String,
    /// They are the one whom we talk to from now on.
    pub news: Option<String>,
}

/// The people around us.
#[derive(Debug)]
pub struct Circle {
    me: Name,
    address: SocketAddr,
    book: Book,
    peers: BTreeMap<ConnId, Peer>,
    /// What they last called themselves.
    callers: BTreeMap<ConnId, String>,
    partner: Option<(ConnId, String)>,
    /// Whoever speaks first becomes the partner. Not once the user has chosen.
    takes_anybody: bool,
    /// Lines for those whose connection is gone.
    lost: usize,
}

impl Circle {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(me: Name, address: SocketAddr, book: Book) -> Self {
        let (peers, callers) = (BTreeMap::new(), BTreeMap::new());
        Self { me, address, book, peers, callers, partner: None, takes_anybody: true, lost: 0 }
    }

    /// Who we are.
    #[must_use]
    pub fn me(&self) -> &str {
        self.me.as_str()
    }

    /// Where we are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who is said to be where.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Everybody who has a connection.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> + Clone {
        self.peers.values()
    }

    /// The same, to be spoken to.
    pub fn peers_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.peers.values_mut()
    }

    /// Somebody by their connection.
    pub fn peer_mut(&mut self, id: ConnId) -> Option<&mut Peer> {
        self.peers.get_mut(&id)
    }

    /// Whom we talk to, and by which name.
    #[must_use]
    pub fn partner(&self) -> Option<(&Peer, String)> {
        let (id, name) = self.partner.as_ref()?;
        let peer = self.peers.get(id)?;
        Some((peer, self.marked(name, peer.address)))
    }

    /// A name, with a mark if it is not the book that says so.
    fn marked(&self, name: &str, address: SocketAddr) -> String {
        let mark = if self.book.places(name, address) { "" } else { "?" };
        format!("{name}{mark}")
    }

    /// An address has a connection now. Answers whose is to be closed, if there are too many strangers.
    pub fn join(&mut self, peer: Peer) -> Option<ConnId> {
        let id = peer.id;
        self.peers.insert(id, peer);
        let listed = |peer: &&Peer| self.book.people().iter().any(|one| one.address == peer.address);
        let strangers = self.peers.values().filter(|peer| !listed(peer));
        let is_partner = |peer: &&Peer| self.partner.as_ref().is_some_and(|(partner, _)| *partner == peer.id);
        let others = strangers.clone().filter(|peer| peer.id != id && !is_partner(peer));
        let oldest = others.min_by_key(|peer| peer.heard_at).map(|peer| peer.id);
        oldest.filter(|_| strangers.count() > STRANGERS)
    }

    /// A connection is gone.
    pub fn leave(&mut self, id: ConnId) {
        self.lost += self.peers.remove(&id).map_or(0, |peer| peer.undelivered());
        self.callers.remove(&id);
        self.partner.take_if(|(partner, _)| *partner == id);
    }

    /// Chooses the first partner: the one asked for, or the only one there is. Answers who it is.
    ///
    /// # Errors
    /// There is nobody of the name asked for.
    pub fn choose_first(&mut self, asked: Option<&str>) -> Result<Option<String>, String> {
        let others = || self.book.people().iter().filter(|one| self.is_elsewhere(one));
        let only = others().next().filter(|_| others().count() == 1).map(|one| one.name.to_string());
        asked.map(str::to_owned).or(only).map(|name| self.choose(&name)).transpose()
    }

    /// Talks to somebody else: a name, or the address of somebody who has spoken. Answers who it is, in words.
    ///
    /// # Errors
    /// There is nobody of that name, or no way to them.
    pub fn choose(&mut self, wanted: &str) -> Result<String, String> {
        if wanted.is_empty() {
            return Err(format!("no-such-name: whom? there are {}", self.names()));
        }
        let found = match (self.book.find(wanted).filter(|one| self.is_elsewhere(one)), wanted.parse()) {
            (Some(one), _) if !self.leads_to(one.address) => {
                let (name, there, here) = (&one.name, one.address, self.address);
                return Err(format!("no-way: {name} is at {there}, and from {here} no way leads there"));
            }
            (Some(one), _) => self.at(one.address).map(|id| (id, one.name.to_string())),
            (None, Ok(address)) => self.at(address).map(|id| {
                let called = self.callers.get(&id).map_or("somebody", String::as_str);
                (id, called.to_owned())
            }),
            // At our own address, or nowhere: whoever last called themselves so.
            (None, Err(_)) => self.caller(wanted).map(|id| (id, self.callers[&id].clone())),
        };
        let Some((id, name)) = found else {
            let (nobody, names) = (neutralise(wanted), self.names());
            return Err(format!("no-such-name: there is no {nobody} elsewhere; there are {names}"));
        };
        let address = self.peers[&id].address;
        let news = format!("you talk to {}, at {address}", self.marked(&name, address));
        self.partner = Some((id, name));
        self.takes_anybody = false;
        Ok(news)
    }

    /// Talks to nobody.
    pub fn choose_nobody(&mut self) {
        (self.partner, self.takes_anybody) = (None, false);
    }

    /// Says something to the partner; answers how many lines wait for them. `None` if there is nobody.
    pub fn say(&mut self, text: &str, now: Moment) -> Option<usize> {
        let (id, name) = self.partner.as_ref()?;
        let peer = self.peers.get_mut(id)?;
        peer.say(Said::Text { to: name.clone(), text: text.to_owned() }, now);
        Some(peer.outgoing.len())
    }

    /// Somebody says something.
    pub fn hear(&mut self, id: ConnId, from: &str, to: &str, text: String) -> Line {
        let address = self.peers.get(&id).map_or(self.address, |peer| peer.address);
        let from = shown(from);
        let mut who = format!("{from}?");
        if !self.book.places(&from, address) {
            who = format!("{who} at {address}");
        }
        if Name::new(to, Alphabet::OneScript).map_or(true, |name| name.key() != self.me.key()) {
            who = format!("{who} to {}", shown(to));
        }
        let mut news = None;
        if self.partner.is_none() && self.takes_anybody {
            news = Some(format!("you talk to {from}?, at {address}"));
            self.partner = Some((id, from.clone()));
        }
        self.callers.insert(id, from);
        Line { who, text, news }
    }

    /// News of somebody that is nothing they said.
    #[must_use]
    pub fn news(&self, id: ConnId, what: &Heard) -> Option<String> {
        let called = self.callers.get(&id).map_or_else(|| "somebody".to_owned(), |name| format!("{name}?"));
        let who = self.peers.get(&id).map(|peer| format!("{called} at {}", peer.address))?;
        match what {
            Heard::Text { .. } => None,
            Heard::End => Some(format!("{who} has left")),
            Heard::Anew => Some(format!("{who} began anew; what did not arrive is said again")),
        }
    }

    /// How many lines have not arrived, as far as is known.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.lost + self.peers().map(Peer::undelivered).sum::<usize>()
    }

    /// All names of the book.
    #[must_use]
    pub fn names(&self) -> String {
        self.book.people().iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn is_elsewhere(&self, one: &Person) -> bool {
        one.address.port() != 0 && one.address != self.address && one.name.key() != self.me.key()
    }

    /// Another family can't be reached, and from an address of this machine alone nothing beyond it.
    fn leads_to(&self, there: SocketAddr) -> bool {
        let here = self.address;
        here.is_ipv4() == there.is_ipv4() && (!here.ip().is_loopback() || there.ip().is_loopback())
    }

    fn at(&self, address: SocketAddr) -> Option<ConnId> {
        self.peers().find(|peer| peer.address == address).map(|peer| peer.id)
    }

    fn caller(&self, name: &str) -> Option<ConnId> {
        let wanted = Name::new(name, Alphabet::OneScript).ok()?;
        let is_called = |called: &str| Name::new(called, Alphabet::OneScript).is_ok_and(|it| it.key() == wanted.key());
        let found = self.callers.iter().filter(|(_, called)| is_called(called)).map(|(id, _)| *id);
        found.max_by_key(|id| self.peers.get(id).and_then(|peer| peer.heard_at))
    }
}

/// A name out of a datagram. Anybody can write anything into one, so whatever no name has is taken out: it could look
/// like the end of the name, and the rest like somebody's words.
fn shown(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { char::REPLACEMENT_CHARACTER };
    match Name::new(name, Alphabet::OneScript) {
        Ok(name) => name.to_string(),
        Err(_) if name.is_empty() => char::REPLACEMENT_CHARACTER.into(),
        Err(_) => name.chars().take(MAX_NAME).map(letter).collect(),
    }
}

//! The service behind `parlor talk`: what is typed goes out, what comes is shown, and nobody waits for anybody.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::book::{Book, Person};
use super::peer::{Heard, Peer, Said};
use super::wire::TEXT;
use crate::hub::{Address, ConnId, Cx, Framing, Hold, Moment, Reason, Sent, Service, Target};
use crate::services::chat::{Alphabet, Name, neutralise};

/// Lines for one person that wait; then no more are read. A script must not fill the memory.
const QUEUE: usize = 1000;
/// Addresses that are not in the book and have shown that they hear us; then whoever was silent for longest goes.
const STRANGERS: usize = 16;
/// How long nobody answers before the user is told.
const MISSED: Duration = Duration::from_secs(10);
/// How long a person who leaves waits for the last lines to arrive.
const LEAVE: Duration = Duration::from_secs(5);
/// How long somebody stays whose conversations have ended: the far side may not know that we heard its last line, and
/// say it again. TCP's `TIME_WAIT` is for the same.
const LINGER: Duration = Duration::from_secs(1);
/// How often it is told meanwhile.
const TELL_AGAIN: Duration = Duration::from_millis(100);

const HELP: &str = "a line is said to whom you talk to; /to NAME or quit changes that; /who shows the book; // begins a \
                    line with /; /quit or the end of the input leaves";

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are.
    pub me: Name,
    /// Where we are.
    pub address: SocketAddr,
    /// Everybody.
    pub book: Book,
    /// Whom to talk to at first.
    pub to: Option<String>,
    /// Somebody sits at a terminal: leaving is leaving, whatever the others still say.
    pub is_person: bool,
    /// How long a script whose input has ended goes on listening while nothing comes.
    pub wait: Duration,
}

/// The service.
#[derive(Debug)]
pub struct Talk {
    settings: Settings,
    input: Option<ConnId>,
    output: Option<ConnId>,
    peers: BTreeMap<ConnId, Peer>,
    /// What they last called themselves.
    callers: BTreeMap<ConnId, String>,
    partner: Option<(ConnId, String)>,
    /// Whoever speaks first becomes the partner. Not once the user has chosen.
    takes_anybody: bool,
    /// Standard output takes no more for now: what comes is not taken either, and will come again.
    lags: bool,
    /// Since when there is no more input.
    closing: Option<Moment>,
    /// When those are told again what we heard who may not know.
    tell_at: Moment,
    scratch: String,
}

impl Talk {
    /// A talk that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            input: None,
            output: None,
            peers: BTreeMap::new(),
            callers: BTreeMap::new(),
            partner: None,
            takes_anybody: true,
            lags: false,
            closing: None,
            tell_at: Moment::START,
            scratch: String::new(),
        }
    }

    /// Begins: reads and writes these.
    pub fn begin(&mut self, cx: &mut Cx<'_>, input: Target, output: Target) {
        self.input = Some(cx.open(input, Framing::LINES));
        self.output = Some(cx.open(output, Framing::LINES));
    }

    /// Makes a conversation of an address of the book.
    pub fn expect(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(Address::Udp(address)) = cx.about(id).map(|about| about.peer) else { return };
        let peer = Peer::new(id, *address, unguessable(cx));
        self.peers.insert(id, peer);
    }

    /// Chooses the first partner: the one asked for, or the only one there is.
    ///
    /// # Errors
    /// There is nobody of the name asked for.
    pub fn choose_first(&mut self) -> Result<(), String> {
        let others = || self.settings.book.people().iter().filter(|one| self.is_elsewhere(one));
        let only = others().next().filter(|_| others().count() == 1).map(|one| one.name.to_string());
        match self.settings.to.clone().or(only) {
            Some(name) => self.choose(&name),
            None => Ok(()),
        }
    }

    /// How many lines have not arrived, as far as is known.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.peers.values().map(Peer::undelivered).sum()
    }

    fn is_elsewhere(&self, one: &Person) -> bool {
        one.address.port() != 0 && one.address != self.settings.address && one.name.key() != self.settings.me.key()
    }

    fn names(&self) -> String {
        self.settings.book.people().iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn choose(&mut self, name: &str) -> Result<(), String> {
        let listed = self.settings.book.find(name).filter(|one| self.is_elsewhere(one));
        let (id, name) = match listed {
            Some(one) => {
                let id = self.peers.values().find(|peer| peer.address == one.address).map(|peer| peer.id);
                (id, one.name.to_string())
            }
            // At our own address, or nowhere: whoever last called themselves so.
            None => (self.caller(name), name.to_owned()),
        };
        let Some(id) = id else {
            let names = self.names();
            return Err(format!("no-such-name: there is no {} elsewhere; there are {names}", neutralise(&name)));
        };
        note(&format!("you talk to {name}, at {}", self.peers[&id].address));
        self.partner = Some((id, name));
        self.takes_anybody = false;
        Ok(())
    }

    fn caller(&self, name: &str) -> Option<ConnId> {
        let wanted = Name::new(name, Alphabet::OneScript).ok()?;
        let is_called = |called: &str| Name::new(called, Alphabet::OneScript).is_ok_and(|it| it.key() == wanted.key());
        let found = self.callers.iter().filter(|(_, called)| is_called(called)).map(|(id, _)| *id);
        found.max_by_key(|id| self.peers.get(id).and_then(|peer| peer.heard_at))
    }

    /// A line of the input.
    fn typed(&mut self, cx: &mut Cx<'_>, line: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(line).map_err(|_| "not-utf8: this line is no UTF-8 text; it was not sent")?;
        match text.split_once(' ').unwrap_or((text, "")) {
            _ if text.trim().is_empty() => {}
            ("quit", "") => {
                (self.partner, self.takes_anybody) = (None, false);
                note(&format!("to whom? {}", self.names()));
            }
            ("/quit", _) => self.leave(cx),
            ("/to", name) => self.choose(name.trim())?,
            ("/who", "") => {
                for one in self.settings.book.people() {
                    note(&format!("{} at {}", one.name, one.address));
                }
            }
            ("/help", _) => note(HELP),
            _ if text.starts_with('/') && !text.starts_with("//") => {
                return Err(format!("unknown-command: {}; {HELP}", neutralise(text)));
            }
            _ if text.len() > TEXT => {
                return Err(format!("too-long: a line has at most {TEXT} bytes; it was not sent"));
            }
            _ => match &self.partner {
                None => self.choose(text.trim())?,
                Some((id, name)) => {
                    let to = name.clone();
                    let text = text.strip_prefix('/').unwrap_or(text).to_owned();
                    let Some(peer) = self.peers.get_mut(id) else { return Ok(()) };
                    peer.say(Said::Text { to, text }, cx.now());
                    if let Some(input) = self.input.filter(|_| peer.outgoing.len() >= QUEUE) {
                        cx.hold(input, Hold::PEER);
                    }
                }
            },
        }
        Ok(())
    }

    /// A datagram.
    fn came(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&id).filter(|_| !self.lags) else { return };
        let (now, address) = (cx.now(), peer.address);
        let mut heard = Vec::new();
        if let Some(answer) = peer.hear(bytes, now, |what| heard.push(what)) {
            let _ = cx.send(id, answer.as_bytes());
        }
        for what in heard {
            let called = || self.callers.get(&id).map_or_else(|| "somebody".to_owned(), |name| unverified(name));
            match what {
                Heard::Text { from, to, text } => self.show(cx, (id, address), &from, &to, &text),
                Heard::End => note(&format!("{} at {address} has left", called())),
                Heard::Anew => {
                    note(&format!("{} at {address} began anew; what did not arrive is said again", called()));
                }
            }
        }
    }

    fn show(&mut self, cx: &mut Cx<'_>, (id, address): (ConnId, SocketAddr), from: &str, to: &str, text: &str) {
        let mut who = unverified(from);
        if !self.settings.book.places(from, address) {
            who = format!("{who} at {address}");
        }
        if Name::new(to, Alphabet::OneScript).map_or(true, |name| name.key() != self.settings.me.key()) {
            who = format!("{who} to {}", neutralise(to));
        }
        self.callers.insert(id, from.to_owned());
        if self.partner.is_none() && self.takes_anybody {
            note(&format!("you talk to {}, at {address}", unverified(from)));
            self.partner = Some((id, from.to_owned()));
        }
        let Some(output) = self.output else { return };
        self.lags |= cx.send(output, format!("<{who}> {}", neutralise(text)).as_bytes()) == Sent::Full;
    }

    /// There will be no more input.
    fn leave(&mut self, cx: &Cx<'_>) {
        self.closing.get_or_insert(cx.now());
    }

    /// Says what is due, to everybody; answers when something will be due again.
    fn speak(&mut self, cx: &mut Cx<'_>) -> Option<Moment> {
        let now = cx.now();
        let Self { peers, settings, scratch, closing, .. } = self;
        let mut deadline: Option<Moment> = None;
        for peer in peers.values_mut() {
            if closing.is_some() && !peer.is_told_end && (peer.stands() || !peer.outgoing.is_empty()) {
                peer.say(Said::End, now);
            }
            let id = peer.id;
            peer.speak(now, settings.me.as_str(), scratch, |datagram| {
                let _ = cx.send(id, datagram.as_bytes());
            });
            let mut missed = None;
            if !peer.outgoing.is_empty() && !peer.is_missed {
                missed = Some(peer.waits_since + MISSED);
                if missed <= Some(now) {
                    (peer.is_missed, missed) = (true, None);
                    let (lines, address) = (peer.undelivered(), peer.address);
                    note(&format!("! no-answer: nobody answers at {address}; {lines} lines wait and are sent again"));
                }
            }
            deadline = [deadline, peer.deadline(), missed].into_iter().flatten().min();
        }
        deadline
    }

    /// May we go? Answers when to ask again.
    fn part(&mut self, cx: &mut Cx<'_>) -> Option<Moment> {
        let (since, now) = (self.closing?, cx.now());
        let last = |when: fn(&Peer) -> Option<Moment>| self.peers.values().filter_map(when).max().unwrap_or(since);
        let (heard, said) = (last(|peer| peer.heard_at).max(since), last(|peer| peer.said_at).max(since));
        let all_arrived = self.peers.values().all(|peer| peer.outgoing.is_empty());
        let mut told = self.peers.values().filter(|peer| peer.is_told_end).peekable();
        let over = told.peek().is_some() && told.all(|peer| peer.has_ended);
        let until = match (self.settings.is_person, all_arrived && over) {
            (true, _) if all_arrived => now,
            (true, _) => since + LEAVE,
            (false, true) => said + LINGER,
            (false, false) => heard + self.settings.wait,
        };
        if until <= now {
            cx.stop();
            return None;
        }
        if !over || self.tell_at > now {
            return Some(if over { until.min(self.tell_at) } else { until });
        }
        self.tell_at = now + TELL_AGAIN;
        for peer in self.peers.values() {
            peer.acknowledge(&mut self.scratch, |datagram| {
                let _ = cx.send(peer.id, datagram.as_bytes());
            });
        }
        Some(until.min(self.tell_at))
    }
}

impl Service for Talk {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if cx.about(id).is_some_and(|about| about.listener.is_none()) {
            return;
        }
        self.expect(cx, id);
        let listed = |peer: &&Peer| self.settings.book.people().iter().any(|one| one.address == peer.address);
        let strangers = self.peers.values().filter(|peer| !listed(peer));
        let is_partner = |peer: &&Peer| self.partner.as_ref().is_some_and(|(partner, _)| *partner == peer.id);
        let oldest =
            strangers.clone().filter(|peer| peer.id != id && !is_partner(peer)).min_by_key(|peer| peer.heard_at);
        if strangers.count() > STRANGERS
            && let Some(oldest) = oldest
        {
            cx.close(oldest.id);
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if Some(id) != self.input {
            self.came(cx, id, frame);
        } else if self.closing.is_none()
            && let Err(complaint) = self.typed(cx, frame)
        {
            note(&format!("! {complaint}"));
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if Some(id) == self.input {
            self.leave(cx);
        }
        cx.close(id);
    }

    fn drained(&mut self, _cx: &mut Cx<'_>, id: ConnId) {
        self.lags &= Some(id) != self.output;
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        let next = [self.speak(cx), self.part(cx)].into_iter().flatten().min();
        cx.set_alarm(next.unwrap_or(Moment::NEVER));
        if let Some(input) = self.input
            && self.peers.values().all(|peer| peer.outgoing.len() < QUEUE / 2)
        {
            cx.release(input, Hold::PEER);
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        if Some(id) == self.input {
            self.input = None;
            if !matches!(why, Reason::Ended | Reason::Stopping | Reason::Closed) {
                note(&format!("! input: {why}"));
            }
            self.leave(cx);
        } else if Some(id) == self.output {
            // Whoever read what we show is gone.
            self.output = None;
            cx.stop();
        } else if why != Reason::Stopping {
            self.peers.remove(&id);
            self.callers.remove(&id);
            self.partner.take_if(|(partner, _)| *partner == id);
        }
    }
}

/// A name out of a datagram: anybody can write any into one.
fn unverified(name: &str) -> String {
    format!("{}?", neutralise(name))
}

fn unguessable(cx: &mut Cx<'_>) -> u64 {
    let mut bytes = [0; 8];
    cx.random(&mut bytes);
    // Never 0, which means that it is not known.
    u64::from_ne_bytes(bytes).max(1)
}

/// Tells the user something that nobody said. Where nobody listens, it is lost.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "- {text}");
}

//! The service behind `parlor talk`: what is typed goes out, what comes is shown, and nobody waits for anybody.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::book::Book;
use super::circle::Circle;
use super::face::{Face, Lines};
use super::peer::{Heard, Peer};
use super::screen::{Act, Screen};
use super::typed::QUEUE;
use crate::client::standard::unkept;
use crate::hub::{Address, ConnId, Cx, Fault, Moment, News, Reason, Service};
use crate::services::chat::Name;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are.
    pub me: Name,
    /// Where we are.
    pub address: SocketAddr,
    /// Everybody.
    pub book: Book,
    /// Somebody sits at a terminal: leaving is leaving, whatever the others still say.
    pub is_person: bool,
    /// The terminal can show a picture, in colours or without; else it is lines.
    pub screen: Option<bool>,
    /// How long a script whose input has ended goes on listening while nothing comes.
    pub wait: Duration,
}

/// The service.
#[derive(Debug)]
pub struct Talk {
    pub(super) circle: Circle,
    pub(super) face: Face,
    pub(super) is_person: bool,
    pub(super) wait: Duration,
    /// Since when there is no more input.
    pub(super) closing: Option<Moment>,
    /// When those are told again what we heard who may not know.
    pub(super) tell_at: Moment,
    pub(super) scratch: String,
    /// Not all of the input could be read, or obeyed.
    pub(super) failed: bool,
}

impl Talk {
    /// A talk that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { me, address, book, is_person, screen, wait } = settings;
        let face = match screen {
            Some(colours) => Face::Screen(Box::new(Screen::new(colours))),
            None => Face::Lines(Lines::default()),
        };
        Self {
            circle: Circle::new(me, address, book),
            face,
            is_person,
            wait,
            closing: None,
            tell_at: Moment::START,
            scratch: String::new(),
            failed: false,
        }
    }

    /// Begins, once everybody of the book has a connection. `greeting` says where we are, `to` whom to talk to.
    ///
    /// # Errors
    /// The terminal can't be had, or nobody has that name.
    pub fn begin(&mut self, cx: &mut Cx<'_>, greeting: &str, to: Option<&str>) -> Result<(), String> {
        self.face.open(cx).map_err(|error: io::Error| format!("standard input and output: {error}"))?;
        self.face.note(cx, greeting);
        if let Some(news) = self.circle.choose_first(to)? {
            self.face.note(cx, &news);
        }
        Ok(())
    }

    /// How many lines have not arrived, as far as is known.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.circle.undelivered()
    }

    /// Was there input that could not be read, or lines of a script that were refused? The user was told.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// A datagram.
    fn came(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        if self.face.lags() {
            return;
        }
        let Some(peer) = self.circle.peer_mut(id) else { return };
        let mut heard = Vec::new();
        if let Some(answer) = peer.hear(bytes, cx.now(), |what| heard.push(what)) {
            let _ = cx.send(id, answer.as_bytes());
        }
        for what in heard {
            match what {
                Heard::Text { from, to, text } => {
                    let line = self.circle.hear(id, &from, &to, text);
                    self.face.heard(cx, &line);
                }
                news => self.circle.news(id, &news).into_iter().for_each(|news| self.face.note(cx, &news)),
            }
        }
    }

    /// Shows how things are. Answers when there will be something to show.
    fn show(&mut self, cx: &mut Cx<'_>) -> Option<Moment> {
        let Self { circle, face: Face::Screen(screen), closing, .. } = self else { return None };
        let partner = circle.partner();
        let title = partner.as_ref().map_or("to whom?", |(_, name)| name);
        let waiting = match circle.undelivered() {
            0 => String::new(),
            count => format!(" | {count} on the way"),
        };
        let missed = if partner.as_ref().is_some_and(|(peer, _)| peer.is_missed) { " | NO ANSWER" } else { "" };
        let leaving = if closing.is_some() { " | leaving" } else { "" };
        let status = format!("{} at {}{missed}{waiting}{leaving}", circle.me(), circle.address());
        screen.paint(cx, title, &status);
        Some(screen.due(cx.now()))
    }

    fn input_is_over(&mut self, cx: &mut Cx<'_>, why: Reason) {
        if !matches!(why, Reason::Ended | Reason::Stopping | Reason::Closed) {
            self.failed = true;
            self.face.complain(cx, &format!("input: {why}"));
        }
        self.leave(cx);
    }
}

impl Service for Talk {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(Address::Udp(address)) = cx.about(id).map(|about| about.peer) else { return };
        let peer = Peer::new(id, *address, unguessable(cx));
        if let Some(oldest) = self.circle.join(peer) {
            cx.close(oldest);
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        match &self.face {
            Face::Lines(lines) if lines.input == Some(id) => {
                if self.closing.is_none() {
                    self.typed(cx, frame);
                }
            }
            _ => self.came(cx, id, frame),
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Face::Screen(screen) = &mut self.face else { return };
        for act in screen.hear(cx, id, bytes) {
            match act {
                Act::Line(line) if self.closing.is_none() => self.typed(cx, line.as_bytes()),
                Act::Line(_) => {}
                Act::Leave => self.leave(cx),
            }
        }
    }

    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _fault: Fault) {
        // Whoever speaks to us by datagrams is told nothing of our rules, and a person by `closed`.
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
    }

    fn drained(&mut self, _cx: &mut Cx<'_>, id: ConnId) {
        if let Face::Lines(lines) = &mut self.face {
            lines.drained(id);
        }
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            // Once, for we hear no answers any more: so the others know at least that we go.
            self.closing.get_or_insert(cx.now());
            self.speak(cx);
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        let (spoken, parting) = (self.speak(cx), self.part(cx));
        let shown = self.show(cx);
        let next = [spoken, parting, shown].into_iter().flatten().min();
        cx.set_alarm(next.unwrap_or(Moment::NEVER));
        if let Face::Lines(lines) = &self.face
            && self.circle.peers().all(|peer| peer.outgoing.len() < QUEUE / 2)
        {
            lines.release(cx);
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        match &mut self.face {
            Face::Lines(lines) if lines.input == Some(id) => {
                lines.input = None;
                self.input_is_over(cx, why);
            }
            Face::Lines(lines) if lines.output == Some(id) => {
                lines.output = None;
                // Whoever read what we show is gone; or what should be kept can't be.
                if let Some(kind) = unkept(why) {
                    self.failed = true;
                    self.face.complain(cx, &format!("output: {kind}"));
                }
                cx.stop();
            }
            // The terminal is gone, and with it whoever sat there.
            Face::Screen(screen) if screen.is_at(id) => cx.stop(),
            _ if why != Reason::Stopping => self.circle.leave(id),
            _ => {}
        }
    }
}

fn unguessable(cx: &mut Cx<'_>) -> u64 {
    let mut bytes = [0; 8];
    cx.random(&mut bytes);
    // Never 0, which means that it is not known.
    u64::from_ne_bytes(bytes).max(1)
}

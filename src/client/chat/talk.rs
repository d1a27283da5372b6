//! A conversation on its line: connecting, heartbeat, trying again. A service owns one and hands it what the hub says
//! of the server's connection.

use std::collections::VecDeque;
use std::time::Duration;

use super::conversation::{Conversation, Event, Wishes};
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::client::line::Line;
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, Hold, JobId, Moment, Reason, Sent};

/// How often the server is asked whether it is there; also how often the round-trip time is measured.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long it may say nothing after that: the documents' number.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the server says to those whom it does not want back.
const SENT_AWAY: [&str; 2] = ["kicked:", "banned:"];

/// What a new user can do who finds nobody there.
const ADVICE: &str = "`parlor` alone starts a server; `parlor chat ADDRESS` leads to another";

/// Whoever shows what is heard has to catch up first.
const LAGGING: Hold = Hold::own(0);

/// What a service is told besides the conversation's own events.
#[derive(Debug)]
pub enum News {
    /// Something of the conversation.
    Event(Event),
    /// The line is down. It will be tried again after the pause, if there is one.
    Down(Trouble, Option<Duration>),
    /// How long a PING took.
    RoundTrip(Duration),
}

/// The conversation and its line.
#[derive(Debug)]
pub struct Talk {
    line: Line,
    /// What is said on it.
    pub conversation: Conversation,
    news: VecDeque<News>,
    /// When the PING was sent that has no answer yet.
    asked: Option<Moment>,
    pings: u64,
    next_ping: Moment,
    /// Something else than its answer came since the last PING.
    went_on: bool,
    leaving: bool,
}

impl Talk {
    /// A talk to be.
    #[must_use]
    pub fn new(address: ServerAddress, wishes: Wishes, chance: [u8; 8]) -> Self {
        let (line, conversation) = (Line::new(address, CHAT_PORT), Conversation::new(wishes, chance));
        let (news, asked, pings, next_ping) = (VecDeque::new(), None, 0, Moment::NEVER);
        Self { line, conversation, news, asked, pings, next_ping, went_on: false, leaving: false }
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        self.line.address()
    }

    /// What the user is told if this trouble was the end.
    #[must_use]
    pub fn ended(&self, trouble: &Trouble) -> String {
        trouble.ended(self.line.address(), ADVICE)
    }

    /// The next thing that happened.
    pub fn news(&mut self) -> Option<News> {
        self.news.pop_front().or_else(|| self.conversation.event().map(News::Event))
    }

    /// Begins.
    pub fn connect(&mut self, cx: &mut Cx<'_>) {
        let began = self.line.connect(cx);
        self.note(cx, began);
    }

    /// Does this connection lead to the server?
    #[must_use]
    pub fn is(&self, id: ConnId) -> bool {
        self.line.is(id)
    }

    fn note(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) {
        let Err(trouble) = outcome else { return };
        let last_words = self.conversation.broken();
        self.asked = None;
        let trouble = match last_words {
            Some(words) if trouble == Trouble::Ended => Trouble::Told(words),
            _ => trouble,
        };
        // Whoever has never been there is told so at once; from then on the line is made again whenever it breaks, but for
        // those who were sent away.
        let unwanted = matches!(&trouble, Trouble::Told(words) if SENT_AWAY.iter().any(|code| words.starts_with(code)));
        let again = self.conversation.has_been() && !self.leaving && !unwanted;
        let pause = again.then(|| self.line.pause(cx));
        self.news.push_back(News::Down(trouble, pause));
    }

    /// The connection stands.
    pub fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.line.opened(cx, id);
        self.conversation.connected(self.line.is_private(cx, id));
    }

    /// The server said something.
    pub fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if self.line.standing().is_none() {
            self.line.greeted(cx, id);
            (self.next_ping, self.went_on) = (cx.now() + PING_EVERY, true);
            // Until then it has to welcome us too.
            cx.set_timer(id, self.line.until());
        }
        // What is no UTF-8 can't be what it seems; what can be read of it is shown.
        self.conversation.hear(&String::from_utf8_lossy(frame));
        if let Some(why) = self.conversation.hopeless() {
            return self.line.give_up(cx, id, Trouble::Wrong(why));
        }
        if self.conversation.is_present() {
            self.line.proven();
        }
        while let Some(event) = self.conversation.event() {
            match event {
                Event::Pong(token) => {
                    if token == self.pings.to_string()
                        && let Some(asked) = self.asked.take()
                    {
                        self.news.push_back(News::RoundTrip(cx.now() - asked));
                    }
                }
                event => {
                    self.went_on = true;
                    self.news.push_back(News::Event(event));
                }
            }
        }
    }

    /// Sends what can be sent now. To be called when something was said, and after everything that was heard.
    pub fn send(&mut self, cx: &mut Cx<'_>) {
        let Some(id) = self.line.standing() else { return };
        while let Some(line) = self.conversation.line() {
            if cx.send(id, line.as_bytes()) == Sent::Gone {
                break;
            }
        }
    }

    /// Says goodbye. The server gives what it owes, and closes. Answers whether there is a line to say it on.
    pub fn leave(&mut self, cx: &mut Cx<'_>, words: &str) -> bool {
        self.leaving = true;
        let standing = self.line.standing();
        let line = format!("/quit {words}");
        standing.is_some_and(|id| cx.send(id, line.trim_end().as_bytes()) != Sent::Gone)
    }

    /// The server's line has nothing to do with us any more.
    pub fn hang_up(&mut self, cx: &mut Cx<'_>) {
        self.leaving = true;
        if let Some(id) = self.line.standing() {
            cx.close(id);
        }
    }

    /// Nothing is read from the server until whoever shows it has caught up.
    pub fn hold(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.line.standing() {
            cx.hold(id, LAGGING);
        }
    }

    /// The reverse.
    pub fn release(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.line.standing() {
            cx.release(id, LAGGING);
        }
    }

    /// The connection's deadline: no connection yet, or the heartbeat.
    pub fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.line.standing().is_none() {
            return self.line.timer(cx, id);
        }
        let (now, heard) = (cx.now(), cx.heard(id).unwrap_or(Moment::START));
        if self.conversation.is_unwelcome() && now >= self.line.until() {
            return self.line.give_up(cx, id, Trouble::NoAnswer);
        }
        // Whatever came since is life, though perhaps not the answer.
        if let Some(asked) = self.asked.filter(|&asked| heard < asked) {
            if now >= asked + PATIENCE {
                return self.line.give_up(cx, id, Trouble::Silent);
            }
            return cx.set_timer(id, asked + PATIENCE);
        }
        self.asked = None;
        if now >= self.next_ping {
            // Whoever answers PINGs and nothing else never lets us in.
            if !std::mem::take(&mut self.went_on) && !self.conversation.is_present() {
                return self.line.give_up(cx, id, Trouble::NoAnswer);
            }
            return self.ping(cx, id);
        }
        cx.set_timer(id, self.next_ping);
    }

    fn ping(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let now = cx.now();
        self.pings += 1;
        (self.asked, self.next_ping) = (Some(now), now + PING_EVERY);
        let _ = cx.send(id, format!("PING {}", self.pings).as_bytes());
        cx.set_timer(id, now + PATIENCE);
    }

    /// Measures the round-trip time now, and not when it is due.
    pub fn measure(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.line.standing().filter(|_| self.asked.is_none()) {
            self.ping(cx, id);
        }
    }

    /// A look-up's answer.
    pub fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let outcome = self.line.done(cx, job, result);
        self.note(cx, outcome);
    }

    /// A connection to the server is gone.
    pub fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let outcome = self.line.closed(cx, id, why);
        self.note(cx, outcome);
    }

    /// When [`Talk::alarm`] is to be called.
    #[must_use]
    pub fn due(&self) -> Moment {
        self.line.due()
    }

    /// Tries again, if it is time.
    pub fn alarm(&mut self, cx: &mut Cx<'_>) {
        if cx.now() >= self.line.due() {
            self.connect(cx);
        }
    }
}

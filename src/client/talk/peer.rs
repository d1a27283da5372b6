//! A conversation with one address.
//!
//! Each side makes up a number for it that nobody can guess. Only who repeats our number is listened to, and only
//! who hears what is sent to the address knows it: a forged sender does not. The pair of numbers names the
//! conversation; when the far side comes with another one, it began anew, and counting begins at 1.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::wire::{Ack, Body, Datagram};
use crate::hub::{ConnId, Moment};

/// Before somebody is asked again who never answered; twice as long after each try.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// At most so long.
const ASK_AGAIN_AT_MOST: Duration = Duration::from_secs(2);
/// Conversations of the far side that are over, and whose stragglers are known by that.
const FORMER: usize = 4;
/// How often our number is told: whoever asks may have forged the address, also one that stands in the book. As often
/// as a server answers somebody from afar.
const TELL_AT_ONCE: u32 = 50;
/// And then once in so long.
const TELL_EACH: Duration = Duration::from_millis(50);

/// What is said to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A line, to one of the names at the address.
    Text {
        /// The name.
        to: String,
        /// The line.
        text: String,
    },
    /// Nothing more will be said.
    End,
}

/// What is heard from somebody, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line.
    Text {
        /// Who they say they are.
        from: String,
        /// Whom they mean.
        to: String,
        /// The line, as it came.
        text: String,
    },
    /// Nothing more will come.
    End,
    /// Somebody else listens there now than before.
    Anew,
}

/// The far side of a conversation.
#[derive(Debug)]
pub struct Peer {
    /// Its connection.
    pub id: ConnId,
    /// Where it is.
    pub address: SocketAddr,
    /// Our number of the conversation.
    mine: u64,
    /// Theirs, once they have shown that they hear us.
    theirs: Option<u64>,
    former: VecDeque<u64>,
    /// When as much may be told again as at first: a bucket that is refilled by time.
    told_until: Moment,
    /// What we say.
    pub outgoing: Outgoing<Said>,
    incoming: Incoming<Heard>,
    /// Something came since we last said what we have heard.
    owes_ack: bool,
    /// How often it was asked for its number, and when it is to be asked again.
    asked: u32,
    ask_at: Moment,
    /// When it was heard last.
    pub heard_at: Option<Moment>,
    /// When it said something last, be it for the second time: it does not know yet that we heard it.
    pub said_at: Option<Moment>,
    /// It said that nothing more will come.
    pub has_ended: bool,
    /// So did we.
    pub is_told_end: bool,
    /// The user was told that it does not answer.
    pub is_missed: bool,
    /// Since when something waits for an answer.
    pub waits_since: Moment,
}

impl Peer {
    /// Nobody has spoken yet. `mine` is a number that nobody can guess, and not 0.
    #[must_use]
    pub fn new(id: ConnId, address: SocketAddr, mine: u64) -> Self {
        Self {
            id,
            address,
            mine,
            theirs: None,
            former: VecDeque::new(),
            told_until: Moment::START,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            owes_ack: false,
            asked: 0,
            ask_at: Moment::START,
            heard_at: None,
            said_at: None,
            has_ended: false,
            is_told_end: false,
            is_missed: false,
            waits_since: Moment::NEVER,
        }
    }

    /// Does it hear us, as far as is known?
    #[must_use]
    pub fn stands(&self) -> bool {
        self.theirs.is_some()
    }

    /// Says something, as soon as it can be heard.
    pub fn say(&mut self, what: Said, now: Moment) {
        if self.outgoing.is_empty() {
            self.waits_since = now;
        }
        self.is_told_end |= what == Said::End;
        self.outgoing.push(what);
    }

    /// A datagram came from there. What it brings into order goes to `deliver`. Answers what is to be sent back at
    /// once, if anything: never more than came.
    pub fn hear(&mut self, bytes: &[u8], now: Moment, mut deliver: impl FnMut(Heard)) -> Option<String> {
        let datagram = Datagram::read(bytes)?;
        if self.former.contains(&datagram.mine) {
            return None;
        }
        if datagram.yours != self.mine {
            // They don't know our number yet. Telling it is all that is done for strangers.
            let answer = Datagram { mine: self.mine, yours: datagram.mine, ack: Ack::default(), body: Body::Heard };
            let may = datagram.body != Body::Heard && self.may_tell(now);
            return may.then(|| written(&answer)).filter(|answer| answer.len() <= bytes.len());
        }
        self.heard_at = Some(now);
        self.is_missed = false;
        if self.theirs != Some(datagram.mine) {
            self.adopt(datagram.mine, &mut deliver);
        }
        let before = self.outgoing.len();
        self.outgoing.arrived(datagram.ack, now);
        if self.outgoing.len() < before {
            self.waits_since = now;
        }
        let (number, what) = match datagram.body {
            Body::Hello | Body::Heard => return None,
            Body::End { number } => (number, Heard::End),
            Body::Said { number, from, to, text } => {
                (number, Heard::Text { from: from.to_owned(), to: to.to_owned(), text: text.to_owned() })
            }
        };
        self.owes_ack = true;
        self.said_at = Some(now);
        self.incoming.take(number, what, |what| {
            self.has_ended |= what == Heard::End;
            deliver(what);
        });
        None
    }

    fn may_tell(&mut self, now: Moment) -> bool {
        let full = self.told_until.max(now) + TELL_EACH;
        let may = full - now <= TELL_EACH * TELL_AT_ONCE;
        if may {
            self.told_until = full;
        }
        may
    }

    fn adopt(&mut self, theirs: u64, deliver: &mut impl FnMut(Heard)) {
        if let Some(before) = self.theirs.replace(theirs) {
            self.former.truncate(FORMER - 1);
            self.former.push_front(before);
            self.incoming = Incoming::default();
            self.outgoing.restart();
            self.has_ended = false;
            self.is_told_end = self.outgoing.iter().any(|what| *what == Said::End);
            deliver(Heard::Anew);
        }
    }

    /// Sends what is due: all that is to be said, or at least what was heard.
    pub fn speak(&mut self, now: Moment, from: &str, scratch: &mut String, mut send: impl FnMut(&str)) {
        let mut datagram = Datagram { mine: self.mine, yours: 0, ack: self.incoming.ack(), body: Body::Hello };
        let Some(theirs) = self.theirs else {
            if !self.outgoing.is_empty() && self.ask_at <= now {
                self.ask_at = now + (ASK_AGAIN * (1 << self.asked.min(10))).min(ASK_AGAIN_AT_MOST);
                self.asked += 1;
                datagram.write(scratch);
                send(scratch);
            }
            return;
        };
        datagram.yours = theirs;
        let owed = std::mem::take(&mut self.owes_ack);
        let mut said = false;
        self.outgoing.send(now, |number, what| {
            let body = match what {
                Said::Text { to, text } => Body::Said { number, from, to, text },
                Said::End => Body::End { number },
            };
            Datagram { body, ..datagram }.write(scratch);
            send(scratch);
            said = true;
        });
        if owed && !said {
            self.acknowledge(scratch, send);
        }
    }

    /// Says once more what was heard.
    pub fn acknowledge(&self, scratch: &mut String, mut send: impl FnMut(&str)) {
        if let Some(yours) = self.theirs {
            Datagram { mine: self.mine, yours, ack: self.incoming.ack(), body: Body::Heard }.write(scratch);
            send(scratch);
        }
    }

    /// When [`Peer::speak`] has something to say though nothing comes.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        match self.theirs {
            None if self.outgoing.is_empty() => None,
            None => Some(self.ask_at),
            Some(_) => self.outgoing.deadline(),
        }
    }

    /// How many lines have not arrived, as far as is known.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.outgoing.iter().filter(|what| **what != Said::End).count()
    }
}

fn written(datagram: &Datagram<'_>) -> String {
    let mut out = String::new();
    datagram.write(&mut out);
    out
}

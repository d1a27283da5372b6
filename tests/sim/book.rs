//! What every service was told and has asked for, held against the contract.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{ConnId, FRAMES_PER_TURN, Hold, JobId, Moment};

use crate::chronicle::Chronicle;
use crate::kernel::Kind;

/// Busy turns take microseconds here, so what is due is not kept waiting for longer.
pub(crate) const LATE: Duration = Duration::from_millis(1);

/// What a simulated peer that a service connects to does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends back what it gets.
    Echo,
    /// Reads to the end, then says how much it was and its digest.
    Digest,
    /// Speaks first and alone: so many lines, then the end.
    Greet(u32),
    /// A child that never reads: so many lines, the last without its end, and it is gone.
    Exit(u32),
}

/// What a service wants from a connection that it asked for; the world keeps to it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) kind: Kind,
    pub(crate) role: Role,
    /// The client for whom.
    pub(crate) client: u32,
    pub(crate) tag: String,
}

/// One connection, as its service knows it.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) asked: bool,
    pub(crate) opened: bool,
    pub(crate) ended: bool,
    pub(crate) faulted: bool,
    /// The service said `close`.
    pub(crate) closing: bool,
    /// The service said `end`.
    pub(crate) ending: bool,
    pub(crate) closed: bool,
    /// `Full` or a no was answered, and `drained` has not come since.
    pub(crate) owed: bool,
    pub(crate) holds: Vec<Hold>,
    pub(crate) timer: Option<Moment>,
    /// When it was closed.
    pub(crate) closed_at: u64,
    /// The world has told the hub that it failed.
    pub(crate) failed: bool,
    /// The last turn in which something was heard, and how often.
    pub(crate) heard_in: (u64, usize),
}

#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) chronicle: Rc<Chronicle>,
    pub(crate) entries: BTreeMap<ConnId, Entry>,
    pub(crate) jobs: BTreeSet<JobId>,
    pub(crate) orders: BTreeMap<ConnId, Order>,
    /// How many commands of each client were heard.
    pub(crate) heard: BTreeMap<u32, u32>,
    /// The room's messages, by number.
    pub(crate) said: Vec<Vec<u8>>,
    /// Clients that a service closed for no reason of theirs.
    pub(crate) cut_off: BTreeSet<u32>,
    /// Clients that were told that they are too slow, whether they read it or not.
    pub(crate) slow: BTreeSet<u32>,
    /// Orders that the world did not carry out well.
    pub(crate) refused: BTreeSet<String>,
    /// Orders whose client was told so.
    pub(crate) told_refused: BTreeSet<String>,
    /// Services were called, and have not been told since that the turn is over.
    pub(crate) unfinished: bool,
    pub(crate) turn: u64,
}

/// A book that several keep.
pub(crate) type SharedBook = Rc<RefCell<Book>>;

impl Book {
    pub(crate) fn new(chronicle: &Rc<Chronicle>) -> SharedBook {
        Rc::new(RefCell::new(Self {
            chronicle: Rc::clone(chronicle),
            entries: BTreeMap::new(),
            jobs: BTreeSet::new(),
            orders: BTreeMap::new(),
            heard: BTreeMap::new(),
            said: Vec::new(),
            cut_off: BTreeSet::new(),
            slow: BTreeSet::new(),
            refused: BTreeSet::new(),
            told_refused: BTreeSet::new(),
            unfinished: false,
            turn: 0,
        }))
    }

    pub(crate) fn wrong(&self, id: ConnId, why: &str) {
        let now = self.chronicle.now.get();
        let entry = self.entries.get(&id);
        self.chronicle.wrong(format!("connection {:x} at {now}: {why}; {entry:?}", id.to_bits()));
    }

    fn call(&mut self, what: &'static str, id: ConnId) {
        self.unfinished = true;
        self.chronicle.moved();
        self.chronicle.count(what);
        self.chronicle.note(what, id.to_bits(), 0);
    }

    /// The connection stands.
    pub(crate) fn opened(&mut self, id: ConnId) {
        self.call("opened", id);
        let entry = self.entries.entry(id).or_default();
        if std::mem::replace(&mut entry.opened, true) || entry.closed || entry.closing {
            self.wrong(id, "opened twice, or after it was closed");
        }
    }

    /// Something was heard of the peer: `frame`, `chunk` or `ended`.
    pub(crate) fn heard(&mut self, what: &'static str, id: ConnId) {
        self.call(what, id);
        let turn = self.turn;
        let entry = self.entries.entry(id).or_default();
        let (last, count) = entry.heard_in;
        entry.heard_in = (turn, if last == turn { count + 1 } else { 1 });
        let why = match entry {
            // What was buffered may come to its end in a turn, and what is read then begins with a new share.
            Entry { heard_in: (_, count), .. } if *count > 2 * FRAMES_PER_TURN => "more than two turns' share",
            Entry { opened: false, .. } => "heard before it was opened",
            Entry { closed: true, .. } => "heard after closed",
            Entry { closing: true, .. } => "heard after the service closed it",
            Entry { faulted: true, .. } => "heard after a fault",
            Entry { ended: true, .. } => "heard after ended",
            Entry { holds, .. } if !holds.is_empty() => "heard while a hold stands",
            _ => "",
        };
        entry.ended |= what == "ended";
        if !why.is_empty() {
            self.wrong(id, &format!("{what}: {why}"));
        }
    }

    /// A fault. `slow` tells of our own output, so no hold keeps it back, nor an end of the input, and it may come to
    /// a connection that does not stand yet.
    pub(crate) fn fault(&mut self, id: ConnId, slow: bool) {
        self.call("fault", id);
        let entry = self.entries.entry(id).or_default();
        let why = match entry {
            Entry { closed: true, .. } => "a fault after closed",
            Entry { closing: true, .. } => "a fault after the service closed it",
            Entry { faulted: true, .. } => "a second fault",
            Entry { opened: false, .. } if !slow => "a fault before opened",
            Entry { ended: true, .. } if !slow => "a fault after ended",
            Entry { holds, .. } if !slow && !holds.is_empty() => "a fault while a hold stands",
            _ => "",
        };
        entry.faulted = true;
        if !why.is_empty() {
            self.wrong(id, why);
        }
    }

    /// Room again. `asks` says whether the service is one that keeps its answers of `send` in this book.
    pub(crate) fn drained(&mut self, id: ConnId, asks: bool) {
        self.call("drained", id);
        let entry = self.entries.entry(id).or_default();
        let owed = std::mem::take(&mut entry.owed);
        if asks && !owed {
            self.wrong(id, "drained, though there was neither Full nor a no");
        }
        self.alive(id, "drained");
    }

    pub(crate) fn timer(&mut self, id: ConnId, now: Moment) {
        self.call("timer", id);
        let entry = self.entries.entry(id).or_default();
        let when = entry.timer.take();
        if when.is_none_or(|when| when > now) {
            self.wrong(id, "a timer too early, or for which nobody asked");
        }
        if when.is_some_and(|when| now - when > LATE) {
            self.wrong(id, "a timer too late");
        }
        self.alive(id, "timer");
    }

    fn alive(&self, id: ConnId, what: &str) {
        let entry = &self.entries[&id];
        if entry.closed || entry.closing || entry.faulted {
            self.wrong(id, &format!("{what} after the connection was closed"));
        }
        if !entry.opened && (what != "timer" || !entry.asked) {
            self.wrong(id, &format!("{what} before it was opened"));
        }
    }

    pub(crate) fn closed(&mut self, id: ConnId) {
        self.call("closed", id);
        let entry = self.entries.entry(id).or_default();
        let known = entry.opened || entry.asked;
        entry.closed_at = self.chronicle.now.get();
        if std::mem::replace(&mut entry.closed, true) || !known {
            self.wrong(id, "closed twice, or never known");
        }
    }

    pub(crate) fn done(&mut self, job: JobId) {
        self.unfinished = true;
        self.chronicle.moved();
        self.chronicle.count("done");
        if !self.jobs.remove(&job) {
            self.chronicle.wrong(format!("{job:?} was answered, and is not asked for or was answered before"));
        }
    }
}

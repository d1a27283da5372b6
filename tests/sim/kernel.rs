//! The kernel of the world: streams with bounded buffers, and edges that are told once.
//!
//! What it promises is what Linux does, and no more. An edge comes when bytes, an end or an error arrives, and when room
//! appears after a write that found none. It may come late, twice, or for somebody who is gone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::rc::Rc;

use parlor::hub::{ConnId, Limits};
use parlor::net::pump::Readiness;

use crate::chance::Chance;
use crate::chronicle::Chronicle;
use crate::sabotage::Sabotage;

pub(crate) const MICRO: u64 = 1_000;
pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000_000_000;

pub(crate) type SharedKernel = Rc<RefCell<Kernel>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read stops short only at an urgent mark, and an event has told of that.
    Tcp,
    /// A read stops short wherever a descriptor was passed along, and nothing tells of it.
    Unix,
    /// Like Unix; can't shut its write side and linger.
    Pipe,
}

/// How far a connection that the hub asked for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connect {
    Pending,
    Done,
    Failed(ErrorKind),
}

/// How rough this world is: "once in so many times", 0 for never.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    pub(crate) interrupted: u64,
    pub(crate) partial: u64,
    pub(crate) no_room: u64,
    pub(crate) late: u64,
    pub(crate) twice: u64,
    /// The longest pause between two acts of a client.
    pub(crate) pace: u64,
}

/// One stream: the near side is the hub's, the far side a simulated peer's.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: Kind,
    pub(crate) id: Option<ConnId>,
    pub(crate) connect: Connect,
    /// Came from the far side, not read yet; `came` counts all that ever did.
    pub(crate) inbox: VecDeque<u8>,
    pub(super) came: u64,
    /// Where in the count a read stops short.
    pub(super) marks: VecDeque<u64>,
    pub(super) inbox_max: usize,
    /// The far side said that no more will come.
    pub(crate) fin: bool,
    /// To be told once, to whichever call comes first.
    pub(crate) error: Option<ErrorKind>,
    /// Whatever is written meets nobody, and nothing more will come.
    pub(crate) broken: bool,
    /// Whatever is written meets nobody, but the far side may go on speaking.
    pub(crate) unheard: bool,
    /// Written by the near side, not read by the far side yet.
    pub(crate) outbox: VecDeque<u8>,
    pub(super) outbox_max: usize,
    /// A write found no room, so an edge is owed when there is some.
    pub(crate) starved: bool,
    /// The near side shut its write side, then, and what it read and dropped since.
    pub(crate) shut: Option<u64>,
    pub(super) swallowed: usize,
    /// The far side closed its socket: what reaches it is answered by a reset.
    pub(super) far_closed: bool,
    /// The far side was reset; the flag says whether the limits of lingering excuse it.
    pub(super) far_reset: Option<bool>,
    /// The near side closed its socket.
    pub(crate) dropped: bool,
    /// The near side read the end, or was told of a failure: it has nothing to read here any more.
    pub(super) exhausted: bool,
    pub(super) write_failed: bool,
    /// The near side read the end before it could know of any failure.
    pub(crate) heard_out: bool,
    pub(super) failure_told: bool,
    /// True edges that were not delivered yet.
    pub(crate) under_way: usize,
    /// In which turn it was read last, and written.
    pub(super) read_in: u64,
    pub(super) written_in: u64,
    /// Since when it has taken nothing of what waits, and since when it is known to have failed.
    pub(crate) stuck: Option<u64>,
    pub(crate) failed: Option<u64>,
}

#[derive(Debug)]
struct Edge {
    end: usize,
    id: ConnId,
    said: Readiness,
    /// Not a repetition and not an invention.
    is_true: bool,
}

/// What the far side's read came to.
#[derive(Debug)]
pub(crate) enum FarRead {
    Bytes(Vec<u8>),
    Nothing,
    End,
    Reset { excused: bool },
}

#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) ends: Vec<End>,
    pub(crate) chance: Chance,
    pub(crate) weather: Weather,
    pub(crate) chronicle: Rc<Chronicle>,
    pub(crate) sabotage: Sabotage,
    edges: BTreeMap<(u64, u64), Edge>,
    told: u64,
    pub(crate) turn: u64,
    /// Ends whose far side may find something new.
    pub(crate) stirred: BTreeSet<usize>,
    linger: u64,
    linger_bytes: usize,
}

impl Kernel {
    pub(crate) fn new(
        chance: Chance,
        weather: Weather,
        limits: &Limits,
        chronicle: Rc<Chronicle>,
        sabotage: Sabotage,
    ) -> Self {
        let linger = u64::try_from(limits.linger.as_nanos()).expect("the world's limits are short");
        let (ends, edges, stirred) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let linger_bytes = limits.linger_bytes;
        Self { ends, chance, weather, chronicle, sabotage, edges, told: 0, turn: 0, stirred, linger, linger_bytes }
    }

    /// A new stream with buffers of these sizes.
    pub(crate) fn add(&mut self, kind: Kind, connect: Connect, inbox_max: usize, outbox_max: usize) -> usize {
        self.ends.push(End {
            kind,
            id: None,
            connect,
            inbox: VecDeque::new(),
            came: 0,
            marks: VecDeque::new(),
            inbox_max,
            fin: false,
            error: None,
            broken: false,
            unheard: false,
            outbox: VecDeque::new(),
            outbox_max,
            starved: false,
            shut: None,
            swallowed: 0,
            far_closed: false,
            far_reset: None,
            dropped: false,
            exhausted: false,
            write_failed: false,
            heard_out: false,
            failure_told: false,
            under_way: 0,
            read_in: 0,
            written_in: 0,
            stuck: None,
            failed: None,
        });
        self.ends.len() - 1
    }

    pub(crate) fn now(&self) -> u64 {
        self.chronicle.now.get()
    }

    /// Watches a stream for a connection. The first event tells of what is there already.
    pub(crate) fn register(&mut self, end: usize, id: ConnId) {
        let it = &mut self.ends[end];
        it.id = Some(id);
        if it.connect != Connect::Pending {
            let failed = it.error.is_some() || matches!(it.connect, Connect::Failed(_));
            let doubtful = it.fin || it.kind == Kind::Tcp && !it.marks.is_empty();
            let readable = failed || doubtful || !it.inbox.is_empty();
            self.edge(end, Readiness { readable, writable: true, doubtful, failed });
        }
    }

    /// A connection that was asked for has come to something.
    pub(crate) fn connected(&mut self, end: usize, outcome: Connect) {
        let it = &mut self.ends[end];
        it.connect = outcome;
        let failed = outcome != Connect::Done;
        self.edge(end, Readiness { readable: failed, writable: true, doubtful: failed, failed });
    }

    /// Tells of a change, soon or late.
    pub(super) fn edge(&mut self, end: usize, mut said: Readiness) {
        let Some(id) = self.ends[end].id.filter(|_| !self.ends[end].dropped) else { return };
        if self.sabotage == Sabotage::HushedEnd && !said.failed {
            said.doubtful = false;
        }
        if self.sabotage == Sabotage::LostEdge && self.chance.one_in(20) {
            return;
        }
        // The kernel tells of all that is there when it is asked, so two changes may come as one.
        let waiting = self.edges.values_mut().find(|edge| edge.end == end && edge.is_true);
        if let Some(edge) = waiting.filter(|_| self.chance.one_in(2)) {
            edge.said.readable |= said.readable;
            edge.said.writable |= said.writable;
            edge.said.doubtful |= said.doubtful;
            edge.said.failed |= said.failed;
            return;
        }
        self.ends[end].under_way += 1;
        let delay = if self.chance.one_in(self.weather.late) {
            self.chance.between(0, 60 * MILLI)
        } else {
            self.chance.between(0, 60 * MICRO)
        };
        self.post(delay, Edge { end, id, said, is_true: true });
    }

    fn post(&mut self, delay: u64, edge: Edge) {
        self.told += 1;
        self.edges.insert((self.now() + delay, self.told), edge);
    }

    /// An event for which there is no reason.
    pub(crate) fn invent(&mut self) {
        let registered: Vec<usize> = (0..self.ends.len()).filter(|&end| self.ends[end].id.is_some()).collect();
        if registered.is_empty() {
            return;
        }
        let end = *self.chance.pick(&registered);
        let Some(id) = self.ends[end].id else { return };
        let (readable, writable, doubtful) = (self.chance.one_in(2), self.chance.one_in(2), self.chance.one_in(8));
        self.chronicle.count("events for no reason");
        self.post(0, Edge { end, id, said: Readiness { readable, writable, doubtful, failed: false }, is_true: false });
    }

    pub(crate) fn next_edge(&self) -> Option<u64> {
        self.edges.first_key_value().map(|(&(due, _), _)| due)
    }

    /// The events that a poll brings now, in any order.
    pub(crate) fn poll(&mut self) -> Vec<(ConnId, Readiness)> {
        let later = self.edges.split_off(&(self.now() + 1, 0));
        let due = std::mem::replace(&mut self.edges, later);
        let (mut events, now) = (Vec::with_capacity(due.len()), self.now());
        for mut edge in due.into_values() {
            let twice = self.chance.one_in(self.weather.twice);
            let it = &mut self.ends[edge.end];
            it.under_way -= usize::from(edge.is_true);
            let consumed = it.error.is_none() && it.kind != Kind::Pipe && it.connect == Connect::Done;
            if edge.said.failed && consumed && self.chance.one_in(2) {
                // A call was told of the error already; a kernel that looks now finds none.
                edge.said.failed = false;
            }
            it.failure_told |= edge.said.failed;
            if edge.said.failed && it.kind != Kind::Pipe {
                it.failed.get_or_insert(now);
            }
            if it.dropped {
                self.chronicle.count("events for somebody who is gone");
            }
            self.chronicle.note("event", edge.id.to_bits(), bits(edge.said));
            events.push((edge.id, edge.said));
            if twice && !edge.said.failed {
                let delay = self.chance.between(0, 200 * MILLI);
                self.post(delay, Edge { is_true: false, ..edge });
            }
        }
        self.chance.shuffle(&mut events);
        events
    }

    /// Did the near side, having shut its write side, read and drop for as long and as much as it must?
    pub(super) fn lingered(&self, end: usize, more: usize) -> bool {
        let it = &self.ends[end];
        it.shut.is_some_and(|at| self.now() - at >= self.linger || it.swallowed + more >= self.linger_bytes)
    }
}

fn bits(said: Readiness) -> u64 {
    [said.readable, said.writable, said.doubtful, said.failed].into_iter().fold(0, |sum, bit| sum << 1 | u64::from(bit))
}

impl End {
    /// Has the near side nothing to read here any more?
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted
    }
}

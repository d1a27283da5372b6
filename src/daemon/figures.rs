//! What is counted beside the hub's own tally: connections by service and by why they went, and how long turns take.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use super::attendance::Attendance;
use crate::hub::{ConnId, Cx, Hub, Moment, Reason};
use crate::net::{Watcher, shown};

/// Upper ends of the histogram's buckets, in microseconds: a turn without work takes some ten, one that keeps others
/// waiting a millisecond, and one that anybody feels a hundred.
pub(super) const BUCKETS: [u64; 14] =
    [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000];

/// How long turns took.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// By bucket; those that took longer than all of them are in `count` alone.
    pub(super) buckets: [Cell<u64>; BUCKETS.len()],
    pub(super) count: Cell<u64>,
    pub(super) micros: Cell<u64>,
    pub(super) longest: Cell<u64>,
}

impl Turns {
    fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = BUCKETS.iter().position(|&end| micros <= end) {
            self.buckets[bucket].set(self.buckets[bucket].get() + 1);
        }
        self.count.set(self.count.get() + 1);
        self.micros.set(self.micros.get() + micros);
        self.longest.set(self.longest.get().max(micros));
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) turns: Turns,
    pub(super) present: RefCell<Attendance>,
    /// How many came to a service.
    pub(super) opened: RefCell<BTreeMap<&'static str, u64>>,
    /// How many went, and why.
    pub(super) closed: RefCell<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Watcher for Figures {
    fn opened(&self, service: &'static str, cx: &Cx<'_>, id: ConnId) {
        self.present.borrow_mut().came(id, service, cx.now());
        *self.opened.borrow_mut().entry(service).or_default() += 1;
        if let Some(about) = cx.about(id) {
            log::debug!("{service} {}: opened, from {}", short(id), shown(about.peer));
        }
    }

    fn closed(&self, service: &'static str, id: ConnId, why: Reason) {
        self.present.borrow_mut().went(id);
        *self.closed.borrow_mut().entry((service, word(why))).or_default() += 1;
        log::debug!("{service} {}: closed, {why}", short(id));
    }

    fn turned(&self, _hub: &mut Hub, began: Moment, ended: Moment) {
        self.turns.took(ended - began);
    }
}

/// A connection as operators name it: its place, and which one it is in that place.
pub(super) fn short(id: ConnId) -> String {
    format!("{}.{}", id.slot(), id.to_bits() >> 32)
}

/// The reverse.
pub(super) fn read_short(text: &str) -> Option<ConnId> {
    let (slot, generation) = text.split_once('.')?;
    let (slot, generation): (u32, u32) = (slot.parse().ok()?, generation.parse().ok()?);
    ConnId::from_bits(u64::from(generation) << 32 | u64::from(slot))
}

/// Why a connection went, in one word, for a label. There are few of them, whatever peers do.
pub(super) fn word(why: Reason) -> &'static str {
    match why {
        Reason::Closed => "closed",
        Reason::Ended => "ended",
        Reason::Fault(fault) => fault.code(),
        Reason::Lost(_) => "lost",
        Reason::Unreachable(_) => "unreachable",
        Reason::Stalled => "stalled",
        Reason::Stopping => "stopping",
    }
}

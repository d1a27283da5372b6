//! A service that acts where others only listen: in `opened`, in `drained`, in `timer` and in `closed`. What it does
//! with a client hangs on the client's number.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor::hub::{ConnId, Cx, Framing, Hold, Moment, News, Reason, Sent, Service};

use crate::book::{Order, Role};
use crate::chance::{DIGEST_START, digest_on};
use crate::desk::Desk;
use crate::kernel::Kind;

/// How a client is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    /// Closed at once, whatever it says.
    Closed,
    /// Heard, but nothing is said after the welcome.
    Ended,
    /// Echoed, after a while.
    Held,
    /// So many raw bytes come first, then lines to be echoed.
    Raw,
    /// Told so many lines, and closed when the last of them is on its way.
    Filled,
    /// Closed after a while.
    Timed,
}

pub(crate) const PREFACE: usize = 10;

/// How many lines a client is told whose reception is to be filled.
pub(crate) fn filling(framing: Framing) -> u32 {
    if framing == Framing::Fixed { 6 } else { 90 }
}

/// The reception of this client.
pub(crate) fn reception(client: u32) -> Reception {
    use Reception::{Closed, Ended, Filled, Held, Raw, Timed};
    [Closed, Ended, Held, Raw, Filled, Timed][client as usize % 6]
}

#[derive(Debug)]
pub(crate) struct Porter {
    desk: Desk,
    guests: BTreeMap<ConnId, (u32, Reception)>,
    /// How much of the preface is still to come, and the digest so far.
    prefaces: BTreeMap<ConnId, (usize, u64)>,
    stopping: bool,
    alarm: Option<Moment>,
}

impl Porter {
    pub(crate) fn new(desk: &Desk) -> Self {
        Self { desk: desk.clone(), guests: BTreeMap::new(), prefaces: BTreeMap::new(), stopping: false, alarm: None }
    }

    fn fill(&self, cx: &mut Cx<'_>, id: ConnId) {
        let mut full = false;
        for number in 0..filling(cx.framing(id).unwrap_or(Framing::Raw)) {
            full |= self.desk.send(cx, id, format!("fill {number}").as_bytes()) == Sent::Full;
        }
        if !full {
            self.over(cx, id);
        }
    }

    fn over(&self, cx: &mut Cx<'_>, id: ConnId) {
        let _ = self.desk.send(cx, id, b"over");
        self.desk.close(cx, id);
    }

    pub(crate) fn call(&self, cx: &mut Cx<'_>, client: u32) -> ConnId {
        let order = Order { kind: Kind::Tcp, role: Role::Digest, client, tag: format!("c{client}.porter") };
        let id = self.desk.open(cx, order, Framing::LINES);
        self.desk.set_timer(cx, id, cx.now() + Duration::from_secs(20));
        id
    }
}

impl Service for Porter {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.desk.book().entries[&id].asked {
            self.desk.set_timer(cx, id, Moment::NEVER);
            return self.desk.end(cx, id);
        }
        let client = Desk::client(cx, id);
        let reception = reception(client);
        self.guests.insert(id, (client, reception));
        let _ = self.desk.send(cx, id, b"welcome");
        let when = cx.now() + Duration::from_millis(10);
        self.alarm = Some(when);
        cx.set_alarm(when);
        match reception {
            Reception::Closed => self.desk.close(cx, id),
            Reception::Ended => self.desk.end(cx, id),
            Reception::Held => {
                self.desk.hold(cx, id, Hold::PEER);
                self.desk.set_timer(cx, id, cx.now() + Duration::from_millis(30));
            }
            Reception::Raw => {
                cx.set_raw(id, PREFACE as u64);
                self.prefaces.insert(id, (PREFACE, DIGEST_START));
            }
            Reception::Filled => self.fill(cx, id),
            Reception::Timed => self.desk.set_timer(cx, id, cx.now() + Duration::from_millis(5)),
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let Some(&(client, reception)) = self.guests.get(&id) else { return };
        *self.desk.book().heard.entry(client).or_default() += 1;
        if matches!(reception, Reception::Held | Reception::Raw) {
            let _ = self.desk.send(cx, id, frame);
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some((left, sum)) = self.prefaces.get_mut(&id) else {
            return self.desk.book().wrong(id, "a chunk that nobody expects");
        };
        *left -= bytes.len();
        *sum = digest_on(*sum, bytes);
        if *left == 0 {
            let text = format!("preface {sum:x}");
            let _ = self.desk.send(cx, id, text.as_bytes());
            self.prefaces.remove(&id);
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        // Whoever is to be told more is told it all the same; the others are done.
        match self.guests.get(&id) {
            Some((_, Reception::Filled | Reception::Timed)) => {}
            // Both sides will have ended then, or have already, and that closes it.
            Some((client, _)) if client % 4 < 2 => self.desk.end(cx, id),
            Some((_, Reception::Ended)) => {}
            _ => self.desk.close(cx, id),
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if matches!(self.guests.get(&id), Some((_, Reception::Filled))) {
            self.over(cx, id);
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        match self.guests.get(&id) {
            Some((_, Reception::Held)) => self.desk.release(cx, id, Hold::PEER),
            Some(_) => {
                let _ = self.desk.send(cx, id, b"late");
                self.desk.close(cx, id);
            }
            None => self.desk.close(cx, id),
        }
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.alarm.take().is_none_or(|when| when > cx.now()) {
            self.desk.chronicle.wrong("an alarm that was not set, or again".to_owned());
        }
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        self.stopping |= news == News::Stopping;
    }

    /// Opens connections from inside of the flush, where slots are freed.
    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.prefaces.remove(&id);
        let Some((client, reception)) = self.guests.remove(&id).filter(|_| !self.stopping) else { return };
        match reception {
            Reception::Closed => {
                self.call(cx, client);
            }
            Reception::Timed => {
                // Thought better of: it is told `closed` all the same, and never `opened`.
                let id = self.call(cx, client);
                self.desk.close(cx, id);
            }
            _ => {}
        }
    }
}

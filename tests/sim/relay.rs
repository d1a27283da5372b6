//! Every client gets a connection of its own to an echo somewhere else; bytes go both ways, and whoever is full holds
//! the other side back.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor::hub::{ConnId, Cx, Framing, Hold, Moment, Reason, Sent, Service};

use crate::book::{Order, Role};
use crate::desk::Desk;
use crate::kernel::Kind;

/// What a client hears whose connection could not be made.
pub(crate) const REFUSED: &[u8] = b"refused";

#[derive(Debug)]
pub(crate) struct Relay {
    desk: Desk,
    /// Each side's other side.
    other: BTreeMap<ConnId, ConnId>,
    /// What the next connections are made of.
    kinds: Vec<Kind>,
}

impl Relay {
    pub(crate) fn new(desk: &Desk, kinds: Vec<Kind>) -> Self {
        Self { desk: desk.clone(), other: BTreeMap::new(), kinds }
    }

    fn is_asked(&self, id: ConnId) -> bool {
        self.desk.book().entries.get(&id).is_some_and(|entry| entry.asked)
    }

    fn close(&self, cx: &mut Cx<'_>, id: ConnId) {
        let alive = self.desk.book().entries.get(&id).is_some_and(|entry| !entry.closing && !entry.closed);
        if alive {
            self.desk.close(cx, id);
        }
    }
}

impl Service for Relay {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.is_asked(id) {
            return self.desk.set_timer(cx, id, Moment::NEVER);
        }
        let client = Desk::client(cx, id);
        let kind = self.kinds[client as usize % self.kinds.len()];
        let order = Order { kind, role: Role::Echo, client, tag: format!("c{client}.relay") };
        let far = self.desk.open(cx, order, Framing::Raw);
        self.desk.set_timer(cx, far, cx.now() + Duration::from_secs(20));
        self.other.insert(id, far);
        self.other.insert(far, id);
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, id: ConnId, _frame: &[u8]) {
        self.desk.book().wrong(id, "a frame where there are none");
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some(&other) = self.other.get(&id) else { return };
        if self.desk.send_wire(cx, other, bytes) == Sent::Full {
            self.desk.hold(cx, id, Hold::PEER);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let Some(&other) = self.other.get(&id) {
            self.desk.release(cx, other, Hold::PEER);
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        match self.other.get(&id) {
            // The client has said all: so has its other side, and what that echoes still comes.
            Some(&far) if self.is_asked(far) => self.desk.end(cx, far),
            _ => self.close(cx, id),
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.close(cx, id);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let Some(other) = self.other.remove(&id) else { return };
        self.other.remove(&other);
        let never_stood = !self.desk.book().entries[&id].opened;
        if self.is_asked(id) && never_stood && why != Reason::Stopping {
            let _ = self.desk.send_wire(cx, other, REFUSED);
        }
        self.close(cx, other);
    }
}

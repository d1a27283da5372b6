//! What services ask of the loop, carried out by the world: well or not, soon or late, in any order.

use std::io::ErrorKind;

use parlor::hub::{ConnId, Fact, Inspection, Lane, Reason, Request};

use crate::book::Order;
use crate::kernel::{Connect, Kind, MICRO, MILLI, SECOND};
use crate::model::Expect;
use crate::peer::Peer;
use crate::relay::REFUSED;
use crate::sabotage::Sabotage;
use crate::stream::SimStream;
use crate::world::{Chore, Owner, World};

impl World {
    pub(super) fn answers(&mut self) {
        if std::mem::take(&mut self.rang) {
            while let Some((job, result)) = self.answered.pop_front() {
                if self.sabotage != Sabotage::LostAnswer || !self.chance.one_in(5) {
                    self.hub.done(job, result);
                }
            }
        }
    }

    pub(super) fn requests(&mut self) {
        for request in self.hub.take_requests() {
            self.chronicle.moved();
            match request {
                Request::Job(job, Lane::Ordered, work) => {
                    let delay = self.delay();
                    self.ordered_free = self.ordered_free.max(self.now()) + delay;
                    self.plan(self.ordered_free - self.now(), Chore::Job(job, work));
                }
                Request::Job(job, Lane::Any, work) => {
                    let delay = self.delay();
                    self.plan(delay, Chore::Job(job, work));
                }
                request if self.chance.one_in(2) => self.carry(request),
                request => {
                    let delay = self.delay();
                    self.plan(delay, Chore::Carry(request));
                }
            }
        }
        for request in std::mem::take(&mut self.to_carry) {
            self.chronicle.moved();
            self.carry(request);
        }
    }

    fn delay(&mut self) -> u64 {
        let most = *self.chance.pick(&[10 * MICRO, MILLI, MILLI, 300 * MILLI]);
        self.chance.between(0, most)
    }

    fn carry(&mut self, request: Request) {
        match request {
            Request::Job(job, _, work) => self.plan(0, Chore::Job(job, work)),
            Request::Inspect(job, id) => {
                let facts: Inspection = match self.pump.wire(id) {
                    Some(_) => {
                        vec![Fact { name: "connection", asked: None, granted: format!("{:x}", id.to_bits()) }]
                    }
                    None => Vec::new(),
                };
                let delay = self.delay();
                self.plan(delay, Chore::Answer(job, Ok(Box::new(facts))));
            }
            Request::Open(id, _) => {
                let order = self.book.borrow().orders[&id].clone();
                let gone = self.hub.about(id).is_none() || self.stopping.is_some();
                if gone || self.chance.one_in(10) {
                    self.not_well(&order, true);
                    self.book.borrow_mut().entries.entry(id).or_default().failed = true;
                    let why = if gone { ErrorKind::Interrupted } else { ErrorKind::ConnectionRefused };
                    return self.hub.fail(id, Reason::Unreachable(why));
                }
                self.connect(id, &order);
            }
        }
    }

    fn connect(&mut self, id: ConnId, order: &Order) {
        let sizes = [64, 300, 1500];
        let (inbox_max, outbox_max) = (*self.chance.pick(&sizes), *self.chance.pick(&sizes));
        let end = self.kernel.borrow_mut().add(order.kind, Connect::Pending, inbox_max, outbox_max);
        self.owners.push(Owner::Peer(self.peers.len()));
        // A pipe can't be reset.
        let aborts = order.kind != Kind::Pipe && self.chance.one_in(10);
        let aborts_at = aborts.then(|| self.chance.between(0, 100));
        if aborts_at.is_some() {
            self.not_well(order, false);
        }
        self.peers.push(Peer::new(end, order, aborts_at, self.chance.fork()));
        self.pump.connecting(id, SimStream::new(&self.kernel, end));
        self.kernel.borrow_mut().register(end, id);
        let delay = if self.chance.one_in(12) { 10 * SECOND } else { self.delay() };
        match self.chance.size(0, 19) {
            0 => self.not_well(order, true), // no answer ever comes
            1 => {
                self.not_well(order, true);
                self.plan(delay, Chore::Connect(end, Connect::Failed(ErrorKind::ConnectionRefused)));
            }
            _ => self.plan(delay, Chore::Connect(end, Connect::Done)),
        }
    }

    /// An order is not carried out, or not to its end; whoever is behind it learns so.
    fn not_well(&mut self, order: &Order, never_stands: bool) {
        self.chronicle.count("connections that came to nothing");
        self.book.borrow_mut().refused.insert(order.tag.clone());
        let relayed = order.tag.ends_with("relay");
        // Nobody but the relay's clients hears of it at once.
        let Some(client) = self.clients.iter_mut().find(|client| client.number == order.client && relayed) else {
            return;
        };
        if never_stands {
            client.model.only(Expect::Raw(REFUSED.to_vec()));
        } else {
            client.model.excuse = Some("its other side was reset");
        }
    }
}

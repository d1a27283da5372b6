//! The loop, as `net::reactor` has it, on a kernel that is not there.

use std::io::ErrorKind;
use std::net::SocketAddr;

use parlor::hub::{Address, ConnId, Moment, Reason, Wall};

use crate::book::Entry;
use crate::kernel::{MICRO, MILLI, SECOND};
use crate::model::Expect;
use crate::sabotage::Sabotage;
use crate::script::Behind;
use crate::stream::SimStream;
use crate::world::{Owner, World};

/// Busy turns in a row in which nothing may happen: calls are interrupted, but not so often.
const IDLE_TURNS: u32 = 100;
/// How long a stopping server waits.
const DRAIN: u64 = 5 * SECOND;
const RETRY: u64 = 100 * MILLI;
const FULL: &str = "! full: so many are connected that no more are let in";

impl World {
    pub(super) fn wall(&self) -> Wall {
        Wall::from_millis(self.calendar + self.now() / MILLI)
    }

    /// Sleeps as long as the loop would. Answers whether anything can happen at all.
    pub(super) fn wait(&mut self) -> Result<bool, String> {
        let deadline = self.deadline();
        let now = self.now();
        if self.is_busy() || deadline.is_some_and(|at| at <= now) {
            let moves = self.chronicle.moves();
            self.idle = if moves == self.moves { self.idle + 1 } else { 0 };
            self.moves = moves;
            if self.idle > IDLE_TURNS {
                return Err(format!("busy but nothing happens: {}", self.state()));
            }
            let later = now + self.chance.between(1, 20 * MICRO);
            self.advance(later)?;
            return Ok(true);
        }
        self.idle = 0;
        self.check_asleep()?;
        while !self.is_woken() {
            let edge = self.kernel.borrow().next_edge();
            let next = [self.next_chore(), edge].into_iter().flatten().min();
            match (next, deadline) {
                (Some(next), None) => self.advance(next)?,
                (Some(next), Some(deadline)) if next < deadline => self.advance(next)?,
                (_, Some(deadline)) => {
                    self.advance(deadline)?;
                    return Ok(true);
                }
                (None, None) if self.has_ended() => return Ok(false),
                (None, None) if self.give_up_vanished() => {}
                (None, None) => return Err(format!("stalled: {}", self.state())),
            }
        }
        Ok(true)
    }

    fn is_busy(&self) -> bool {
        let waiting = self.queues.iter().any(|queue| queue.ready) && self.is_open();
        self.hub.is_busy() || self.pump.is_busy() || self.rang || waiting
    }

    fn deadline(&self) -> Option<u64> {
        let hub =
            self.hub.deadline().map(|at| u64::try_from((at - Moment::START).as_nanos()).expect("the world is young"));
        let retry = self.starved.map(|(retry, _)| retry).filter(|_| self.queues.iter().any(|queue| queue.ready));
        let hub = hub.filter(|_| self.sabotage != Sabotage::NoExpire);
        [hub, retry, self.stopping].into_iter().flatten().min()
    }

    /// Would the poll return?
    fn is_woken(&self) -> bool {
        let edge = self.kernel.borrow().next_edge().is_some_and(|due| due <= self.now());
        let knocked = self.queues.iter().any(|queue| queue.knocked);
        edge || knocked || self.rang || self.signalled || !self.to_carry.is_empty() || self.hub.is_busy()
    }

    pub(super) fn turn(&mut self) {
        self.turns += 1;
        self.kernel.borrow_mut().turn = self.turns;
        self.book.borrow_mut().turn = self.turns;
        self.chronicle.wall.set(self.wall().millis());
        self.hub.begin(Moment::from_nanos(self.now()), self.wall());
        self.mark();
        self.accept();
        self.answers();
        if self.sabotage == Sabotage::LostWakening {
            self.hub.take_woken(&mut Vec::new());
        }
        self.pump.read(&mut self.hub);
        if self.sabotage != Sabotage::NoExpire {
            self.hub.expire();
        }
        if self.sabotage != Sabotage::LostTurnEnd || !self.chance.one_in(10) {
            self.hub.turn_end();
        }
        self.pump.flush(&mut self.hub);
        self.requests();
        self.finish();
        self.note_lagging();
        self.rouse();
    }

    fn mark(&mut self) {
        let events = self.kernel.borrow_mut().poll();
        for (id, said) in events {
            self.chronicle.moved();
            let book = self.book.borrow();
            let taken = |(other, entry): (&ConnId, &Entry)| other.slot() == id.slot() && *other != id && !entry.closed;
            if self.hub.about(id).is_none() && book.entries.iter().any(taken) {
                self.chronicle.count("events for a slot's earlier owner");
            }
            drop(book);
            self.pump.mark(&mut self.hub, id, said);
        }
        for queue in &mut self.queues {
            queue.ready |= std::mem::take(&mut queue.knocked);
        }
        if std::mem::take(&mut self.signalled) && self.stopping.is_none() {
            self.stop();
        }
    }

    fn is_open(&self) -> bool {
        let freed = self.hub.tally().freed;
        self.starved.is_none_or(|(retry, then)| freed != then || self.now() >= retry)
    }

    fn accept(&mut self) {
        let count = self.queues.len();
        let mut left = self.chance.size(1, 4);
        for turn in 0..count {
            let index = (turn + usize::try_from(self.turns).unwrap_or(0)) % count;
            while left > 0 && self.queues[index].ready && self.is_open() {
                left -= 1;
                if self.queues[index].waiting.front().is_some() && self.chance.one_in(60) {
                    self.chronicle.count("out of descriptors");
                    self.starved = Some((self.now() + RETRY, self.hub.tally().freed));
                    continue;
                }
                match self.queues[index].waiting.pop_front() {
                    None => self.queues[index].ready = false,
                    Some(end) => self.admit(index, end),
                }
            }
        }
    }

    fn admit(&mut self, gate: usize, end: usize) {
        self.chronicle.moved();
        self.starved = None;
        let Owner::Client(index) = self.owners[end] else { return };
        let stream = SimStream::new(&self.kernel, end);
        let (lost, peer) = (self.kernel.borrow().ends[end].error.is_some(), self.clients[index].number);
        if lost && self.chance.one_in(3) {
            // Gone before it was accepted.
            self.clients[index].commands = None;
            return;
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], u16::try_from(peer).expect("a dozen")));
        let listener = self.gates[gate].listener;
        let refused = self.hub.connections() >= self.max_connections;
        let id = if refused {
            self.clients[index].commands = None;
            self.chronicle.count("clients refused");
            let text = FULL.as_bytes().to_vec();
            let raw = self.gates[gate].behind == Behind::Relay;
            self.clients[index].model.only(if raw { Expect::Raw(text) } else { Expect::Frame(text) });
            self.hub.refused(listener, Address::Tcp(peer), FULL)
        } else {
            Some(self.hub.accepted(listener, Address::Tcp(peer), None))
        };
        let Some(id) = id else { return self.chronicle.wrong("so few are being told that they are refused".into()) };
        if !refused && !self.book.borrow().entries.get(&id).is_some_and(|entry| entry.opened) {
            self.book.borrow().wrong(id, "accepted, and its service was not told");
        }
        if self.chance.one_in(150) {
            // The kernel can't watch it.
            self.clients[index].commands = None;
            self.clients[index].model.excuse = Some("could not be registered");
            return self.hub.fail(id, Reason::Lost(ErrorKind::Other));
        }
        if self.gates[gate].behind == Behind::Room && !refused {
            self.members.push(id);
        }
        self.pump.accepted(id, stream);
        self.kernel.borrow_mut().register(end, id);
    }

    fn stop(&mut self) {
        self.chronicle.count("worlds that were stopped");
        self.stopping = Some(self.now() + DRAIN);
        for queue in std::mem::take(&mut self.queues) {
            queue.waiting.into_iter().for_each(|end| drop(SimStream::new(&self.kernel, end)));
        }
        for client in &mut self.clients {
            client.commands = None;
            client.model.excuse = Some("the server stopped");
        }
        self.hub.stop();
    }

    fn finish(&mut self) {
        if self.stopping.is_none() && self.hub.stop_wanted() {
            self.stop();
        }
        let Some(limit) = self.stopping else { return };
        let done = self.hub.is_empty() && self.hub.jobs() == 0;
        if !done && self.now() >= limit {
            self.abandoned = true;
            self.hub.abandon();
            self.pump.flush(&mut self.hub);
            self.hub.turn_end();
        }
        self.exit = done || self.now() >= limit;
    }
}

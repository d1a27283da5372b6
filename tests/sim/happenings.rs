//! What each happening in the world does.

use parlor::hub::{Done, JobId, Moment, Panicked};

use crate::build::Probe;
use crate::client::Phase;
use crate::kernel::{Connect, MILLI};
use crate::porter::Porter;
use crate::watch::Watch;
use crate::works::Works;
use crate::world::{Chore, Owner, World};

impl World {
    pub(super) fn perform(&mut self, chore: Chore) -> Result<(), String> {
        match chore {
            Chore::Client(index) if self.clients[index].phase == Phase::Coming => self.come(index),
            Chore::Client(index) => {
                let client = &mut self.clients[index];
                let next = client.act(&mut self.kernel.borrow_mut(), &self.book.borrow().said)?;
                client.due = next.is_some();
                if let Some(at) = next {
                    self.plan(at - self.now(), Chore::Client(index));
                }
            }
            Chore::Peer(index) => {
                let peer = &mut self.peers[index];
                let next = peer.act(&mut self.kernel.borrow_mut());
                peer.due = next.is_some();
                if let Some(at) = next {
                    self.plan(at - self.now(), Chore::Peer(index));
                }
            }
            Chore::Knock(gate) => self.queues.get_mut(gate).map_or((), |queue| queue.knocked = true),
            Chore::Connect(end, outcome) => {
                self.kernel.borrow_mut().connected(end, outcome);
                if let Owner::Peer(index) = self.owners[end] {
                    self.peers[index].alive = outcome == Connect::Done;
                    self.kernel.borrow_mut().stirred.insert(end);
                }
            }
            Chore::Relent(end) => self.kernel.borrow_mut().far_relents(end),
            Chore::Carry(request) => self.to_carry.push(request),
            Chore::Job(job, work) => {
                let panics = self.chance.one_in(8);
                let result = if panics { Err(Panicked) } else { Ok(work()) };
                self.answer(job, result);
            }
            Chore::Answer(job, result) => self.answer(job, result),
            Chore::Invent => self.kernel.borrow_mut().invent(),
            Chore::CutOff(number) => {
                // As a signal would, from outside of any call: the loop is woken for it.
                self.chronicle.count("clients cut off");
                let (works, now) = (self.works, Moment::from_nanos(self.now()));
                let wall = self.wall();
                self.hub.begin(now, wall);
                self.hub.with(works, |works: &mut Watch<Works>, cx| works.inner.cut_off(cx, number));
                let cut_off = &self.book.borrow().cut_off;
                for client in self.clients.iter_mut().filter(|client| cut_off.contains(&client.number)) {
                    client.model.excuse = Some("cut off");
                }
            }
            Chore::Begin if self.stopping.is_none() => {
                self.chronicle.count("services that began something");
                let porter = self.porter;
                self.hub.with(porter, |porter: &mut Watch<Porter>, cx| porter.inner.call(cx, 0));
            }
            Chore::Begin => {}
            Chore::Calendar => self.calendar = self.chance.between(1, 4_000_000_000_000),
            Chore::Stop if self.chance.one_in(2) => self.signalled = true,
            Chore::Stop => {
                // A service asks for it; whatever wakes the loop next finds that out.
                self.hub.with(self.probe, |_: &mut Probe, cx| cx.stop());
                self.rang = true;
            }
        }
        Ok(())
    }

    fn answer(&mut self, job: JobId, result: Done) {
        self.chronicle.note("answer", u64::from(result.is_ok()), 0);
        self.answered.push_back((job, result));
        self.rang = true;
    }

    /// A client connects: it stands in the accept queue, and may speak already.
    fn come(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if self.stopping.is_some() {
            client.phase = Phase::Done;
            return;
        }
        let gate = client.gate;
        let (kind, wide) = (self.gates[gate].kind, self.gates[gate].wide);
        let sizes: &[usize] = if wide { &[32 * 1024, 400_000] } else { &[5, 64, 300, 1500, 1500, 8000] };
        let (inbox_max, outbox_max) = (*self.chance.pick(sizes), *self.chance.pick(sizes));
        let end = self.kernel.borrow_mut().add(kind, Connect::Done, inbox_max, outbox_max);
        client.end = end;
        client.phase = Phase::Inside;
        self.owners.push(Owner::Client(index));
        self.queues[gate].waiting.push_back(end);
        let delay = self.chance.between(0, MILLI / 10);
        self.plan(delay, Chore::Knock(gate));
        self.kernel.borrow_mut().stirred.insert(end);
    }

    /// Whoever may find something new will look, soon.
    pub(super) fn rouse(&mut self) {
        let stirred = std::mem::take(&mut self.kernel.borrow_mut().stirred);
        for end in stirred {
            let pace = self.kernel.borrow().weather.pace;
            let delay = self.chance.between(1, pace);
            match self.owners[end] {
                Owner::Client(index) if !self.clients[index].due => {
                    self.clients[index].due = true;
                    self.plan(delay, Chore::Client(index));
                }
                Owner::Peer(index) if !self.peers[index].due => {
                    self.peers[index].due = true;
                    self.plan(delay, Chore::Peer(index));
                }
                _ => {}
            }
            if self.kernel.borrow().ends[end].starved {
                self.plan(delay, Chore::Relent(end));
            }
        }
    }
}

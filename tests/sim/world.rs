//! The world: what is to happen when, and what each happening does.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use parlor::hub::{ConnId, Done, Hub, JobId, Moment, Panicked, Request, ServiceId, Work};
use parlor::net::pump::Pump;

use crate::book::{Book, SharedBook};
use crate::build::{self, Bounds, Probe};
use crate::chance::Chance;
use crate::chronicle::Chronicle;
use crate::client::{Client, Phase};
use crate::desk::Desk;
use crate::kernel::{Connect, Kernel, MILLI, SECOND, SharedKernel};
use crate::peer::Peer;
use crate::sabotage::Sabotage;
use crate::script::Gate;
use crate::stream::SimStream;
use crate::watch::Watch;
use crate::works::Works;

/// Turns after which a world that has not ended never will.
const TURNS: u64 = 400_000;

/// What is to be done at some time.
pub(super) enum Chore {
    /// A client does its next thing; its first is to connect.
    Client(usize),
    Peer(usize),
    /// The loop learns that somebody waits at a listener.
    Knock(usize),
    Connect(usize, Connect),
    /// Room where there was none, for no reason that the far side knows.
    Relent(usize),
    Carry(Request),
    Job(JobId, Work),
    Answer(JobId, Done),
    Invent,
    CutOff(usize),
    /// The calendar is set to another time.
    Calendar,
    Stop,
}

/// Whose far side an end is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Client(usize),
    Peer(usize),
}

/// A listener's accept queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<usize>,
    pub(super) knocked: bool,
    pub(super) ready: bool,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) hash: u64,
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

pub(crate) struct World {
    pub(super) hub: Hub,
    pub(super) pump: Pump<SimStream>,
    pub(super) kernel: SharedKernel,
    pub(super) book: SharedBook,
    pub(super) chronicle: Rc<Chronicle>,
    pub(super) chance: Chance,
    pub(super) sabotage: Sabotage,
    pub(super) bounds: Bounds,
    pub(super) works: ServiceId,
    pub(super) probe: ServiceId,

    pub(super) gates: Vec<Gate>,
    pub(super) queues: Vec<Queue>,
    pub(super) clients: Vec<Client>,
    pub(super) peers: Vec<Peer>,
    /// Beside the kernel's ends.
    pub(super) owners: Vec<Owner>,
    agenda: BTreeMap<(u64, u64), Chore>,
    planned: u64,

    pub(super) rang: bool,
    pub(super) answered: VecDeque<(JobId, Done)>,
    /// Requests whose time has come.
    pub(super) to_carry: Vec<Request>,
    /// When the helper of the ordered lane is free.
    pub(super) ordered_free: u64,
    pub(super) signalled: bool,
    pub(super) stopping: Option<u64>,
    pub(super) abandoned: bool,
    pub(super) exit: bool,
    /// When to try again to accept, and how many had been freed.
    pub(super) starved: Option<(u64, u64)>,
    pub(super) max_connections: usize,
    pub(super) calendar: u64,
    pub(super) turns: u64,
    pub(super) idle: u32,
    pub(super) moves: u64,
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage, chronicle: &Rc<Chronicle>) -> Self {
        let mut chance = Chance::new(seed);
        let mut dice = chance.fork();
        let mut bounds = build::bounds(&mut chance);
        let mut hub = Hub::new(bounds.of_the_asked(), Box::new(move |bytes| dice.fill(bytes)));
        let book = Book::new(chronicle);
        let desk = Desk { book: book.clone(), chronicle: Rc::clone(chronicle), sabotage };
        let (gates, works) = build::gates(&mut hub, &desk, &mut bounds, &mut chance);
        let probe = hub.add(Probe);
        let weather = build::weather(&mut chance);
        let kernel = Kernel::new(chance.fork(), weather, &bounds.base, Rc::clone(chronicle), sabotage);
        let coming = build::clients(&gates, &mut chance);
        let max_connections = if chance.one_in(8) { chance.size(1, 4) } else { 100 };
        let (agenda, answered, to_carry, clients, peers, owners) = Default::default();
        let mut world = Self {
            hub,
            pump: Pump::default(),
            kernel: SharedKernel::new(kernel.into()),
            book,
            chronicle: Rc::clone(chronicle),
            chance,
            sabotage,
            bounds,
            works,
            probe,
            queues: gates.iter().map(|_| Queue::default()).collect(),
            gates,
            clients,
            peers,
            owners,
            agenda,
            planned: 0,
            rang: false,
            answered,
            to_carry,
            ordered_free: 0,
            signalled: false,
            stopping: None,
            abandoned: false,
            exit: false,
            starved: None,
            max_connections,
            calendar: 1_764_000_000_000,
            turns: 0,
            idle: 0,
            moves: 0,
        };
        world.plan_all(coming);
        world
    }

    fn plan_all(&mut self, coming: Vec<(u64, Client)>) {
        for (index, (when, client)) in coming.into_iter().enumerate() {
            self.clients.push(client);
            self.plan(when, Chore::Client(index));
        }
        for _ in 0..self.chance.size(0, 12) {
            let when = self.chance.between(0, 500 * MILLI);
            self.plan(when, Chore::Invent);
        }
        for _ in 0..2 {
            let when = self.chance.between(0, 2 * SECOND);
            match self.chance.size(0, 19) {
                0 | 1 => {
                    let number = self.chance.size(0, 10);
                    self.plan(when, Chore::CutOff(number));
                }
                2..=5 => self.plan(when, Chore::Calendar),
                6 => self.plan(when, Chore::Stop),
                _ => {}
            }
        }
    }

    /// Plays to the end.
    pub(crate) fn play(mut self) -> Result<Report, String> {
        while !self.exit && self.wait()? {
            self.turn();
            if let Some(wrong) = self.chronicle.take_wrong() {
                return Err(wrong);
            }
            if self.turns > TURNS {
                return Err(format!("after {TURNS} turns the world goes on and on; {}", self.state()));
            }
        }
        self.finish_up()?;
        Ok(Report { hash: self.chronicle.hash(), counts: self.chronicle.counts() })
    }

    pub(super) fn now(&self) -> u64 {
        self.chronicle.now.get()
    }

    pub(super) fn plan(&mut self, delay: u64, chore: Chore) {
        self.planned += 1;
        self.agenda.insert((self.now() + delay, self.planned), chore);
    }

    pub(super) fn next_chore(&self) -> Option<u64> {
        self.agenda.first_key_value().map(|(&(due, _), _)| due)
    }

    /// Time passes, and what was planned for then happens.
    pub(super) fn advance(&mut self, to: u64) -> Result<(), String> {
        self.chronicle.now.set(to);
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > to {
                break;
            }
            let chore = entry.remove();
            self.perform(chore)?;
            self.rouse();
        }
        Ok(())
    }

    fn perform(&mut self, chore: Chore) -> Result<(), String> {
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
            Chore::Knock(gate) => self.queues[gate].knocked = true,
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

    pub(super) fn unsent(&mut self, id: ConnId) -> usize {
        self.hub.with(self.probe, |_: &mut Probe, cx| cx.unsent(id)).unwrap_or(0)
    }

    /// In a few words, for whoever must find out what went wrong.
    pub(super) fn state(&self) -> String {
        let inside: Vec<_> = self.clients.iter().filter(|client| client.phase == Phase::Inside).collect();
        let kernel = self.kernel.borrow();
        let ends: Vec<_> = kernel.ends.iter().filter(|end| !end.dropped).collect();
        format!(
            "turn {}, {} connections, {} jobs, deadline {:?}, hub busy {}, pump busy {}\nclients inside: {inside:#?}\nends: {ends:#?}",
            self.turns,
            self.hub.connections(),
            self.hub.jobs(),
            self.hub.deadline(),
            self.hub.is_busy(),
            self.pump.is_busy(),
        )
    }
}

//! The world: what is to happen when, and what each happening does.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use parlor::hub::{ConnId, Done, Hub, JobId, Request, ServiceId, Work};
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
    /// A service begins something of its own accord.
    Begin,
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
    pub(super) porter: ServiceId,
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
    /// When overdue things were looked for last.
    pub(super) looked: u64,
    /// Members of the room of whom too much waits, and since when.
    pub(super) members: Vec<ConnId>,
    pub(super) lagging: BTreeMap<ConnId, u64>,
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage, chronicle: &Rc<Chronicle>) -> Self {
        let mut chance = Chance::new(seed);
        let mut dice = chance.fork();
        let mut bounds = build::bounds(&mut chance);
        let mut hub = Hub::new(bounds.of_the_asked(), Box::new(move |bytes| dice.fill(bytes)));
        let book = Book::new(chronicle);
        let desk = Desk { book: book.clone(), chronicle: Rc::clone(chronicle), sabotage };
        let (gates, works, porter) = build::gates(&mut hub, &desk, &mut bounds, &mut chance);
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
            porter,
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
            looked: 0,
            members: Vec::new(),
            lagging: BTreeMap::new(),
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
                7 => self.plan(when, Chore::Begin),
                6 => self.plan(when, Chore::Stop),
                _ => {}
            }
        }
    }

    /// Plays to the end.
    pub(crate) fn play(mut self) -> Result<Report, String> {
        while !self.exit && self.wait()? {
            self.check_overdue()?;
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

//! What the hub holds besides the services: links, lists of what is to be done, time. Nothing in here calls a service,
//! so a service may ask for anything in here from inside a call.

use std::rc::Rc;
use std::{fmt, mem};

use slab::Slab;

use super::link::{Link, State};
use super::{
    About, Address, Buffer, Busy, ConnId, Decoder, Framing, Hold, Identity, JOBS, JobId, Lane, Limits, Moment,
    ORDERED_JOBS, Pool, Profile, Random, Reason, Request, Sent, ServiceId, Tally, Target, Timers, Wall, Work,
};

pub(super) struct Core {
    /// The bounds of connections that services open; listeners bring their own.
    pub(super) limits: Rc<Limits>,
    pub(super) links: Slab<Link>,
    generation: u32,
    pub(super) listeners: Vec<(ServiceId, Profile)>,
    pub(super) pool: Pool,
    pub(super) timers: Timers,
    /// Each service's own deadline.
    pub(super) alarms: Vec<Moment>,

    pub(super) now: Moment,
    pub(super) wall: Wall,
    pub(super) random: Random,

    /// Links with buffered input that may hold a frame and are not paused.
    pub(super) runnable: Vec<ConnId>,
    /// Links that can be read again, after `intake` answered 0.
    pub(super) woken: Vec<ConnId>,
    /// Links with output that no flush has seen.
    pub(super) dirty: Vec<ConnId>,
    /// Links whose state asks for an act.
    pub(super) changed: Vec<ConnId>,
    /// What the loop is to carry out.
    pub(super) requests: Vec<Request>,
    pub(super) jobs_waiting: usize,
    jobs_asked: u64,
    /// Refused newcomers that are still being told so.
    pub(super) refused: usize,
    /// A service was called after this turn's `turn_end`, so another turn must follow.
    pub(super) again: bool,
    pub(super) stop_wanted: bool,
    pub(super) tally: Tally,
}

impl fmt::Debug for Core {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Core").field("links", &self.links.len()).field("tally", &self.tally).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(limits: Limits, random: Random) -> Self {
        Self {
            limits: Rc::new(limits),
            links: Slab::new(),
            generation: 0,
            listeners: Vec::new(),
            pool: Pool::default(),
            timers: Timers::default(),
            alarms: Vec::new(),
            now: Moment::START,
            wall: Wall::from_millis(0),
            random,
            runnable: Vec::new(),
            woken: Vec::new(),
            dirty: Vec::new(),
            changed: Vec::new(),
            requests: Vec::new(),
            jobs_waiting: 0,
            jobs_asked: 0,
            refused: 0,
            again: false,
            stop_wanted: false,
            tally: Tally::default(),
        }
    }

    // Links.

    pub(super) fn link(&self, id: ConnId) -> Option<&Link> {
        self.links.get(id.slot()).filter(|link| link.generation == id.generation)
    }

    pub(super) fn link_mut(&mut self, id: ConnId) -> Option<&mut Link> {
        find(&mut self.links, id)
    }

    /// A connection and the pool its buffers come from.
    pub(super) fn link_and_pool(&mut self, id: ConnId) -> Option<(&mut Link, &mut Pool)> {
        find(&mut self.links, id).map(|link| (link, &mut self.pool))
    }

    pub(super) fn id_of(&self, slot: usize) -> ConnId {
        ConnId {
            slot: u32::try_from(slot).expect("slots are counted in 32 bits"),
            generation: self.links[slot].generation,
        }
    }

    pub(super) fn insert(&mut self, mut link: Link) -> ConnId {
        // Generation 0 belongs to no link: its tokens are the loop's own.
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        link.generation = self.generation;
        let slot = self.links.insert(link);
        let id = self.id_of(slot);
        self.schedule(id);
        id
    }

    pub(super) fn remove(&mut self, id: ConnId) {
        self.timers.set(id.slot, Moment::NEVER);
        let mut link = self.links.remove(id.slot());
        self.refused -= usize::from(link.refused);
        link.unread.clear(&mut self.pool);
        link.outbox.clear(&mut self.pool);
        self.tally.freed += 1;
    }

    pub(super) fn about(&self, id: ConnId) -> Option<About<'_>> {
        let link = self.link(id)?;
        let local = link.listener.map(|listener| &self.listeners[listener.0 as usize].1.address);
        let (credentials, certificate) = match link.identity.as_deref() {
            Some(Identity::Process(who)) => (Some(*who), None),
            Some(Identity::Certificate(fingerprint)) => (None, Some(&**fingerprint)),
            None => (None, None),
        };
        Some(About { listener: link.listener, local, peer: &link.peer, credentials, certificate })
    }

    // Output.

    /// Queues about `size` bytes that `write` appends. The one way into an outbox.
    #[inline]
    pub(super) fn enqueue(
        &mut self,
        id: ConnId,
        size: usize,
        write: impl FnOnce(Framing, &mut Buffer, &mut Pool),
    ) -> Sent {
        let Some((link, pool)) = self.link_and_pool(id).filter(|(link, _)| link.takes_output()) else {
            return Sent::Gone;
        };
        let before = link.outbox.len();
        if before + size <= link.limits.output {
            write(link.decoder.framing(), &mut link.outbox, pool);
            let (waiting, limits) = (link.outbox.len(), &link.limits);
            let is_usual = waiting > 0 && waiting < limits.high.min(limits.lag).min(limits.output);
            if is_usual && link.state == State::Open {
                if !mem::replace(&mut link.dirty, true) {
                    self.dirty.push(id);
                }
                return if before == 0 { Sent::Queued } else { Sent::Waiting };
            }
        }
        self.weigh(id, before, before + size)
    }

    /// What follows from an outbox that held `before` bytes and should hold `wanted`.
    #[inline(never)]
    fn weigh(&mut self, id: ConnId, before: usize, wanted: usize) -> Sent {
        let link = &mut self.links[id.slot()];
        let waiting = wanted.max(link.outbox.len()); // with what the framing added, if it was let in
        if waiting == 0 || waiting > link.limits.output {
            link.outbox.truncate(before, &mut self.pool);
        }
        if waiting > link.limits.output {
            link.overrun = true;
            self.change(id);
            return Sent::Gone;
        }
        let is_full = waiting >= link.limits.high;
        link.full |= is_full;
        link.owes_drained |= is_full;
        if waiting >= link.limits.lag {
            link.lagging = link.lagging.min(self.now);
        }
        // One that does not stand yet has no stream; it is touched when it is opened.
        self.touch(id);
        self.schedule(id);
        match before {
            _ if is_full => Sent::Full,
            0 => Sent::Queued,
            _ => Sent::Waiting,
        }
    }

    /// Puts a link with output before the next flush.
    pub(super) fn touch(&mut self, id: ConnId) {
        if let Some(link) = self.link_mut(id).filter(|link| link.state != State::Opening && !link.outbox.is_empty())
            && !mem::replace(&mut link.dirty, true)
        {
            self.dirty.push(id);
        }
    }

    // The ways out.

    pub(super) fn close(&mut self, id: ConnId, why: Reason) {
        let now = self.now;
        let Some((link, pool)) = self.link_and_pool(id).filter(|(link, _)| link.is_live()) else { return };
        let why = if link.ended && why == Reason::Closed { Reason::Ended } else { why };
        if link.state == State::Opening || link.deaf {
            self.lose(id, why);
            return;
        }
        link.state = State::Closing;
        link.why = why;
        link.timer = now + link.limits.farewell;
        link.unread.clear(pool);
        self.change(id);
        self.schedule(id);
    }

    pub(super) fn end(&mut self, id: ConnId) {
        if let Some(link) = self.link_mut(id).filter(|link| link.is_live()) {
            link.ending = true;
            self.change(id);
        }
    }

    /// Gives a link up: freed at the end of the turn, its memory at once.
    pub(super) fn lose(&mut self, id: ConnId, why: Reason) {
        let Some((link, pool)) = self.link_and_pool(id) else { return };
        if link.is_live() && !link.deaf {
            link.why = why;
        }
        link.state = State::Lost;
        link.unread.clear(pool);
        link.outbox.clear(pool);
        self.change(id);
    }

    pub(super) fn change(&mut self, id: ConnId) {
        if let Some(link) = self.link_mut(id)
            && !mem::replace(&mut link.changed, true)
        {
            self.changed.push(id);
        }
    }

    // Pauses.

    pub(super) fn release(&mut self, id: ConnId, why: Hold) {
        if let Some(link) = self.link_mut(id)
            && link.holds & why.0 != 0
        {
            link.holds &= !why.0;
            self.resume(id);
        }
    }

    /// A reason to pause went away. If it was the last, input goes on: what is buffered first, then the stream.
    pub(super) fn resume(&mut self, id: ConnId) {
        let now = self.now;
        let Some(link) = self.link_mut(id).filter(|link| link.state == State::Open && !link.is_paused()) else {
            return;
        };
        link.heard = now;
        if !link.unread.is_empty() || link.input_over && !link.ended {
            self.run(id);
        }
        self.wake(id);
        self.schedule(id);
    }

    /// What the following bytes mean has changed: bytes that made no frame may make one now.
    pub(super) fn reframe(&mut self, id: ConnId) {
        if self.link(id).is_some_and(|link| link.state == State::Open && !link.is_paused() && !link.unread.is_empty()) {
            self.run(id);
        }
    }

    /// Has buffered input framed in the next read phase.
    pub(super) fn run(&mut self, id: ConnId) {
        if let Some(link) = self.link_mut(id)
            && !mem::replace(&mut link.runnable, true)
        {
            self.runnable.push(id);
        }
    }

    /// Tells whoever reads the stream that it may, if `intake` told it to wait.
    pub(super) fn wake(&mut self, id: ConnId) {
        if let Some(link) = self.link_mut(id)
            && link.parked
            && link.intake() > 0
        {
            link.parked = false;
            self.woken.push(id);
        }
    }

    // What the loop carries out.

    pub(super) fn open(&mut self, service: ServiceId, to: Target, framing: Framing) -> ConnId {
        let peer = match &to {
            Target::Tcp(address) | Target::Tls(address, _) => Address::Tcp(*address),
            Target::Unix(path) => Address::Unix(Some(path.clone())),
            Target::Pipe { .. } | Target::Exit(_) => Address::Pipe,
        };
        let mut link = Link::new(service, Decoder::new(framing), peer, self.limits.clone(), self.now);
        link.state = State::Opening;
        let id = self.insert(link);
        self.requests.push(Request::Open(id, to));
        id
    }

    pub(super) fn job(&mut self, service: ServiceId, lane: Lane, work: Work) -> Result<JobId, Busy> {
        let job = self.ask(service, JOBS + usize::from(lane == Lane::Ordered) * ORDERED_JOBS)?;
        self.requests.push(Request::Job(job, lane, work));
        Ok(job)
    }

    pub(super) fn inspect(&mut self, service: ServiceId, id: ConnId) -> Result<JobId, Busy> {
        let job = self.ask(service, JOBS)?;
        self.requests.push(Request::Inspect(job, id));
        Ok(job)
    }

    fn ask(&mut self, service: ServiceId, most: usize) -> Result<JobId, Busy> {
        if self.jobs_waiting >= most {
            return Err(Busy);
        }
        self.jobs_waiting += 1;
        self.jobs_asked += 1;
        Ok(JobId { service, number: self.jobs_asked })
    }
}

fn find(links: &mut Slab<Link>, id: ConnId) -> Option<&mut Link> {
    links.get_mut(id.slot()).filter(|link| link.generation == id.generation)
}

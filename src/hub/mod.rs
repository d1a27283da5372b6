//! The hub: connections without sockets.
//!
//! Bytes come in ([`Hub::receive`]), services are called, bytes go out ([`Hub::output`], [`Hub::wrote`]). Time and
//! randomness are handed in. There is no socket here, no clock, no file and no thread, so a test can play any history
//! of partial reads, refusals and late events, and play it again.
//!
//! The order of calls in a turn is the loop's; `docs/architecture.md` has it, `net::reactor` follows it.

mod address;
mod buffer;
mod core;
mod cx;
mod deadlines;
mod frame;
mod input;
mod life;
mod limits;
mod link;
mod output;
mod service;
mod time;
mod timer;

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use self::core::Core;

pub use self::address::{About, Address, Credentials, Fact, Identity, Inspection, Target};
pub use self::buffer::{Buffer, Pool};
pub use self::cx::Cx;
pub use self::frame::{Decoder, Framing, Step, is_http_request};
pub use self::limits::*;
pub use self::service::*;
pub use self::time::{Moment, Wall};
pub use self::timer::Timers;

/// Fills a buffer with what nobody can guess; in a test, with what its seed says.
pub type Random = Box<dyn FnMut(&mut [u8])>;

/// What a listener's connections have in common.
#[derive(Debug, Clone)]
pub struct Profile {
    /// How their frames stand on the wire at first.
    pub framing: Framing,
    /// The longest silence of a connection.
    pub silence: Option<Duration>,
    /// A first line that is a web browser's request closes the connection.
    pub refuse_http: bool,
    /// The bounds they are held to.
    pub limits: Rc<Limits>,
    /// Where it listens.
    pub address: Address,
}

/// What the loop (or a simulator) is to carry out.
pub enum Request {
    /// Connect; answered by [`Hub::opened`] or [`Hub::fail`].
    Open(ConnId, Target),
    /// Run off the loop; answered by [`Hub::done`].
    Job(JobId, Lane, Work),
    /// Ask the kernel about a connection; answered by [`Hub::done`] with an [`Inspection`].
    Inspect(JobId, ConnId),
}

impl std::fmt::Debug for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(id, to) => out.debug_tuple("Open").field(id).field(to).finish(),
            Self::Job(job, lane, _) => out.debug_tuple("Job").field(job).field(lane).finish_non_exhaustive(),
            Self::Inspect(job, id) => out.debug_tuple("Inspect").field(job).field(id).finish(),
        }
    }
}

/// What is to be done to a connection's stream, after the turn's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Keep,
    /// Shut its write side; the peer may go on speaking.
    ShutWrite,
    /// Shut its write side, and go on reading only to drop what still comes. A stream that can't do this is to be
    /// failed.
    Linger,
    /// Close it; the connection is no more.
    Free,
}

/// What happened since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Connections accepted, the refused included.
    pub accepted: u64,
    /// Connections refused with a word.
    pub refused: u64,
    /// Slots freed.
    pub freed: u64,
    /// Frames delivered to services.
    pub frames: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
}

/// All connections, and the services that speak with them.
pub struct Hub {
    core: Core,
    services: Vec<Box<dyn Service>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.core.fmt(out)
    }
}

/// Setting up, and looking in from outside.
impl Hub {
    /// An empty hub.
    #[must_use]
    pub fn new(limits: Limits, random: Random) -> Self {
        Self { core: Core::new(limits, random), services: Vec::new() }
    }

    /// Adds a service.
    pub fn add(&mut self, service: impl Service) -> ServiceId {
        self.services.push(Box::new(service));
        self.core.alarms.push(Moment::NEVER);
        service_id(self.services.len() - 1)
    }

    /// Adds a listener of a service.
    pub fn listen(&mut self, service: ServiceId, profile: Profile) -> ListenerId {
        self.core.listeners.push((service, profile));
        ListenerId(u16::try_from(self.core.listeners.len() - 1).expect("listeners are counted by hand"))
    }

    /// A service, for whoever drives the hub to look into.
    #[must_use]
    pub fn service<T: Service>(&self, id: ServiceId) -> Option<&T> {
        let service: &dyn Any = &*self.services[id.0 as usize];
        service.downcast_ref()
    }

    /// Speaks with the outside as a service does: for a program that starts something before the first event.
    pub fn with<T: Service, R>(&mut self, id: ServiceId, act: impl FnOnce(&mut T, &mut Cx<'_>) -> R) -> Option<R> {
        let service: &mut dyn Any = &mut *self.services[id.0 as usize];
        let mut cx = Cx { core: &mut self.core, service: id };
        service.downcast_mut().map(|service| act(service, &mut cx))
    }

    /// How many connections there are, the closing included, the refused not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.core.links.len() - self.core.refused
    }

    /// How many connections there are, the refused included.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.core.links.len()
    }

    /// What is known of a connection.
    #[must_use]
    pub fn about(&self, id: ConnId) -> Option<About<'_>> {
        self.core.about(id)
    }

    /// What all connections leave unread and unsent, and who leaves most. What several are to be told is counted once.
    pub fn hoarded(&self) -> (usize, Option<ConnId>) {
        let sizes = self.core.links.iter().map(|(slot, link)| (link.unread.len() + link.outbox.weight(), slot));
        let largest = sizes.clone().max().map(|(_, slot)| self.core.id_of(slot));
        (sizes.map(|(size, _)| size).sum(), largest)
    }

    /// Has every connection come to its end?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.core.links.is_empty()
    }

    /// How many jobs and inspections were asked for and not answered.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.core.jobs_waiting
    }

    /// How much memory is kept for connections that will need a buffer.
    #[must_use]
    pub fn pooled(&self) -> usize {
        self.core.pool.bytes()
    }

    /// What happened since the start.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.core.tally
    }

    /// Did a service ask to stop?
    #[must_use]
    pub fn stop_wanted(&self) -> bool {
        self.core.stop_wanted
    }

    /// Calls a service. The one place where services and connections are borrowed apart.
    fn call(&mut self, service: ServiceId, act: impl FnOnce(&mut dyn Service, &mut Cx<'_>)) {
        act(&mut *self.services[service.0 as usize], &mut Cx { core: &mut self.core, service });
    }

    fn service_ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        (0..self.services.len()).map(service_id)
    }
}

fn service_id(index: usize) -> ServiceId {
    ServiceId(u16::try_from(index).expect("services are counted by hand"))
}

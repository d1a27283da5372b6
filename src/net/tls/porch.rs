//! Where newcomers shake hands before they come in. To the loop, a TLS listener is one whose connections all stand: who
//! is slow here, or speaks something else, takes no place inside, and no service hears of it.
//!
//! The porch has an epoll of its own for those who wait in it, which the loop's watches as it watches a listener. It
//! never sleeps on it. Its clock is a timer among the same descriptors.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use socket2::SockRef;

use super::failure::Failure;
use super::session::Tls;
use super::{Keyring, words};
use crate::hub::{Address, Framing, Identity, Moment};
use crate::net::clock::Clock;
use crate::net::counts::Counts;
use crate::net::door::Door;
use crate::net::listen::{Accepted, Bound};
use crate::net::pump::Wire;
use crate::net::stream::Stream;
use crate::net::{Misdeeds, report, shown};

/// What somebody who was turned away may still say, so that no reset destroys what we told them.
const LAST_BYTES: usize = 64 * 1024;

const DOOR: usize = 0;
const TIMER: usize = 1;
const FIRST_GUEST: usize = 2;
const EVENTS: usize = 256;

#[derive(Debug)]
struct Guest {
    stream: Tls<Stream>,
    peer: Address,
    who: Option<Identity>,
    deadline: Moment,
    /// Was told why not; what still comes, up to so many bytes, is dropped.
    leaving: Option<usize>,
}

/// A door, and those who came to it and do not stand yet.
#[derive(Debug)]
pub(in crate::net) struct Porch {
    door: Door,
    keyring: Keyring,
    /// How those who speak no TLS will expect to be told so.
    framing: Framing,
    room: usize,
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    clock: Clock,
    /// Where it is told who did not come to shake hands.
    misdeeds: Option<Misdeeds>,
    failed: Rc<Counts>,
    /// By number, so the first has waited longest.
    guests: BTreeMap<usize, Guest>,
    next: usize,
    /// Events that nobody has looked at yet.
    knocks: VecDeque<usize>,
    door_ready: bool,
}

impl Bound {
    /// Whoever comes shakes hands first, within the keyring's limit. So many can do so at once; when one more comes, the one who has
    /// waited longest makes room, for most who take long are never going to. Who speaks no TLS is told so in `framing`.
    ///
    /// # Errors
    /// When the kernel has no descriptor for that.
    pub fn behind_tls(self, keyring: Keyring, framing: Framing, guests: usize) -> io::Result<Self> {
        let socket = Door::Tls(Box::new(Porch::new(self.socket, keyring, framing, guests)?));
        Ok(Self { socket, ..self })
    }

    /// Tells the door of those who do not come to shake hands here.
    #[must_use]
    pub fn reporting(mut self, misdeeds: &Misdeeds) -> Self {
        if let Door::Tls(porch) = &mut self.socket {
            porch.misdeeds = Some(misdeeds.clone());
        }
        self
    }

    /// Counts there who fails to shake hands here, by why.
    #[must_use]
    pub fn counting(mut self, failed: &Rc<Counts>) -> Self {
        if let Door::Tls(porch) = &mut self.socket {
            porch.failed = Rc::clone(failed);
        }
        self
    }
}

impl Porch {
    fn new(mut door: Door, keyring: Keyring, framing: Framing, room: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        door.register(poll.registry(), Token(DOOR), Interest::READABLE)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), Token(TIMER), Interest::READABLE)?;
        let (events, clock, guests, knocks) =
            (Events::with_capacity(EVENTS), Clock::default(), BTreeMap::new(), VecDeque::new());
        let (next, door_ready) = (FIRST_GUEST, false);
        Ok(Self {
            door,
            keyring,
            framing,
            room,
            poll,
            events,
            timer,
            clock,
            misdeeds: None,
            failed: Failure::counts(),
            guests,
            next,
            knocks,
            door_ready,
        })
    }

    pub(in crate::net) fn socket(&self) -> SockRef<'_> {
        self.door.socket()
    }

    /// Does one thing that there is to do; answers with somebody who stands, or that there is nothing left. So one
    /// turn of the loop, which asks so often and no more, is bounded.
    pub(in crate::net) fn accept(&mut self) -> Accepted {
        if self.knocks.is_empty() {
            self.look();
        }
        match self.knocks.pop_front() {
            None => Accepted::Nobody,
            Some(DOOR) => self.welcome(),
            Some(TIMER) => {
                self.expire();
                Accepted::Lost
            }
            Some(number) => self.attend(number),
        }
    }

    /// Sees who knocks.
    fn look(&mut self) {
        while let Err(error) = self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            if error.kind() != ErrorKind::Interrupted {
                log::error!("those who shake hands can't be watched: {error}");
                return;
            }
        }
        for event in &self.events {
            match event.token() {
                Token(DOOR) => self.door_ready = true,
                Token(number) => self.knocks.push_back(number),
            }
        }
        if self.door_ready {
            self.knocks.push_back(DOOR);
        }
    }

    /// Lets one more onto the porch.
    fn welcome(&mut self) -> Accepted {
        match self.door.accept() {
            Accepted::Peer(stream, peer, who) => {
                match self.place(stream, peer, who) {
                    Err(error) => log::warn!("somebody could not be let in to shake hands: {error}"),
                    Ok(()) if self.guests.len() == 1 => self.arm(),
                    Ok(()) => {}
                }
                Accepted::Lost
            }
            Accepted::Nobody => {
                self.door_ready = false;
                Accepted::Lost
            }
            Accepted::Starved(error) => {
                // Whoever makes room now asks again, and means the door.
                self.knocks.push_front(DOOR);
                Accepted::Starved(error)
            }
            Accepted::Lost => Accepted::Lost,
        }
    }

    fn place(&mut self, stream: Stream, peer: Address, who: Option<Identity>) -> io::Result<()> {
        if self.guests.len() == self.room {
            self.give_up_first("too many others came", Failure::Crowded);
        }
        let stream = Tls::new(stream, self.keyring.session().map_err(io::Error::other)?);
        let number = self.next;
        watch(self.poll.registry(), stream.wire(), number)?;
        self.next += 1;
        let deadline = self.clock.now() + self.keyring.limit();
        self.guests.insert(number, Guest { stream, peer, who, deadline, leaving: None });
        Ok(())
    }

    /// Goes on with somebody, as far as it goes.
    fn attend(&mut self, number: usize) -> Accepted {
        let Some(guest) = self.guests.get_mut(&number) else { return Accepted::Lost };
        if guest.leaving.is_some() {
            if !guest.goes_on_leaving() {
                self.guests.remove(&number);
            }
            return Accepted::Lost;
        }
        match guest.stream.established() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Accepted::Lost,
            Err(error) => {
                log::info!("TLS: {} is turned away: {error}", shown(&guest.peer));
                let failure = Failure::of(&error, !guest.stream.may_be_plain(), guest.stream.broken());
                note(&self.failed, self.misdeeds.as_ref(), &guest.peer, failure);
                if failure == Failure::Left || !guest.is_told(self.framing) {
                    self.guests.remove(&number);
                }
                Accepted::Lost
            }
            Ok(()) => {
                let Guest { stream, peer, who, .. } = self.guests.remove(&number).expect("it was found above");
                self.let_in(stream, peer, who)
            }
        }
    }

    fn let_in(&self, stream: Tls<Stream>, peer: Address, who: Option<Identity>) -> Accepted {
        if let Err(error) = unwatch(self.poll.registry(), stream.wire()) {
            log::warn!("somebody who shook hands can't be let in: {error}");
            return Accepted::Lost;
        }
        let facts = stream.facts();
        let said: Vec<&str> = facts.iter().map(|fact| fact.granted.as_str()).collect();
        log::debug!("TLS: {}: {}", shown(&peer), said.join(", "));
        let who = stream.certificate().map(Identity::Certificate).or(who);
        Accepted::Peer(Stream::Tls(Box::new(stream)), peer, who)
    }

    /// Gives up those whose time is over.
    fn expire(&mut self) {
        let now = self.clock.now();
        while self.guests.first_key_value().is_some_and(|(_, guest)| guest.deadline <= now) {
            self.give_up_first("it took too long", Failure::TooSlow);
        }
        self.arm();
    }

    fn give_up_first(&mut self, why: &str, failure: Failure) {
        if let Some((_, mut guest)) = self.guests.pop_first()
            && guest.leaving.is_none()
        {
            log::info!("TLS: {} is turned away: {why}", shown(&guest.peer));
            note(&self.failed, self.misdeeds.as_ref(), &guest.peer, failure);
            guest.is_told(self.framing);
        }
    }

    /// Sets the timer to the first deadline.
    fn arm(&self) {
        let Some((_, first)) = self.guests.first_key_value() else { return };
        // Not zero, which would switch it off.
        let left = (first.deadline - self.clock.now()).max(Duration::from_millis(1));
        let it_value = Timespec::try_from(left).expect("a limit is far below the end of time");
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let set = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value });
        if let Err(error) = set {
            log::error!("the timer of handshakes can't be set: {error}");
        }
    }
}

impl Guest {
    /// Says why not, in the way that it will understand, and that this was all. Answers whether it may be worth
    /// staying until it has heard.
    fn is_told(&mut self, framing: Framing) -> bool {
        if self.stream.may_be_plain() {
            let text = format!("! tls: {}; this address speaks TLS only (tls:HOST:PORT); goodbye", words::NO_TLS);
            let mut frame = Vec::new();
            framing.encode(text.as_bytes(), &mut frame);
            // Nothing was written before, so this fits.
            let _ = self.stream.wire_mut().write(&frame);
        }
        self.leaving = Some(LAST_BYTES);
        self.stream.wire_mut().shut_write().is_ok() && self.goes_on_leaving()
    }

    /// Drops what it still says. Answers whether there may be more.
    fn goes_on_leaving(&mut self) -> bool {
        let Some(left) = &mut self.leaving else { return true };
        let mut piece = [0; 4096];
        while *left > 0 {
            match self.stream.wire_mut().read(&mut piece) {
                Ok(0) => return false,
                Ok(count) => *left = left.saturating_sub(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }
}

fn note(failed: &Counts, misdeeds: Option<&Misdeeds>, peer: &Address, failure: Failure) {
    failed.count(failure.code());
    if let (Some(misdeeds), Some(weight)) = (misdeeds, failure.weight()) {
        report(misdeeds, peer, weight);
    }
}

fn watch(registry: &Registry, stream: &Stream, number: usize) -> io::Result<()> {
    let both = Interest::READABLE | Interest::WRITABLE;
    with_descriptor(stream, |descriptor| registry.register(&mut SourceFd(&descriptor), Token(number), both))
}

/// Whoever leaves the porch is watched by the loop, and by nobody else.
fn unwatch(registry: &Registry, stream: &Stream) -> io::Result<()> {
    with_descriptor(stream, |descriptor| registry.deregister(&mut SourceFd(&descriptor)))
}

fn with_descriptor(stream: &Stream, act: impl FnOnce(i32) -> io::Result<()>) -> io::Result<()> {
    match stream.socket() {
        Some(socket) => act(socket.as_fd().as_raw_fd()),
        None => Err(ErrorKind::Unsupported.into()),
    }
}

impl Source for Porch {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.poll.as_raw_fd()), token, interest)
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "interests are registered once"))
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "closing a descriptor is enough"))
    }
}

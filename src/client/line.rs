//! The line to a server: its address looked up, a connection made within 10 s, and made again when it broke.
//!
//! A service owns a `Line` and hands it what concerns it; the line opens connections through [`Cx`] and answers what
//! became of them.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::address::ServerAddress;
use super::backoff::Backoff;
use super::trouble::Trouble;
use crate::hub::{Address, ConnId, Cx, Done, Framing, JobId, Lane, Limits, Moment, Reason, Target};

/// How long connecting may take, to the first word of the server: the documents' number.
pub const CONNECT: Duration = Duration::from_secs(10);

/// The longest line that a server sends: 10,000 bytes in the chat's JSON form, and some room for later versions.
const LONGEST_LINE: u32 = 32 * 1024;

/// How long one place is waited for until the next is tried beside it: RFC 8305's number. A name may mean a place that is
/// reached and one whose packets are lost.
const HEAD_START: Duration = Duration::from_millis(250);

#[derive(Debug)]
enum State {
    /// Not wanted.
    Off,
    /// Its name is being looked up.
    LookingUp(JobId),
    /// Connections are being made, and the first that stands is taken; places still to try, the next one last.
    Trying { ids: Vec<ConnId>, rest: Vec<Target> },
    /// It stands, and the server has spoken.
    Stands(ConnId),
    /// It is tried again then.
    Waiting(Moment),
}

/// The line.
#[derive(Debug)]
pub struct Line {
    address: ServerAddress,
    /// The service's own port.
    port: u16,
    state: State,
    /// When connecting has taken too long.
    until: Moment,
    backoff: Backoff,
    /// Why we close it ourselves.
    why: Option<Trouble>,
    /// What one of several places answered. That says more than another's silence.
    answered: Option<Trouble>,
}

impl Line {
    /// A line to be.
    #[must_use]
    pub fn new(address: ServerAddress, port: u16) -> Self {
        let (state, until) = (State::Off, Moment::NEVER);
        Self { address, port, state, until, backoff: Backoff::default(), why: None, answered: None }
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Begins to connect; trouble that shows at once is answered at once.
    ///
    /// # Errors
    /// What stands in the way already.
    pub fn connect(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        (self.why, self.answered, self.until) = (None, None, cx.now() + CONNECT);
        if !self.address.needs_look_up() {
            return self.looked_up(cx, self.address.targets(self.port));
        }
        let (address, port) = (self.address.clone(), self.port);
        match cx.job(Lane::Any, move || address.found_within(port, CONNECT)) {
            Ok(job) => self.state = State::LookingUp(job),
            Err(_) => return Err(Trouble::Unknown("too much is under way".to_owned())),
        }
        Ok(())
    }

    /// Is this the look-up?
    #[must_use]
    pub fn awaits(&self, job: JobId) -> bool {
        matches!(self.state, State::LookingUp(asked) if asked == job)
    }

    /// Is this the look-up's answer? Then it is used.
    ///
    /// # Errors
    /// When it led nowhere.
    pub fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) -> Result<(), Trouble> {
        if !self.awaits(job) {
            return Ok(());
        }
        self.state = State::Off;
        match result.map(Box::<dyn std::any::Any + Send>::downcast::<io::Result<Vec<Target>>>) {
            Ok(Ok(found)) => self.looked_up(cx, *found),
            _ => Err(Trouble::Nowhere),
        }
    }

    fn looked_up(&mut self, cx: &mut Cx<'_>, found: io::Result<Vec<Target>>) -> Result<(), Trouble> {
        let mut rest = found.map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => Trouble::Impossible(error.to_string()),
            _ => Trouble::Unknown(error.to_string()),
        })?;
        rest.reverse();
        self.state = State::Trying { ids: Vec::new(), rest };
        if self.try_next(cx) { Ok(()) } else { Err(Trouble::Nowhere) }
    }

    /// Tries the next place, if there is one.
    fn try_next(&mut self, cx: &mut Cx<'_>) -> bool {
        let State::Trying { ids, rest } = &mut self.state else { return false };
        let Some(target) = rest.pop() else { return false };
        let id = cx.open(target, Framing::Lines { max: LONGEST_LINE });
        // What we say last, the server answers by closing; else nothing is worth waiting for.
        cx.set_limits(id, &Rc::new(Limits { linger: Duration::ZERO, ..Limits::default() }));
        ids.push(id);
        let patience = if rest.is_empty() { CONNECT } else { HEAD_START };
        cx.set_timer(id, self.until.min(cx.now() + patience));
        true
    }

    /// This connection stands: the others are not needed.
    pub fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let State::Trying { ids, rest } = &mut self.state {
            for &other in ids.iter().filter(|&&other| other != id) {
                cx.close(other);
            }
            (*ids, *rest) = (vec![id], Vec::new());
            cx.set_timer(id, self.until);
        }
    }

    /// When connecting has taken too long.
    #[must_use]
    pub fn until(&self) -> Moment {
        self.until
    }

    /// Is this its connection, or one of those that may be?
    #[must_use]
    pub fn is(&self, id: ConnId) -> bool {
        match &self.state {
            State::Trying { ids, .. } => ids.contains(&id),
            State::Stands(own) => *own == id,
            _ => false,
        }
    }

    /// Can nobody read on the way what is sent on it?
    #[must_use]
    pub fn is_private(&self, cx: &Cx<'_>, id: ConnId) -> bool {
        let own = |peer: &Address| !matches!(peer, Address::Tcp(at) if !at.ip().to_canonical().is_loopback());
        self.address.is_tls() || cx.about(id).is_some_and(|about| own(about.peer))
    }

    /// The connection, once the server has spoken on it.
    #[must_use]
    pub fn standing(&self) -> Option<ConnId> {
        match self.state {
            State::Stands(id) => Some(id),
            _ => None,
        }
    }

    /// The server has spoken: the line stands.
    pub fn greeted(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.is(id) {
            self.opened(cx, id);
            cx.set_timer(id, Moment::NEVER);
            self.state = State::Stands(id);
        }
    }

    /// The server is as it should be: the next trouble is a new one.
    pub fn proven(&mut self) {
        self.backoff.reset();
    }

    /// Connecting takes long.
    pub fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if !matches!(self.state, State::Trying { .. }) {
            return;
        }
        if cx.now() < self.until {
            cx.set_timer(id, self.until);
            self.try_next(cx);
            return;
        }
        self.opened(cx, id); // as if it did, for none of the others counts any more
        let why = self.answered.take().unwrap_or(Trouble::NoAnswer);
        self.give_up(cx, id, why);
    }

    /// Closes it, for a reason of ours.
    pub fn give_up(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Trouble) {
        self.why = Some(why);
        cx.close(id);
    }

    /// A connection of ours is gone. Places that are left are tried first.
    ///
    /// # Errors
    /// Why the line does not stand, when nothing is left to try.
    pub fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) -> Result<(), Trouble> {
        if !self.is(id) {
            return Ok(());
        }
        let why = self.why.take().unwrap_or_else(|| Trouble::of(why));
        if let State::Trying { ids, .. } = &mut self.state
            && matches!(why, Trouble::Unreachable(_))
        {
            ids.retain(|&other| other != id);
            let others = !ids.is_empty();
            if self.try_next(cx) || others {
                self.answered = Some(why);
                return Ok(());
            }
        }
        if let State::Trying { ids, .. } = std::mem::replace(&mut self.state, State::Off) {
            for other in ids {
                cx.close(other);
            }
        }
        Err(why)
    }

    /// Tries again after a pause; answers how long that is.
    pub fn pause(&mut self, cx: &mut Cx<'_>) -> Duration {
        let mut chance = [0];
        cx.random(&mut chance);
        let pause = self.backoff.next(chance[0]);
        self.state = State::Waiting(cx.now() + pause);
        pause
    }

    /// When it wants to be called.
    #[must_use]
    pub fn due(&self) -> Moment {
        match self.state {
            State::Waiting(when) => when,
            _ => Moment::NEVER,
        }
    }
}

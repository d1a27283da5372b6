//! The way to a service that names itself: a line to it, made again when it breaks, and a name told on it.

use std::time::Duration;

use super::Failure;
use crate::client::address::ServerAddress;
use crate::client::line::Line;
use crate::client::login::{INSECURE, Login};
use crate::client::standard::say_aside;
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, JobId, Moment, Reason};

/// How often it is looked whether anything moves, and how often in vain until the line counts as dead.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS: u32 = 6;

/// What a line of the server is to an errand.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// The service named itself: the errand can begin.
    Ready,
    /// An answer, without its mark.
    Answer(&'a str),
    /// An error, without its mark.
    Error(&'a str),
    /// Something that we don't know, or that is none of the errand's business.
    Other,
}

/// A service that errands lead to.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its own port.
    pub port: u16,
    /// How it begins its first line.
    pub greeting: &'static str,
    /// May it be silent for as long as it likes? Then keepalive finds out whether the machine is there.
    pub may_be_silent: bool,
    /// What somebody can do who finds nobody there.
    pub advice: &'static str,
}

/// The line of an errand, and what became of all of it.
#[derive(Debug)]
pub struct Way {
    line: Line,
    place: Place,
    greeted: bool,
    /// Who to log in as, and whether the answer to that is still to come.
    login: Option<Login>,
    proving: bool,
    /// It stood once: from then on it can be made again.
    stood: bool,
    /// When something last moved, as far as the last look saw, and how many looks saw nothing.
    seen: (Moment, u64),
    in_vain: u32,
    /// Why it does not stand, until somebody has asked.
    trouble: Option<Trouble>,
    /// The exit code, or why it was not done.
    outcome: Option<Result<u8, Failure>>,
}

impl Way {
    pub(super) fn new(address: ServerAddress, place: Place, login: Option<Login>) -> Self {
        Self {
            line: Line::new(address.with_port(place.port), place.port),
            place,
            greeted: false,
            login,
            proving: false,
            stood: false,
            seen: (Moment::START, 0),
            in_vain: 0,
            trouble: None,
            outcome: None,
        }
    }

    /// The connection, once the service has named itself, and knows us.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        self.line.standing().filter(|_| self.greeted && !self.proving)
    }

    /// Makes the connection.
    pub fn connect(&mut self, cx: &mut Cx<'_>) {
        let began = self.line.connect(cx);
        self.note(began);
    }

    fn note(&mut self, outcome: Result<(), Trouble>) {
        if let Err(trouble) = outcome {
            (self.greeted, self.proving, self.in_vain) = (false, false, 0);
            self.trouble = Some(trouble);
        }
    }

    /// Why it does not stand, once.
    pub(super) fn trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// The service has named itself: now we do, if we are anybody.
    fn introduce<'a>(&mut self, cx: &mut Cx<'_>, id: ConnId) -> Word<'a> {
        let Some(Login { name, password }) = &self.login else { return Word::Ready };
        if !self.line.is_private(cx, id) {
            return Word::Error(INSECURE);
        }
        let _ = cx.send(id, format!("login {name} {password}").as_bytes());
        self.proving = true;
        Word::Other
    }

    /// A line came.
    pub(super) fn hear<'a>(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &'a str) -> Word<'a> {
        if self.line.standing().is_none() {
            self.line.greeted(cx, id);
            cx.set_timer(id, cx.now() + LOOK);
        }
        if let Some(error) = line.strip_prefix("! ") {
            return Word::Error(error);
        }
        if !self.greeted {
            if !line.starts_with(self.place.greeting) {
                self.fail(self.stranger());
                return Word::Other;
            }
            (self.greeted, self.stood) = (true, true);
            return self.introduce(cx, id);
        }
        if self.proving {
            self.proving = !line.starts_with("- you are ");
            return if self.proving { Word::Other } else { Word::Ready };
        }
        line.strip_prefix("- ").map_or(Word::Other, Word::Answer)
    }

    /// The connection's deadline.
    pub(super) fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.line.standing().is_none() {
            return self.line.timer(cx, id);
        }
        if self.place.may_be_silent && self.conn().is_some() {
            return;
        }
        let now = (cx.heard(id).unwrap_or(Moment::START), cx.taken(id));
        self.in_vain = if self.seen == now { self.in_vain + 1 } else { 0 };
        self.seen = now;
        if self.in_vain >= LOOKS {
            return self.give_up(cx, id, Trouble::Broken(std::io::ErrorKind::TimedOut));
        }
        cx.set_timer(id, cx.now() + LOOK);
    }

    /// Does it wait for this job, a look-up?
    pub(super) fn awaits(&self, job: JobId) -> bool {
        self.line.awaits(job)
    }

    /// The look-up's answer.
    pub(super) fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let outcome = self.line.done(cx, job, result);
        self.note(outcome);
    }

    /// A connection is gone, perhaps its own.
    pub(super) fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let outcome = self.line.closed(cx, id, why);
        self.note(outcome);
    }

    /// Closes the line, for a reason of ours.
    pub fn give_up(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Trouble) {
        self.line.give_up(cx, id, why);
    }

    /// The line broke, and is made again after a pause, unless it has never stood.
    pub fn again(&mut self, cx: &mut Cx<'_>, trouble: &Trouble) {
        if !self.stood {
            return self.fail_to_stand(trouble);
        }
        let pause = self.line.pause(cx);
        say_aside(&trouble.paused(self.line.address(), pause));
        cx.set_alarm(self.line.due());
    }

    /// The line broke, and is not made again.
    pub fn fail_to_stand(&mut self, trouble: &Trouble) {
        let text = trouble.ended(self.line.address(), self.place.advice);
        self.fail(Failure::new(Failure::CONNECTION, text));
    }

    /// Something was done on it: the next pause is a short one.
    pub fn proven(&mut self) {
        self.line.proven();
    }

    /// Somebody else answers there.
    fn stranger(&self) -> Failure {
        let service = self.place.greeting.trim_start_matches("- ").trim_end_matches(':');
        let other = Trouble::Wrong(format!("something else than {service} answers there"));
        Failure::new(Failure::CONNECTION, other.ended(self.line.address(), ""))
    }

    /// It is done, with this exit code, unless it had ended before.
    pub fn succeed(&mut self, code: u8) {
        self.outcome.get_or_insert(Ok(code));
    }

    /// It can't be done, unless it had ended before.
    pub fn fail(&mut self, failure: Failure) {
        self.outcome.get_or_insert(Err(failure));
    }

    /// It was done, perhaps, and nobody can have what came of it.
    pub fn spoil(&mut self, failure: Failure) {
        self.outcome = self.outcome.take().filter(Result::is_err).or(Some(Err(failure)));
    }

    /// What became of it, if it has ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<u8, Failure>> {
        self.outcome.as_ref()
    }
}

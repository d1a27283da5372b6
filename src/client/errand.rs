//! What the clients of files and commands have in common: a line to a service that names itself, made again when it
//! breaks, and the ways in which all that can fail.

use std::fmt;
use std::time::Duration;

use super::address::ServerAddress;
use super::line::Line;
use super::login::{INSECURE, Login};
use super::standard::say_aside;
use super::trouble::{Trouble, advice};
use crate::hub::{ConnId, Cx, Moment};
use crate::services::chat::neutralise;

/// How often it is looked whether anything moves, and how often in vain until the line counts as dead.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS: u32 = 6;

/// Why something was not done: a code for scripts, words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// One line.
    pub text: String,
}

impl Failure {
    /// Of this machine: a file that can't be read or written, and everything that has no code of its own.
    pub const HERE: u8 = 1;
    /// No connection, or not the right service.
    pub const CONNECTION: u8 = 3;
    /// The server refused.
    pub const REFUSED: u8 = 4;
    /// The server has no such thing.
    pub const NOTHING: u8 = 5;
    /// The content is not what it should be.
    pub const CONTENT: u8 = 6;
    /// Somebody interrupted it.
    pub const INTERRUPTED: u8 = 130;

    /// A failure with its code.
    #[must_use]
    pub fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// What the server said in an error line behind its `! `.
    #[must_use]
    pub fn told(error: &str) -> Self {
        let code = match error.split(':').next().unwrap_or_default() {
            "no-such-file" | "no-such-command" => Self::NOTHING,
            "digest" => Self::CONTENT,
            _ => Self::REFUSED,
        };
        Self::new(code, neutralise(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// What a line of the server is to an errand.
#[derive(Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// The service named itself: the errand can begin.
    Ready,
    /// An answer, without its mark.
    Answer(&'a str),
    /// An error, without its mark.
    Error(&'a str),
    /// Something that we don't know.
    Other,
    /// Another service answers there.
    Stranger,
}

/// The line of an errand.
#[derive(Debug)]
pub struct Errand {
    line: Line,
    /// How the service begins its first line.
    greeting: &'static str,
    greeted: bool,
    /// Who to log in as, and whether the answer to that is still to come.
    login: Option<Login>,
    proving: bool,
    /// It stood once: from then on it is made again.
    stood: bool,
    /// When something last moved, as far as the last look saw, and how many looks saw nothing.
    seen: (Moment, u64),
    in_vain: u32,
}

impl Errand {
    /// An errand to be.
    #[must_use]
    pub fn new(address: ServerAddress, port: u16, greeting: &'static str) -> Self {
        let line = Line::new(address, port);
        let (login, seen) = (None, (Moment::START, 0));
        Self { line, greeting, greeted: false, login, proving: false, stood: false, seen, in_vain: 0 }
    }

    /// The same for somebody with an account: each connection logs in before anything else.
    #[must_use]
    pub fn logging_in(mut self, login: Option<Login>) -> Self {
        self.login = login;
        self
    }

    /// Its line.
    pub fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// The connection, once the service has named itself, and knows us.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        self.line.standing().filter(|_| self.greeted && !self.proving)
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
    pub fn hear<'a>(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &'a str) -> Word<'a> {
        if self.line.standing().is_none() {
            self.line.greeted(cx, id);
            cx.set_timer(id, cx.now() + LOOK);
        }
        if let Some(error) = line.strip_prefix("! ") {
            return Word::Error(error);
        }
        if !self.greeted {
            self.greeted = line.starts_with(self.greeting);
            self.stood |= self.greeted;
            return if self.greeted { self.introduce(cx, id) } else { Word::Stranger };
        }
        if self.proving {
            self.proving = !line.starts_with("- you are ");
            return if self.proving { Word::Other } else { Word::Ready };
        }
        line.strip_prefix("- ").map_or(Word::Other, Word::Answer)
    }

    /// The connection's deadline.
    pub fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.line.standing().is_none() {
            return self.line.timer(cx, id);
        }
        let now = (cx.heard(id).unwrap_or(Moment::START), cx.taken(id));
        self.in_vain = if self.seen == now { self.in_vain + 1 } else { 0 };
        self.seen = now;
        if self.in_vain >= LOOKS {
            return self.line.give_up(cx, id, Trouble::Broken(std::io::ErrorKind::TimedOut));
        }
        cx.set_timer(id, cx.now() + LOOK);
    }

    /// A line that broke, and is not made again.
    #[must_use]
    pub fn broken(&self, trouble: &Trouble) -> Failure {
        let text = format!("{}: {trouble}{}", self.line.address(), advice(trouble));
        Failure::new(Failure::CONNECTION, text)
    }

    /// What became of the line. It is tried again, unless it has never stood.
    pub fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) -> Option<Failure> {
        let trouble = outcome.err()?;
        (self.greeted, self.proving) = (false, false);
        self.in_vain = 0;
        if !self.stood {
            return Some(self.broken(&trouble));
        }
        let address = self.line.address().to_string();
        let pause = self.line.pause(cx);
        say_aside(&format!("{address}: {trouble}; trying again in {:.1} s", pause.as_secs_f32()));
        cx.set_alarm(self.line.due());
        None
    }

    /// Something was done on it: the next pause is a short one.
    pub fn proven(&mut self) {
        self.line.proven();
    }

    /// Somebody else answers there.
    #[must_use]
    pub fn stranger(&self) -> Failure {
        let service = self.greeting.trim_start_matches("- ").trim_end_matches(':');
        Failure::new(
            Failure::CONNECTION,
            format!("{}: something else than {service} answers there", self.line.address()),
        )
    }
}

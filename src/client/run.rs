//! `parlor run`: runs a command that a server offers; its input and output are ours.

use std::collections::VecDeque;
use std::io;

use super::address::{RUN_PORT, ServerAddress};
use super::errand::{Errand, Failure, Word};
use super::login::Login;
use super::standard::{Standard, say_aside};
use super::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, Framing, Hold, JobId, News, Reason, Sent, Service};
use crate::services::chat::neutralise;

const GREETING: &str = "- parlor run:";
/// What a command takes of input before it says that it reads: the server's number.
const FIRST_INPUT: usize = 65_536;
/// The server can't read more input, or somebody can't read more output.
const LAGGING: Hold = Hold::own(0);

/// Running one command.
#[derive(Debug)]
pub struct Run {
    errand: Errand,
    /// The command and its arguments.
    command: String,
    standard: Standard,
    input: Option<ConnId>,
    output: Option<ConnId>,
    error: Option<ConnId>,
    /// Where the stretch that comes now belongs.
    to: Option<ConnId>,
    /// Bytes of input that may be sent, what was read beyond, and whether that is all.
    allowed: usize,
    unsent: VecDeque<u8>,
    input_over: bool,
    eof_sent: bool,
    /// What became of it: the command's own code.
    pub outcome: Option<Result<u8, Failure>>,
}

impl Run {
    /// A command to be run.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>, command: String) -> Self {
        Self {
            errand: Errand::new(address, RUN_PORT, GREETING).logging_in(login),
            command,
            standard: Standard::default(),
            input: None,
            output: None,
            error: None,
            to: None,
            allowed: FIRST_INPUT,
            unsent: VecDeque::new(),
            input_over: false,
            eof_sent: false,
            outcome: None,
        }
    }

    /// Begins.
    ///
    /// # Errors
    /// When there is no standard output or error.
    pub fn begin(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.output = Some(cx.open(self.standard.output()?, Framing::Raw));
        self.error = Some(cx.open(self.standard.error()?, Framing::Raw));
        let patient = std::rc::Rc::new(crate::hub::Limits {
            stall: std::time::Duration::from_secs(u64::from(u32::MAX)),
            low: 0,
            ..crate::hub::Limits::default()
        });
        for end in [self.output, self.error].into_iter().flatten() {
            cx.set_limits(end, &patient);
        }
        let began = self.errand.line().connect(cx);
        self.lost(cx, began);
        Ok(())
    }

    /// Ends as soon as everybody has read what the command wrote.
    fn finish(&mut self, cx: &mut Cx<'_>, outcome: Result<u8, Failure>) {
        self.outcome.get_or_insert(outcome);
        self.look_whether_read(cx);
    }

    fn look_whether_read(&mut self, cx: &mut Cx<'_>) {
        let all = [self.output, self.error].into_iter().flatten().all(|end| cx.fits(end, usize::MAX));
        if self.outcome.is_some() && all {
            cx.stop();
        }
    }

    /// A command is never begun a second time by itself: nobody knows how far the first came.
    fn lost(&mut self, cx: &mut Cx<'_>, outcome: Result<(), Trouble>) {
        if let (Err(trouble), None) = (outcome, &self.outcome) {
            let hint = match trouble {
                Trouble::Unreachable(_) => " (commands are offered at unix:PATH, and to accounts at tls:HOST)",
                _ => "",
            };
            let text = format!("{}: {trouble}{hint}", self.errand.line().address());
            self.finish(cx, Err(Failure::new(Failure::CONNECTION, text)));
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, id: ConnId, words: &str) {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        match (word, rest.parse::<u32>()) {
            ("started", _) => self.open_input(cx),
            ("out" | "err", Ok(count)) => {
                self.to = if word == "out" { self.output } else { self.error };
                cx.set_raw(id, u64::from(count));
            }
            ("more", Ok(count)) => {
                self.allowed = self.allowed.saturating_add(count as usize);
                self.send_input(cx);
            }
            ("exit", Ok(code)) => self.finish(cx, Ok(u8::try_from(code).unwrap_or(u8::MAX))),
            ("killed", Ok(signal)) => {
                say_aside(&format!("it was killed by signal {signal}"));
                self.finish(cx, Ok(u8::try_from(128 + signal).unwrap_or(u8::MAX)));
            }
            _ => {}
        }
    }

    fn open_input(&mut self, cx: &mut Cx<'_>) {
        if let Ok(input) = self.standard.input() {
            self.input = Some(cx.open(input, Framing::Raw));
        } else {
            self.input_over = true;
            self.send_input(cx);
        }
    }

    /// As much as the command can take.
    fn send_input(&mut self, cx: &mut Cx<'_>) {
        let Some(id) = self.errand.conn() else { return };
        let count = self.allowed.min(self.unsent.len());
        if count > 0 {
            self.allowed -= count;
            let piece: Vec<u8> = self.unsent.drain(..count).collect();
            let _ = cx.send(id, format!("in {count}").as_bytes());
            let _ = cx.send_wire(id, &piece);
        }
        if let Some(input) = self.input {
            if self.unsent.is_empty() { cx.release(input, LAGGING) } else { cx.hold(input, LAGGING) }
        }
        if self.input_over && self.unsent.is_empty() && !std::mem::replace(&mut self.eof_sent, true) {
            let _ = cx.send(id, b"eof");
        }
    }
}

/// What a shell says of a program that wrote where nobody reads.
const BROKEN_PIPE: u8 = 128 + 13;

impl Service for Run {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        match self.errand.hear(cx, id, &line) {
            Word::Ready => drop(cx.send(id, format!("run {}", self.command).as_bytes())),
            Word::Answer(words) => self.answer(cx, id, words),
            // How it ended follows.
            Word::Error(error) if error.starts_with("time-limit:") || error.starts_with("output-limit:") => {
                say_aside(&neutralise(error));
            }
            Word::Error(error) => self.finish(cx, Err(Failure::told(error))),
            Word::Stranger => {
                let failure = self.errand.stranger();
                self.finish(cx, Err(failure));
            }
            Word::Other => {}
        }
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        if self.input == Some(id) {
            self.unsent.extend(bytes);
            return self.send_input(cx);
        }
        match self.to.map(|to| cx.send_wire(to, bytes)) {
            Some(Sent::Full) => cx.hold(id, LAGGING),
            // Whoever read it has heard enough, as `head` does: then the command goes too.
            Some(Sent::Gone) => self.finish(cx, Ok(BROKEN_PIPE)),
            _ => {}
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
        if self.input == Some(id) {
            self.input_over = true;
            self.send_input(cx);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if Some(id) == self.output || Some(id) == self.error {
            if let Some(server) = self.errand.conn() {
                cx.release(server, LAGGING);
            }
            self.look_whether_read(cx);
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        // A command may be silent for as long as it likes; keepalive finds out whether the machine is there.
        if self.errand.conn().is_none() {
            self.errand.timer(cx, id);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let outcome = self.errand.line().done(cx, job, result);
        self.lost(cx, outcome);
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            self.outcome.get_or_insert(Err(Failure::new(Failure::INTERRUPTED, "stopped, and the command with it")));
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        for end in [&mut self.output, &mut self.error, &mut self.input] {
            end.take_if(|end| *end == id);
        }
        let outcome = self.errand.line().closed(cx, id, why);
        self.lost(cx, outcome);
        if self.outcome.is_some() {
            self.look_whether_read(cx);
        }
    }
}

//! `parlor run`: runs a command that a server offers; its input and output are ours.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};

use super::address::RUN_PORT;
use super::errand::{Deed, Failure, Place, Way};
use super::standard::{Standard, say_aside, unkept};
use super::trouble::Trouble;
use crate::hub::{ConnId, Cx, Framing, Hold, Reason, Sent};
use crate::services::chat::neutralise;

/// What a command takes of input before it says that it reads: the server's number.
const FIRST_INPUT: usize = 65_536;
/// The server can't read more input, or somebody can't read more output.
const LAGGING: Hold = Hold::own(0);

/// Running one command.
#[derive(Debug)]
pub struct Run {
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
}

impl Run {
    /// A command to be run.
    #[must_use]
    pub fn new(command: String) -> Self {
        Self {
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
        }
    }

    /// Standard output and error, whose readers may take all the time there is.
    fn open_output(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
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
        Ok(())
    }

    /// Ends as soon as everybody has read what the command wrote.
    fn look_whether_read(&mut self, way: &Way, cx: &mut Cx<'_>) {
        let all = [self.output, self.error].into_iter().flatten().all(|end| cx.fits(end, usize::MAX));
        if way.outcome().is_some() && all {
            cx.stop();
        }
    }

    fn open_input(&mut self, way: &Way, cx: &mut Cx<'_>) {
        if let Ok(input) = self.standard.input() {
            self.input = Some(cx.open(input, Framing::Raw));
        } else {
            self.input_over = true;
            self.send_input(way, cx);
        }
    }

    /// As much as the command can take.
    fn send_input(&mut self, way: &Way, cx: &mut Cx<'_>) {
        let Some(id) = way.conn() else { return };
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

impl Deed for Run {
    const PLACE: Place = Place {
        port: RUN_PORT,
        greeting: "- parlor run:",
        may_be_silent: true,
        advice: "commands are offered at unix:PATH, and to accounts at tls:HOST",
    };
    const STOPPED: &'static str = "stopped, and the command with it";

    fn begin(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        match self.open_output(cx) {
            Ok(()) => way.connect(cx),
            Err(error) => way.fail(Failure::new(Failure::HERE, format!("standard output: {error}"))),
        }
    }

    fn ready(&mut self, _way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        let _ = cx.send(id, format!("run {}", self.command).as_bytes());
    }

    fn answer(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, words: &str) {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        match (word, rest.parse::<u32>()) {
            ("started", _) => self.open_input(way, cx),
            ("out" | "err", Ok(count)) => {
                self.to = if word == "out" { self.output } else { self.error };
                cx.set_raw(id, u64::from(count));
            }
            ("more", Ok(count)) => {
                self.allowed = self.allowed.saturating_add(count as usize);
                self.send_input(way, cx);
            }
            ("exit", Ok(code)) => way.succeed(u8::try_from(code).unwrap_or(u8::MAX)),
            ("killed", Ok(signal)) => {
                say_aside(&format!("it was killed by signal {signal}"));
                way.succeed(u8::try_from(128 + signal).unwrap_or(u8::MAX));
            }
            _ => {}
        }
    }

    fn error(&mut self, way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, error: &str) {
        // How it ended follows.
        if error.starts_with("time-limit:") || error.starts_with("output-limit:") {
            return say_aside(&neutralise(error));
        }
        way.fail(Failure::told(error));
    }

    fn chunk(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        if self.input == Some(id) {
            self.unsent.extend(bytes);
            return self.send_input(way, cx);
        }
        match self.to.map(|to| cx.send_wire(to, bytes)) {
            Some(Sent::Full) => cx.hold(id, LAGGING),
            // `closed` tells why.
            Some(Sent::Gone) => self.to.take().into_iter().for_each(|to| cx.close(to)),
            _ => {}
        }
    }

    fn ended(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        // Whoever reads what it writes has gone: it hears of that when it writes, as it would here.
        if Some(id) == self.output || Some(id) == self.error {
            return;
        }
        cx.close(id);
        if self.input == Some(id) {
            self.input_over = true;
            self.send_input(way, cx);
        }
    }

    fn drained(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        if Some(id) == self.output || Some(id) == self.error {
            if let Some(server) = way.conn() {
                cx.release(server, LAGGING);
            }
            self.look_whether_read(way, cx);
        }
    }

    fn closed(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        let is_input = self.input.take_if(|input| *input == id).is_some();
        let is_output = self.output.take_if(|output| *output == id).is_some();
        let fails = |what: &str, kind: ErrorKind| Failure::new(Failure::HERE, format!("{what}: {kind}"));
        let is_error = self.error.take_if(|error| *error == id).is_some();
        match (why, unkept(why)) {
            (Reason::Stopping, _) => {}
            (Reason::Lost(kind), _) if is_input => way.spoil(fails("standard input", kind)),
            (_, Some(kind)) if is_output => way.spoil(fails("standard output", kind)),
            (_, Some(kind)) if is_error => way.spoil(fails("standard error", kind)),
            // Whoever read it has heard enough, as `head` does: then the command goes too.
            _ if is_output || is_error => way.succeed(BROKEN_PIPE),
            _ => {}
        }
        self.look_whether_read(way, cx);
    }

    /// A command is never begun a second time by itself: nobody knows how far the first came.
    fn broke(&mut self, way: &mut Way, _cx: &mut Cx<'_>, trouble: &Trouble) {
        way.fail_to_stand(trouble);
    }

    fn over(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        self.look_whether_read(way, cx);
    }
}

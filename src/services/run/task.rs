//! One command's life: fed, heard, killed, reaped.

use std::rc::Rc;
use std::time::Duration;

use super::Offer;
use super::child::{Ended, Process, Started};
use crate::hub::{ConnId, Cx, Framing, Hold, Limits, Moment, Sent, Target};
use crate::services::accounts::Owner;
use crate::services::line::{Wrong, say};

/// Bytes of input that may be on their way. A caller is never held for a command that does not read: it could not be
/// seen leaving.
const WINDOW: u64 = 64 * 1024;

/// How long the outputs of a command that has ended may stay open: whoever has left its group may have them still.
const REST: Duration = Duration::from_secs(1);

/// What a connection of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    In,
    Out,
    Err,
    Exit,
}

/// A command, from its start until it is reaped and heard to the end.
#[derive(Debug)]
pub(super) struct Task {
    /// None once they have gone.
    pub(super) caller: Option<ConnId>,
    /// Among whose commands it counts until it is reaped.
    pub(super) owner: Owner,
    name: String,
    time: Duration,
    /// When its time is up; once it has ended, when its outputs are closed.
    pub(super) due: Moment,
    /// None before it runs, and while a helper waits for it.
    pub(super) process: Option<Process>,
    pub(super) ended: Option<Ended>,
    stdin: Option<ConnId>,
    stdout: Option<ConnId>,
    stderr: Option<ConnId>,
    /// Its outputs are not read, for its caller does not.
    held: bool,
    /// Bytes that it may still write.
    output: u64,
    most: u64,
    /// Input: allowed in all, announced by the caller, come.
    allowed: u64,
    announced: u64,
    come: u64,
}

impl Task {
    pub(super) fn new(caller: ConnId, owner: Owner, name: &str, offer: &Offer) -> Self {
        Self {
            caller: Some(caller),
            owner,
            name: name.to_owned(),
            time: offer.time,
            due: Moment::NEVER,
            process: None,
            ended: None,
            stdin: None,
            stdout: None,
            stderr: None,
            held: false,
            output: offer.output,
            most: offer.output,
            allowed: WINDOW,
            announced: 0,
            come: 0,
        }
    }

    /// It runs. Answers its connections.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>, started: Started) -> Vec<(ConnId, Wire)> {
        let Started { process, stdin, stdout, stderr, exit } = started;
        self.process = Some(process);
        let mut wires = vec![(cx.open(Target::Exit(exit), Framing::Raw), Wire::Exit)];
        let Some(caller) = self.caller else {
            // Its caller went while it was being started.
            self.kill();
            return wires;
        };
        self.due = cx.now() + self.time;
        say(cx, caller, &format!("started {}", self.name));
        let mut open = |input, output, wire| {
            let id = cx.open(Target::Pipe { input, output }, Framing::Raw);
            wires.push((id, wire));
            Some(id)
        };
        self.stdin = open(None, Some(stdin), Wire::In);
        self.stdout = open(Some(stdout), None, Wire::Out);
        self.stderr = open(Some(stderr), None, Wire::Err);
        if let Some(stdin) = self.stdin {
            // It may do other things first for as long as it may run. A client that takes nothing so long is gone; it is not.
            cx.set_limits(stdin, &Rc::new(Limits { stall: self.time, ..Limits::default() }));
        }
        wires
    }

    /// Kills it, as long as its number can't be another's.
    pub(super) fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill();
        }
    }

    /// May so many bytes of input come? If not, answers how many may.
    pub(super) fn announce(&mut self, count: u64) -> Result<(), u64> {
        let credit = self.allowed - self.announced;
        if self.stdin.is_some() && count > credit {
            return Err(credit);
        }
        self.announced = self.announced.saturating_add(count).min(self.allowed);
        Ok(())
    }

    /// Input came.
    pub(super) fn feed(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        self.come += bytes.len() as u64;
        let Some(stdin) = self.stdin else { return };
        // Gone: it reads no more, and what is sent to it is dropped as if it had been read.
        let _ = cx.send_wire(stdin, bytes);
        if cx.fits(stdin, usize::try_from(WINDOW).unwrap_or(usize::MAX)) {
            self.allow(cx);
        }
    }

    /// It has read: its caller may send as much again.
    pub(super) fn allow(&mut self, cx: &mut Cx<'_>) {
        let (Some(stdin), Some(caller)) = (self.stdin, self.caller) else { return };
        let read = self.come - cx.unsent(stdin) as u64;
        let more = WINDOW - (self.allowed - read);
        if more >= WINDOW / 2 {
            self.allowed += more;
            say(cx, caller, &format!("more {more}"));
        }
    }

    pub(super) fn end_input(&mut self, cx: &mut Cx<'_>) {
        if let Some(stdin) = self.stdin {
            cx.end(stdin);
        }
    }

    /// It wrote something.
    pub(super) fn said(&mut self, cx: &mut Cx<'_>, wire: Wire, bytes: &[u8]) {
        let Some(caller) = self.caller else { return };
        let most = usize::try_from(self.output).unwrap_or(usize::MAX);
        let heard = &bytes[..bytes.len().min(most)];
        self.output -= heard.len() as u64;
        if !heard.is_empty() {
            let name = if wire == Wire::Out { "out" } else { "err" };
            say(cx, caller, &format!("{name} {}", heard.len()));
            if cx.send_wire(caller, heard) == Sent::Full {
                self.held = true;
                self.outputs().for_each(|id| cx.hold(id, Hold::PEER));
            }
        }
        if heard.len() < bytes.len() {
            let wrong = Wrong::new("output-limit", format!("it wrote more than {} bytes, and was killed", self.most));
            let _ = cx.send(caller, wrong.to_string().as_bytes());
            self.kill();
            self.outputs().for_each(|id| cx.close(id));
        }
    }

    fn outputs(&self) -> impl Iterator<Item = ConnId> + use<> {
        [self.stdout, self.stderr].into_iter().flatten()
    }

    /// Its caller has read.
    pub(super) fn listen(&mut self, cx: &mut Cx<'_>) {
        self.held = false;
        self.outputs().for_each(|id| cx.release(id, Hold::PEER));
    }

    /// Its process has ended. What it left behind in its group goes too, before its number is free for others.
    pub(super) fn exited(&mut self, cx: &mut Cx<'_>) {
        self.kill();
        if let Some(ended) = self.process.as_mut().and_then(Process::reap) {
            self.ended = Some(ended);
            self.process = None;
            self.due = cx.now() + REST;
        }
    }

    /// Its time is up; or it has ended, and its outputs are still open.
    pub(super) fn is_due(&mut self, cx: &mut Cx<'_>) {
        match self.ended {
            None => {
                if let Some(caller) = self.caller {
                    let wrong = format!("it ran for {} s, and was killed", self.time.as_secs_f64());
                    let _ = cx.send(caller, Wrong::new("time-limit", wrong).to_string().as_bytes());
                }
                self.kill();
                self.due = Moment::NEVER;
            }
            // What waits in them is heard first.
            Some(_) if self.held => self.due = cx.now() + REST,
            Some(_) => {
                self.outputs().for_each(|id| cx.close(id));
                self.due = Moment::NEVER;
            }
        }
    }

    /// Its caller has gone.
    pub(super) fn left(&mut self, cx: &mut Cx<'_>) {
        self.caller = None;
        self.kill();
        self.close(cx);
    }

    /// Closes what leads to it.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        for id in [self.stdin, self.stdout, self.stderr].into_iter().flatten() {
            cx.close(id);
        }
    }

    /// One of its connections is gone.
    pub(super) fn lost(&mut self, wire: Wire) {
        match wire {
            Wire::In => self.stdin = None,
            Wire::Out => self.stdout = None,
            Wire::Err => self.stderr = None,
            Wire::Exit => {}
        }
    }

    /// How it ended, once it has and all that it wrote was heard.
    pub(super) fn is_over(&self) -> Option<Ended> {
        self.ended.filter(|_| self.outputs().next().is_none())
    }
}

//! The real server as a child process: started with flags, waited for, asked for its figures, never left running.
#![allow(dead_code, reason = "each test crate uses a part of this")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

pub(crate) mod accounts;
pub(crate) mod client;
pub(crate) mod log;
pub(crate) mod proc;
pub(crate) mod start;
pub(crate) mod tools;

use std::io::Read;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) use client::{Client, Place};
pub(crate) use log::{Figures, Log};
pub(crate) use start::Start;
use tools::Trace;

/// How long anything may take before it counts as never. Generous, for a loaded machine is no fault of the server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so. What is waited for is a state that stays, so looking again costs nothing but time.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An address of this machine that no other process of it uses: all of 127.0.0.0/8 is ours. Where a test must know a port
/// beforehand, or have it a second time, one below the kernel's own choice is free there.
pub(crate) fn own_address() -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 64, 0, 0)) | (std::process::id() & 0x3f_ffff))
}

/// A server that listens. Dropped, it is killed and waited for.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdout: Option<ChildStdout>,
    pub(crate) log: Log,
    places: Vec<Place>,
    trace: Option<Trace>,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: Vec<String>,
}

impl Finished {
    /// Its exit code; a process that died of a signal fails the test.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("died of signal {:?}: {self:#?}", self.status.signal()))
    }
}

impl Server {
    /// A server with these listeners and no other flags.
    pub(crate) fn with(listeners: &[&str]) -> Self {
        listeners.iter().fold(Start::serve(&[]), |start, listener| start.listen(listener)).go()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Where its listener number `index` listens, as the server itself said.
    pub(crate) fn place(&self, index: usize) -> &Place {
        &self.places[index]
    }

    /// A fresh connection to its listener number `index`.
    pub(crate) fn client(&self, index: usize) -> Client {
        Client::to(&self.places[index])
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the server is our child and was not waited for");
    }

    /// Asks for the figures. The asking itself costs a turn, or two when it interrupts the poll.
    pub(crate) fn figures(&self) -> Figures {
        let seen = self.log.len();
        self.signal(Signal::USR1);
        let line = self.log.wait_from(seen, "figures", |line| line.contains("figures: "));
        Figures::parse(&line)
    }

    /// A figure of its metrics listener number `index`, by its name and labels there.
    pub(crate) fn metric(&self, index: usize, sample: &str) -> u64 {
        let mut client = self.client(index);
        client.send(b"GET /metrics HTTP/1.1\r\n\r\n");
        let page = String::from_utf8(client.rest()).expect("figures are text");
        let value = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {sample} in {page}")).parse().expect("a whole number")
    }

    /// Waits until the server has nothing to do: between two askings nothing changed but by the asking.
    pub(crate) fn settled(&self) -> Figures {
        let mut before = self.figures();
        until("a server with nothing to do", || {
            let now = self.figures();
            let quiet = now == Figures { turns: now.turns, ..before } && now.turns - before.turns <= 2;
            before = now;
            quiet
        });
        before
    }

    /// Waits until the figures are as wanted.
    pub(crate) fn figures_when(&self, what: &str, so: impl Fn(&Figures) -> bool) -> Figures {
        let mut last = self.figures();
        until(what, || {
            last = self.figures();
            so(&last)
        });
        last
    }

    /// Lets a second pass in which nothing should happen, and fails if the loop woke up 20 times a second.
    pub(crate) fn expect_sleep(&self) {
        let (before, start) = (self.figures(), Instant::now());
        thread::sleep(Duration::from_secs(1));
        let turns = self.figures().turns - before.turns;
        let milliseconds = start.elapsed().as_millis();
        // On a loaded machine the second is a longer one, in which as many more are allowed.
        assert!(u128::from(turns) * 1000 < 20 * milliseconds, "{turns} turns in {milliseconds} ms of nothing");
    }

    /// Stops the process where it stands, so that what follows reaches it all at once.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        until("a stopped process", || matches!(proc::state(self.pid()), 'T' | 't'));
    }

    /// The reverse.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// What strace has written so far.
    pub(crate) fn traced(&self) -> Vec<String> {
        self.trace.as_ref().expect("started under strace").lines()
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(self) -> Finished {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Finished {
        let mut status = None;
        until("the end of the server", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let mut stdout = String::new();
        self.stdout.take().expect("taken once").read_to_string(&mut stdout).expect("standard output is text");
        Finished { status: status.unwrap(), stdout, stderr: self.log.to_the_end() }
    }

    /// Asks it to stop, and answers what strace wrote too.
    pub(crate) fn stop_traced(self) -> (Finished, Vec<String>) {
        self.signal(Signal::TERM);
        self.wait_traced()
    }

    /// Waits for its end, and answers what strace wrote too.
    pub(crate) fn wait_traced(mut self) -> (Finished, Vec<String>) {
        let trace = self.trace.take().expect("started under strace");
        let finished = self.wait();
        until("the end of the trace", || trace.lines().iter().any(|line| line.contains("+++ ")));
        (finished, trace.lines())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

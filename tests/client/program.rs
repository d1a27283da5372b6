//! A program under test: its input is fed, its output read line by line while it runs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

use crate::support::until;

/// An address at which nobody listens, and which nobody else gets meanwhile.
#[derive(Debug)]
pub(crate) struct Nobody(Socket);

impl Nobody {
    pub(crate) fn there() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor is left");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port is left");
        Self(socket)
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().ok().and_then(|address| address.as_socket()).expect("it is bound").to_string()
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

/// A running program. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) output: Lines,
    pub(crate) aside: Lines,
    readers: Vec<JoinHandle<()>>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) output: Vec<String>,
    pub(crate) aside: Vec<String>,
}

impl Ended {
    /// Fails unless it ended well and had nothing to say aside.
    pub(crate) fn well(self) -> Vec<String> {
        assert_eq!((self.code, self.aside.as_slice()), (Some(0), [].as_slice()), "{:#?}", self.output);
        self.output
    }

    /// Fails unless it failed with one line, which is answered.
    pub(crate) fn badly(self) -> String {
        assert_eq!((self.code, self.aside.len()), (Some(1), 1), "{self:#?}");
        self.aside[0].clone()
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    /// `parlor` with these arguments; its input is fed by the test.
    pub(crate) fn parlor(args: &[&str]) -> Self {
        let mut program = Self::spawn(command(args).stdin(Stdio::piped()));
        program.input = program.child.stdin.take();
        program
    }

    /// The same with a file as its input.
    pub(crate) fn reading(args: &[&str], input: File) -> Self {
        Self::spawn(command(args).stdin(input))
    }

    /// The same with a file as its output, and all its input at once. Waits for its end.
    pub(crate) fn writing(args: &[&str], output: File, input: &str) -> Ended {
        let mut program = Self::spawn(command(args).stdin(Stdio::piped()).stdout(output));
        program.input = program.child.stdin.take();
        // It may end without having read everything.
        program.feed(input);
        program.end()
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (output, aside) = (Lines::default(), Lines::default());
        let shown = child.stdout.take().map(|stdout| collect(stdout, &output));
        let readers = shown.into_iter().chain([collect(child.stderr.take().unwrap(), &aside)]).collect();
        Self { child, input: None, output, aside, readers }
    }

    /// Feeds its input; `false` when it takes none any more.
    pub(crate) fn feed(&mut self, text: &str) -> bool {
        self.input.as_mut().expect("its input is open").write_all(text.as_bytes()).is_ok()
    }

    /// Takes its input, to be fed by somebody else.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.input.take().expect("its input is open")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child and was not waited for");
    }

    /// Waits until its output is as wanted.
    pub(crate) fn output_when(&self, what: &str, so: impl Fn(&[String]) -> bool) {
        let shown = || (self.output.lock().unwrap().clone(), self.aside.lock().unwrap().clone());
        let mut seen = false;
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || {
                seen = so(&self.output.lock().unwrap());
                seen
            });
        }));
        assert!(waited.is_ok(), "{what}: {:#?}", shown());
    }

    /// Waits until it has said this aside.
    pub(crate) fn aside_when(&self, what: &str) {
        until(what, || self.aside.lock().unwrap().iter().any(|line| line.contains(what)));
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.input.take());
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let mut status = None;
        until("the end of the program", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        for reader in self.readers.drain(..) {
            reader.join().expect("readers do not panic");
        }
        let take = |lines: &Lines| lines.lock().unwrap().clone();
        Ended { code: status.unwrap().code(), output: take(&self.output), aside: take(&self.aside) }
    }
}

fn collect(from: impl Read + Send + 'static, into: &Lines) -> JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            into.lock().unwrap().push(line.expect("its output is text"));
        }
    })
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

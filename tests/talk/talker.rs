//! One `parlor talk` as a child process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::support::{Log, PATIENCE, until};

/// An address book in a file of its own.
pub(crate) fn book(people: &[(&str, &str)]) -> NamedTempFile {
    let file = NamedTempFile::new().expect("the temporary folder is ours");
    let lines: Vec<String> = people.iter().map(|(name, address)| format!("{name:?} = {address:?}\n")).collect();
    fs::write(file.path(), format!("[people]\n{}", lines.concat())).expect("it is ours");
    file
}

#[derive(Debug)]
pub(crate) struct Talker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    pub(crate) log: Log,
    /// Where it is.
    pub(crate) address: SocketAddr,
    _book: NamedTempFile,
}

impl Talker {
    pub(crate) fn start(name: &str, people: &[(&str, &str)], flags: &[&str]) -> Self {
        Self::showing(name, people, flags, Stdio::piped())
    }

    /// One whose output goes there.
    pub(crate) fn showing(name: &str, people: &[(&str, &str)], flags: &[&str], output: Stdio) -> Self {
        let book = book(people);
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["talk", name, "--book"]).arg(book.path()).args(flags);
        command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is there");
        let log = Log::read(child.stderr.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            for line in output.into_iter().flat_map(BufRead::lines) {
                // Whoever does not listen any more has failed already.
                let _ = sender.send(line.expect("what is shown is text"));
            }
        });
        let input = child.stdin.take();
        let line = log.wait("where it is", |line| line.contains("you are "));
        let address = line.split([' ', ',']).find_map(|word| {
            let address: Option<SocketAddr> = word.trim_end_matches(';').parse().ok();
            address.filter(|_| !line.contains(&format!("{word} is taken")))
        });
        Self { child, input, lines, log, address: address.expect("the line says it"), _book: book }
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("not ended yet"), "{line}").expect("it runs");
    }

    /// The input as a whole, from a thread of its own, and its end.
    pub(crate) fn pour(&mut self, lines: impl Iterator<Item = String> + Send + 'static) {
        let mut input = self.input.take().expect("not ended yet");
        thread::spawn(move || {
            for line in lines {
                if writeln!(input, "{line}").is_err() {
                    return;
                }
            }
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child and was not waited for");
    }

    pub(crate) fn end(&mut self) {
        self.input = None;
    }

    /// The next line that it shows.
    pub(crate) fn shown(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}; it said {:#?}", self.log.lines()))
    }

    /// Waits until it ends, and answers how, and what it has shown since.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let mut status = None;
        until("the end of a talk", || {
            status = self.child.try_wait().expect("it is ours");
            status.is_some()
        });
        (status.expect("just seen"), self.lines.iter().collect())
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

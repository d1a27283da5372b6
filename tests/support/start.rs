//! How a process is started: flags, environment, a command before it, a terminal under it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::tools::Trace;
use super::{Finished, Log, Place, Server};

/// A process to be.
#[derive(Debug)]
pub(crate) struct Start {
    before: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    listeners: usize,
    trace: Option<Trace>,
    terminal: bool,
    input: Option<OwnedFd>,
}

impl Start {
    /// `parlor` with these arguments.
    pub(crate) fn parlor(args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { before: Vec::new(), args, env: Vec::new(), listeners: 0, trace: None, terminal: false, input: None }
    }

    /// `parlor serve` with these flags.
    pub(crate) fn serve(flags: &[&str]) -> Self {
        Self::parlor(&["serve"]).flags(flags)
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.args.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    /// One more listener.
    pub(crate) fn listen(self, listener: &str) -> Self {
        let listeners = self.listeners + 1;
        self.flags(&["--listen", listener]).expecting(listeners)
    }

    /// So many listeners will report, wherever it has them from.
    pub(crate) fn expecting(mut self, listeners: usize) -> Self {
        self.listeners = listeners;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Started through another command that becomes it.
    pub(crate) fn under(mut self, before: &[&str]) -> Self {
        self.before.extend(before.iter().map(|&word| word.to_owned()));
        self
    }

    /// Started from a shell that does `this` first.
    pub(crate) fn after(self, this: &str) -> Self {
        self.under(&["sh", "-c", &format!("{this}; exec \"$@\""), "sh"])
    }

    /// Under strace, which is no parent of it (`-D`), so that signals and the exit code are the server's own.
    pub(crate) fn strace(mut self, expressions: &[&str]) -> Self {
        let trace = Trace::new();
        let words: Vec<&str> = expressions.iter().flat_map(|&expression| ["-e", expression]).collect();
        let this = self.under(&["strace", "-D", "-q", "-o", trace.path()]).under(&words);
        self = this;
        self.trace = Some(trace);
        self
    }

    /// With a terminal as standard error.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// With this as standard input.
    pub(crate) fn input(mut self, input: impl Into<OwnedFd>) -> Self {
        self.input = Some(input.into());
        self
    }

    fn command(&self) -> Command {
        let parlor = env!("CARGO_BIN_EXE_parlor").to_owned();
        let mut words = self.before.iter().chain([&parlor]).chain(&self.args);
        let mut command = Command::new(words.next().expect("there is the program itself"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        // Whatever the one who runs the tests has set for servers of their own.
        let ours = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("PARLOR_"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn spawn(mut self) -> Server {
        let mut command = self.command();
        if let Some(input) = self.input.take() {
            command.stdin(input);
        }
        let terminal = self.terminal.then(terminal);
        command.stderr(match &terminal {
            Some((_, far)) => far.try_clone().expect("a descriptor is left").into(),
            None => Stdio::piped(),
        });
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = match (terminal, child.stderr.take()) {
            (Some((near, _)), _) => Log::read(near),
            (None, stderr) => Log::read(stderr.expect("it is a pipe")),
        };
        let stdout = child.stdout.take();
        Server { child, stdout, log, places: Vec::new(), trace: self.trace }
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn go(self) -> Server {
        let listeners = self.listeners;
        let mut server = self.spawn();
        let mut seen = 0;
        while server.places.len() < listeners {
            let line = server.log.wait_from(seen, "listening", |line| line.contains(" listening "));
            seen = 1 + server.log.lines().iter().position(|other| *other == line).expect("it was just read");
            let (_, address) = line.rsplit_once(' ').expect("listening SERVICE ADDRESS");
            server.places.push(Place::parse(address));
        }
        server
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn begun(self) -> Server {
        self.spawn()
    }

    /// Starts it, and waits for its end: for what ends by itself.
    pub(crate) fn run(self) -> Finished {
        self.spawn().wait()
    }
}

/// The two sides of a terminal: the one that shows, and the one that programs write to.
fn terminal() -> (File, File) {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal is left");
    grantpt(&near).expect("it is ours");
    unlockpt(&near).expect("it is ours");
    let name = ptsname(&near, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("terminals have plain names");
    let far = File::options().read(true).write(true).open(name).expect("it is ours");
    (near.into(), far)
}

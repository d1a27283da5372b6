//! A child's standard error, read as it comes, and the figures in it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// The lines so far. A thread reads them, so that a child never waits for us to do it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    over: bool,
}

impl Log {
    pub(crate) fn read(from: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            // A terminal whose other side is closed ends with an error instead of a 0.
            while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                writer.change(|lines| lines.lines.push(String::from_utf8_lossy(&line).trim_end().to_owned()));
                line.clear();
            }
            writer.change(|lines| lines.over = true);
        });
        log
    }

    fn change(&self, act: impl FnOnce(&mut Lines)) {
        act(&mut self.lock());
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.shared.0.lock().expect("nobody panics with the lines in hand")
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().lines.len()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// The first line from number `from` on that is wanted. Fails when the log ends, or nothing comes.
    pub(crate) fn wait_from(&self, from: usize, what: &str, want: impl Fn(&str) -> bool) -> String {
        let mut seen = from;
        let mut lines = self.lock();
        let start = Instant::now();
        loop {
            if let Some(found) = lines.lines[seen..].iter().find(|line| want(line)) {
                return found.clone();
            }
            seen = lines.lines.len();
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!lines.over && !left.is_zero(), "no line with {what} in: {:#?}", lines.lines);
            lines = self.shared.1.wait_timeout(lines, left).expect("nobody panics with the lines in hand").0;
        }
    }

    /// The first line that is wanted.
    pub(crate) fn wait(&self, what: &str, want: impl Fn(&str) -> bool) -> String {
        self.wait_from(0, what, want)
    }

    /// All lines, once no more can come.
    pub(crate) fn to_the_end(&self) -> Vec<String> {
        let start = Instant::now();
        let mut lines = self.lock();
        while !lines.over {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "standard error was not closed: {:#?}", lines.lines);
            lines = self.shared.1.wait_timeout(lines, left).expect("nobody panics with the lines in hand").0;
        }
        lines.lines.clone()
    }
}

/// What SIGUSR1 brings into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) turns: u64,
    pub(crate) connections: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) freed: u64,
    pub(crate) frames: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Figures {
    pub(crate) fn parse(line: &str) -> Self {
        let (_, text) = line.split_once("figures: ").expect("a line of figures");
        let of = |name: &str| {
            let value = text.split(", ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
            value.unwrap_or_else(|| panic!("no {name} in {line:?}"))
        };
        Self {
            turns: of("turns"),
            connections: of("connections"),
            accepted: of("accepted"),
            refused: of("refused"),
            freed: of("freed"),
            frames: of("frames"),
            bytes_in: of("bytes in"),
            bytes_out: of("bytes out"),
        }
    }
}

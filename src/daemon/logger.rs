//! The log: standard error, one event one line, whatever a peer put into it.

use std::fmt::Write as _;
use std::io::Write as _;

use log::{LevelFilter, Log, Metadata, Record};

use crate::net::wall;

struct Logger;

/// Logs to standard error from now on, events of this level and above.
pub fn install(level: LevelFilter) {
    // A second call would fail, and change nothing: the first logger is this one.
    let _ = log::set_logger(&Logger);
    log::set_max_level(level);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {:<5} {}\n", wall(), record.level(), escaped(&record.args().to_string()));
            // In one write, so that lines of several processes do not mix. A log that can't be written can't say so.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Controls become escapes, so nobody's text can begin a line of its own or speak to the terminal that shows it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            write!(out, "{}", character.escape_unicode()).expect("a string takes everything");
        } else {
            out.push(character);
        }
    }
    out
}

/// Line separators and marks that turn the direction of what follows.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

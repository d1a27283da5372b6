//! The log: standard error, one event one line, whatever a peer put into it.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::io::Errno;

use crate::net::wall;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: time, level, text.
    Plain,
    /// For programs: `time=… level=… msg="…"`.
    Logfmt,
}

/// Lines are for programs: it can change while the server runs.
static LOGFMT: AtomicBool = AtomicBool::new(false);

struct Logger {
    /// The journal has its own time stamps, and reads `<N>` as the level.
    journal: bool,
}

/// Logs to standard error from now on, events of this level and above, for people.
pub fn install(level: LevelFilter) {
    install_as(level, Format::Plain);
}

/// The same in another format.
pub fn install_as(level: LevelFilter, format: Format) {
    set_format(format);
    let logger = Logger { journal: is_journal() };
    // A second call would fail, and change nothing: the first logger stays.
    let _ = log::set_boxed_logger(Box::new(logger));
    log::set_max_level(level);
}

/// How lines look from now on.
pub fn set_format(format: Format) {
    LOGFMT.store(format == Format::Logfmt, Ordering::Relaxed);
}

/// Is standard error the journal's? The service manager tells device and inode of what it gave us; if somebody has
/// redirected it since, they are not those of the stream.
fn is_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    fstat(io::stderr()).is_ok_and(|found| named == format!("{}:{}", found.st_dev, found.st_ino))
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let format = if LOGFMT.load(Ordering::Relaxed) { Format::Logfmt } else { Format::Plain };
            let line = self.line(format, record.level(), record.args(), &wall());
            // A log that can't be written can't say so.
            let _ = write(&line);
        }
    }

    fn flush(&self) {}
}

/// How long a reader who is slow is waited for where standard error does not block.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// The reader was waited for in vain: until there is room again, lines are lost at once.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// In one write, so that lines of several processes do not mix. Waits for room, also where somebody else has set what is
/// standard error for them too not to block: half a line would make the next one part of it. But whoever has it so does
/// not want to be kept by a reader who is stuck.
fn write(line: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        match stderr.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                rest = &rest[count..];
                IS_STUCK.store(false, Ordering::Relaxed);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if IS_STUCK.load(Ordering::Relaxed) {
                    return Err(error);
                }
                let mut room = [PollFd::new(&stderr, PollFlags::OUT)];
                match poll(&mut room, Some(&PATIENCE)) {
                    Ok(0) => IS_STUCK.store(true, Ordering::Relaxed),
                    Err(Errno::INTR) | Ok(_) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Logger {
    fn line(&self, format: Format, level: Level, text: &fmt::Arguments<'_>, time: &dyn fmt::Display) -> String {
        let text = escaped(&text.to_string());
        let priority = priority(level);
        match (format, self.journal) {
            (Format::Plain, false) => format!("{time} {level:<5} {text}\n"),
            (Format::Plain, true) => format!("<{priority}>{text}\n"),
            (Format::Logfmt, false) => format!("time={time} level={} msg={}\n", name(level), quoted(&text)),
            (Format::Logfmt, true) => format!("<{priority}>level={} msg={}\n", name(level), quoted(&text)),
        }
    }
}

/// As syslog counts: error, warning, informational, debug.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

fn name(level: Level) -> String {
    level.as_str().to_ascii_lowercase()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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
    matches!(character, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_people_for_programs_or_for_the_journal() {
        let line =
            |format, journal| Logger { journal }.line(format, Level::Warn, &format_args!("a \"b\\\n<3>c"), &"NOW");
        assert_eq!(line(Format::Plain, false), "NOW WARN  a \"b\\\\u{a}<3>c\n");
        assert_eq!(line(Format::Plain, true), "<4>a \"b\\\\u{a}<3>c\n");
        assert_eq!(line(Format::Logfmt, false), "time=NOW level=warn msg=\"a \\\"b\\\\\\\\u{a}<3>c\"\n");
        assert_eq!(line(Format::Logfmt, true), "<4>level=warn msg=\"a \\\"b\\\\\\\\u{a}<3>c\"\n");
    }
}

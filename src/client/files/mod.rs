//! Files to and from a server: put, get, list. Cut on the way, they go on where they were.

mod ask;
mod disk;
mod get;
mod list;
pub mod progress;
mod put;

use std::io::{IsTerminal, Write, stderr};

use rustix::termios::tcgetwinsize;

pub use self::ask::Ask;
pub use self::get::Get;
pub use self::list::List;
pub use self::put::Put;

use self::progress::Progress;
use super::address::FILES_PORT;
use super::errand::Place;
use super::terminal;
use crate::hub::Moment;

/// Where files are.
const PLACE: Place = Place {
    port: FILES_PORT,
    greeting: "- parlor files:",
    may_be_silent: false,
    advice: "`parlor serve --listen files=127.0.0.1:8889` starts one; an address behind the command leads to another",
};

/// What whoever breaks off a transfer is told.
const GOES_ON: &str = "stopped; the same command goes on where it was";

/// Shows how far it is, on standard error.
fn show(progress: Option<&mut Progress>, done: u64, now: Moment) {
    if let Some(text) = progress.and_then(|progress| progress.at(done, now, width())) {
        let _ = stderr().write_all(text.as_bytes());
    }
}

/// The bar is over, and what comes next begins a row of its own.
fn end(progress: &mut Option<Progress>) {
    let _ = stderr().write_all(progress.take().as_ref().map_or("", Progress::end).as_bytes());
}

/// The columns of the terminal that standard error is, if it can show a bar. It may have another size at any time.
fn width() -> Option<usize> {
    let able = stderr().is_terminal() && terminal::can_paint();
    able.then(|| tcgetwinsize(stderr()).map_or(0, |size| size.ws_col.into()))
        .map(|size| if size > 0 { size } else { 80 })
}

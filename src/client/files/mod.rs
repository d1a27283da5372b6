//! Files to and from a server: put, get, list. Cut on the way, they go on where they were.

mod ask;
mod disk;
mod get;
mod list;
pub mod progress;
mod put;

use std::io::{IsTerminal, Write, stderr};

pub use self::ask::Ask;
pub use self::get::Get;
pub use self::list::List;
pub use self::put::Put;

use self::progress::Progress;
use super::address::FILES_PORT;
use super::errand::Place;
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
    if let Some(text) = progress.and_then(|progress| progress.at(done, now)) {
        let _ = stderr().write_all(text.as_bytes());
    }
}

/// The bar is over.
fn end(progress: Option<&Progress>) {
    let _ = stderr().write_all(progress.map_or("", Progress::end).as_bytes());
}

fn on_terminal() -> bool {
    stderr().is_terminal()
}

//! Where the history is kept, and opening it.

use std::env;
use std::path::PathBuf;

use crate::hub::Random;
use crate::log::{Log, OpenError, Settings};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// What is kept, and where.
#[derive(Debug, Clone)]
pub struct History {
    /// The folder.
    pub folder: PathBuf,
    /// How, and for how long.
    pub settings: Settings,
}

/// The folder for a history when none is named: the service manager's, else that of the user's state.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // Of several, with colons between, the first.
    let managed = env::var_os("STATE_DIRECTORY").and_then(|all| env::split_paths(&all).next());
    if let Some(managed) = managed.filter(|first| !first.as_os_str().is_empty()) {
        return Some(managed);
    }
    let state = path("XDG_STATE_HOME").filter(|path| path.is_absolute());
    state.or_else(|| path("HOME").map(|home| home.join(".local/state"))).map(|state| state.join("parlor"))
}

/// Opens the history, and tells the log what was found.
///
/// # Errors
/// The folder is somebody else's, or can't be used.
pub fn open(history: &History, now: u64, random: &mut Random) -> Result<Log, OpenError> {
    let days = days(history.settings.keep_age);
    let (log, report) = Log::open(&history.folder, history.settings.clone(), now, random)?;
    for line in report.lines() {
        log::warn!("history: {line}");
    }
    log::info!("history in {} for {days} days", history.folder.display());
    Ok(log)
}

/// For how many days messages are kept, to say so; a part of a day is one.
#[must_use]
pub fn days(keep_age: u64) -> u64 {
    keep_age.div_ceil(DAY)
}

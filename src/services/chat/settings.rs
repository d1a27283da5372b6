//! What an operator can choose, and choose again.

use super::{Alphabet, Bounds, Chat, Flood, Name, Slow};
use crate::log::{self, SyncMode};
use crate::services::Handover;

/// What an operator can choose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How fast somebody may speak; `None`: as fast as they can.
    pub flood: Option<Flood>,
    /// What becomes of those who read too slowly.
    pub slow: Slow,
    /// Rooms in which speakers wait for slow readers.
    pub pausing: Vec<Name>,
    /// For how many days rooms are recorded, to say so.
    pub days: u64,
    /// How much is kept of what is said, where a history is.
    pub kept: log::Settings,
    /// Which letters names may have.
    pub names: Alphabet,
    /// When what is kept is synced.
    pub sync: SyncMode,
    /// How much, how many, how long.
    pub bounds: Bounds,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flood: Some(Flood::DEFAULT),
            slow: Slow::Disconnect,
            pausing: Vec::new(),
            days: 30,
            kept: log::Settings::default(),
            names: Alphabet::OneScript,
            sync: SyncMode::Second,
            bounds: Bounds::default(),
        }
    }
}

impl Chat {
    /// Other settings may be put there while it runs. When they are synced, and whether, stays as it was.
    #[must_use]
    pub fn settings_from(mut self, changed: &Handover<Settings>) -> Self {
        self.changed = changed.clone();
        self
    }

    /// Takes the settings that were put there, but for what has to stay.
    pub(super) fn take_settings(&mut self) {
        if let Some(mut settings) = self.changed.take() {
            // Who waits for receipts is released at half of the number at which they were held: it has to stay.
            let unreceipted = self.settings.bounds.unreceipted;
            settings.bounds = Bounds { unreceipted, ..settings.bounds };
            (self.rooms.bounds, self.sessions.bounds) = (settings.bounds, settings.bounds);
            self.keeper.keep(settings.kept.clone());
            self.settings = Settings { sync: self.settings.sync, ..settings };
        }
    }
}

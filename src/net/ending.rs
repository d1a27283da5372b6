//! How the loop comes to its end: signals, goodbye, drain.

use std::time::Duration;

use super::reactor::{Exit, Reactor};
use super::signals::{Signals, Wish};
use super::watcher::Watchers;
use crate::hub::{Moment, News, Tally};

/// How long a stopping server waits for its connections to end, unless told otherwise.
pub const DRAIN: Duration = Duration::from_secs(5);

/// What ends a turn, and the loop.
#[derive(Debug)]
pub(super) struct Ending {
    /// How long a stopping server waits.
    drain: Duration,
    /// Until when a stopping server waits.
    pub(super) limit: Option<Moment>,
    /// How it ended.
    pub(super) exit: Option<Exit>,
    pub(super) watchers: Watchers,
}

impl Default for Ending {
    fn default() -> Self {
        Self { drain: DRAIN, limit: None, exit: None, watchers: Watchers::default() }
    }
}

impl Reactor {
    /// When asked to stop, waits so long for connections to end.
    pub fn drain_within(&mut self, drain: Duration) {
        self.ending.drain = drain;
    }

    pub(super) fn obey(&mut self) {
        for wish in self.signals.as_mut().map(Signals::pending).unwrap_or_default() {
            match wish {
                Wish::Stop if self.ending.limit.is_some() => self.ending.exit = Some(Exit::AtOnce),
                Wish::Stop => self.stop(),
                Wish::Reload => self.hub.tell_all(News::Reload),
                Wish::Figures => {
                    let (turns, connections) = (self.turns, self.hub.connections());
                    let Tally { accepted, refused, freed, frames, bytes_in, bytes_out } = self.hub.tally();
                    log::info!(
                        "figures: turns {turns}, connections {connections}, accepted {accepted}, refused {refused}, \
                         freed {freed}, frames {frames}, bytes in {bytes_in}, bytes out {bytes_out}"
                    );
                }
            }
        }
    }

    fn stop(&mut self) {
        log::info!("stopping");
        self.ending.limit = Some(self.now + self.ending.drain);
        self.listeners.clear();
        self.udp.close();
        self.hub.stop();
    }

    /// Ends a turn. Has what was asked for come to its end?
    pub(super) fn finish(&mut self) {
        for watcher in &self.ending.watchers.0 {
            watcher.turned(&mut self.hub, self.now, self.clock.now());
        }
        if self.ending.limit.is_none() && (self.hub.stop_wanted() || self.jobs.stop_wanted()) {
            self.stop();
        }
        let Some(limit) = self.ending.limit else { return };
        let done = self.hub.is_empty() && self.hub.jobs() == 0;
        if !done && self.now >= limit {
            self.hub.abandon();
            self.pump.flush(&mut self.hub);
            self.hub.turn_end();
        }
        if self.ending.exit.is_none() && (done || self.now >= limit) {
            self.ending.exit = Some(Exit::Drained);
        }
    }
}

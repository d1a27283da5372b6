//! How the loop comes to its end: signals, goodbye, drain.

use std::time::Duration;

use super::reactor::{Exit, Reactor};
use super::signals::{Signals, Wish};
use crate::hub::{News, Tally};

/// How long a stopping server waits for its connections to end.
const DRAIN: Duration = Duration::from_secs(5);

impl Reactor {
    pub(super) fn obey(&mut self) {
        for wish in self.signals.as_mut().map(Signals::pending).unwrap_or_default() {
            match wish {
                Wish::Stop if self.stopping.is_some() => self.exit = Some(Exit::AtOnce),
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
        self.stopping = Some(self.now + DRAIN);
        self.listeners.clear();
        self.udp.close();
        self.hub.stop();
    }

    /// Has what was asked for come to its end?
    pub(super) fn finish(&mut self) {
        if self.stopping.is_none() && (self.hub.stop_wanted() || self.jobs.stop_wanted()) {
            self.stop();
        }
        let Some(limit) = self.stopping else { return };
        let done = self.hub.is_empty() && self.hub.jobs() == 0;
        if !done && self.now >= limit {
            self.hub.abandon();
            self.pump.flush(&mut self.hub);
            self.hub.turn_end();
        }
        if self.exit.is_none() && (done || self.now >= limit) {
            self.exit = Some(Exit::Drained);
        }
    }
}

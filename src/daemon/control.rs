//! The server's own service: it has no connections. It reads settings again when told to, off the loop, and hands what
//! can change to whom it concerns; and it tells the service manager how things are, from the loop itself.

use std::rc::Rc;
use std::time::Duration;

use super::settings::{InForce, Wrong};
use super::supervisor::Supervisor;
use crate::hub::{ConnId, Cx, Done, JobId, Lane, Moment, News, Service};
use crate::net::{Terms, log_addresses};
use crate::services::Handover;
use crate::services::chat;

/// After a job was not taken, because too many wait.
const AGAIN: Duration = Duration::from_secs(1);

/// Settings that can change while the server runs. [`Control::apply`] does it.
const LIVE: [&str; 16] = [
    "log",
    "log-addresses",
    "max-connections",
    "flood",
    "slow",
    "pause-rooms",
    "names",
    "limit-rooms",
    "limit-rooms-each",
    "limit-rooms-per-hour",
    "limit-sessions",
    "limit-session-age",
    "limit-name-held",
    "limit-ping-after",
    "limit-gone-after",
    "limit-flooding",
];

/// Those whom new settings concern.
#[derive(Debug, Clone)]
pub(super) struct Concerned {
    /// The chat.
    pub(super) chat: Handover<chat::Settings>,
    /// The door.
    pub(super) door: Rc<Terms>,
}

/// Reads settings again, and speaks with the service manager.
#[derive(Debug)]
pub(super) struct Control {
    in_force: InForce,
    concerned: Concerned,
    supervisor: Supervisor,
    reading: Option<JobId>,
    /// Told to read again while a reading was under way, or when none could begin.
    again: bool,
    /// When the supervisor is to hear of us.
    heartbeat: Moment,
}

impl Control {
    /// With the settings that the server was started with.
    #[must_use]
    pub(super) fn new(in_force: InForce, concerned: Concerned, supervisor: Supervisor) -> Self {
        Self { in_force, concerned, supervisor, reading: None, again: false, heartbeat: Moment::NEVER }
    }

    /// The server is ready.
    pub(super) fn ready(&mut self, cx: &mut Cx<'_>) {
        self.supervisor.tell("READY=1");
        self.heartbeat = self.supervisor.heartbeat().map_or(Moment::NEVER, |every| cx.now() + every);
        cx.set_alarm(self.heartbeat);
    }

    fn read(&mut self, cx: &mut Cx<'_>) {
        if self.reading.is_some() {
            self.again = true;
            return;
        }
        let layers = self.in_force.layers.clone();
        self.supervisor.tell_reloading();
        self.reading = cx.job(Lane::Any, move || layers.read()).ok();
        if self.reading.is_none() {
            self.again = true;
            cx.set_alarm(cx.now() + AGAIN);
        }
    }

    fn take_in(&mut self, read: Result<InForce, Wrong>) {
        let read = read.map_err(|wrong| wrong.lines()).and_then(|read| match read.config() {
            Ok(config) => Ok((read, config)),
            Err(wrong) => Err(vec![wrong]),
        });
        match read {
            Ok((read, config)) => {
                let changes = self.in_force.changes(&read, &LIVE);
                for change in &changes.taken {
                    log::info!("reloaded: {change}");
                }
                for change in &changes.refused {
                    log::warn!("not reloaded: {change} can't change while the server runs; a restart would bring it");
                }
                if changes.taken.is_empty() && changes.refused.is_empty() {
                    log::info!("reloaded: nothing has changed");
                }
                self.apply(&read, config.chat, config.max_connections, &changes.taken);
                self.in_force = self.in_force.with(read, &LIVE);
            }
            Err(lines) => {
                for line in lines {
                    log::error!("not reloaded, what was in force stays so: {line}");
                }
            }
        }
    }

    fn apply(&self, read: &InForce, chat: chat::Settings, max_connections: usize, taken: &[String]) {
        // Only if it was changed: somebody may have chosen another level at the admin socket since.
        if taken.iter().any(|change| change.starts_with("log = ")) {
            log::set_max_level(read.settings.log());
        }
        log_addresses(read.settings.log_addresses());
        self.concerned.door.max_connections.set(max_connections);
        self.concerned.chat.put(chat);
    }
}

impl Service for Control {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        match news {
            News::Stopping => self.supervisor.tell("STOPPING=1"),
            News::Reload => self.read(cx),
        }
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.heartbeat <= cx.now() {
            self.supervisor.tell("WATCHDOG=1");
            self.heartbeat = self.supervisor.heartbeat().map_or(Moment::NEVER, |every| cx.now() + every);
        }
        cx.set_alarm(self.heartbeat);
        if std::mem::take(&mut self.again) {
            self.read(cx);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        if self.reading != Some(job) {
            return;
        }
        self.reading = None;
        match result.ok().and_then(|result| result.downcast::<Result<InForce, Wrong>>().ok()) {
            Some(read) => self.take_in(*read),
            None => log::error!("not reloaded, what was in force stays so: the helper that read the settings died"),
        }
        self.supervisor.tell("READY=1");
        if std::mem::take(&mut self.again) {
            self.read(cx);
        }
    }
}

//! The server's own service: it has no connections. It reads settings again when told to, off the loop, and hands what
//! can change to whom it concerns; and it tells the service manager how things are, from the loop itself.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

#[cfg(feature = "tls")]
use super::certificates::TlsConfig;
use super::logger;
use super::server::Config;
use super::serving::run_settings;
use super::settings::{Change, Changes, InForce, Wrong};
use super::supervisor::{Supervisor, TURNS};
use crate::hub::{ConnId, Cx, Done, JobId, Lane, Moment, News, Service};
use crate::net::{Doorkeeper, Terms, log_addresses};
use crate::services::chat::{self, Demands, Guard};
use crate::services::{Handover, files, run};

/// After a job was not taken, because too many wait.
const AGAIN: Duration = Duration::from_secs(1);

const ACCOUNTS: &str = "accounts";
const REQUIRE_LOGIN: &str = "require-login";

/// Settings that can change while the server runs. [`Control::apply`] does it.
const LIVE: [&str; 48] = [
    ACCOUNTS,
    REQUIRE_LOGIN,
    "plain-login",
    "login-startups",
    "limit-login-time",
    "limit-line-before-login",
    "limit-frame-before-login",
    "limit-output-before-login",
    "log",
    "log-format",
    "log-addresses",
    "max-connections",
    "per-address",
    "new-per-address",
    "count-loopback",
    "penalties",
    "buffers",
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
    "limit-said",
    "limit-topic",
    "limit-name",
    "limit-ids",
    "limit-history-age",
    "limit-history-room",
    "limit-history-total",
    "limit-file",
    "limit-files",
    "limit-files-each",
    "limit-files-guests",
    "limit-uploads-each",
    "limit-part-age",
    "limit-commands-each",
    "tls-certificate",
    "tls-key",
    "tls-client-ca",
    "tls-handshake",
];

/// Those whom new settings concern.
#[derive(Debug, Clone)]
pub(super) struct Concerned {
    pub(super) chat: Handover<chat::Settings>,
    pub(super) files: Handover<files::Settings>,
    pub(super) run: Handover<run::Settings>,
    /// Whoever asks newcomers who they are.
    pub(super) demands: Rc<Cell<Demands>>,
    /// Whoever reads accounts: where they are, or nothing for where they were.
    pub(super) accounts: Handover<Option<PathBuf>>,
    /// Listeners behind TLS.
    #[cfg(feature = "tls")]
    pub(super) tls: Handover<TlsConfig>,
    pub(super) door: Rc<Terms>,
}

impl Concerned {
    pub(super) fn at(door: &Doorkeeper, guard: &Guard) -> Self {
        Self {
            chat: Handover::default(),
            files: Handover::default(),
            run: Handover::default(),
            demands: Rc::clone(&guard.demands),
            accounts: Handover::default(),
            #[cfg(feature = "tls")]
            tls: Handover::default(),
            door: Rc::clone(&door.terms),
        }
    }
}

/// Reads settings again, and speaks with the service manager.
#[derive(Debug)]
pub(super) struct Control {
    in_force: InForce,
    concerned: Concerned,
    /// Something is listened on that may be only while one has to log in there.
    needs_login: bool,
    supervisor: Supervisor,
    reading: Option<JobId>,
    /// Told to read again while a reading was under way, or when none could begin.
    again: bool,
    /// When the supervisor is to hear of us.
    heartbeat: Moment,
    /// The server stops; nothing is read any more.
    stopping: bool,
}

impl Control {
    /// With the settings that the server was started with.
    #[must_use]
    pub(super) fn new(in_force: InForce, concerned: Concerned, needs_login: bool, supervisor: Supervisor) -> Self {
        let (reading, again, heartbeat, stopping) = (None, false, Moment::NEVER, false);
        Self { in_force, concerned, needs_login, supervisor, reading, again, heartbeat, stopping }
    }

    /// The server is ready.
    pub(super) fn ready(&mut self, cx: &mut Cx<'_>) {
        self.supervisor.tell("READY=1");
        self.heartbeat = self.supervisor.heartbeat().map_or(Moment::NEVER, |every| cx.now() + every);
        cx.set_alarm(self.heartbeat);
    }

    fn read(&mut self, cx: &mut Cx<'_>) {
        if self.stopping {
            return;
        }
        if self.reading.is_some() {
            self.again = true;
            return;
        }
        let layers = self.in_force.layers.clone();
        self.supervisor.tell_reloading();
        self.reading = cx.job(Lane::Any, move || layers.read_again()).ok();
        if self.reading.is_none() {
            self.again = true;
            cx.set_alarm(self.heartbeat.min(cx.now() + AGAIN));
        }
    }

    fn take_in(&mut self, read: Result<InForce, Wrong>) {
        let read = read.map_err(|wrong| wrong.lines()).and_then(|read| {
            let config = read.config().and_then(|config| Ok((run_settings(&config)?, config)));
            config.map(|(run, config)| (read, config, run)).map_err(|wrong| vec![wrong])
        });
        match read {
            Ok((read, config, run)) => {
                let live = self.live(&read);
                let changes = self.in_force.changes(&read, &live);
                logger::set_format(read.settings.log_format());
                for Change { key, old, new, .. } in &changes.taken {
                    log::info!("reloaded: {key} = {new} (was {old})");
                }
                for Change { key, old, new, .. } in &changes.refused {
                    log::warn!("not reloaded: {key} = {old} can't change while the server runs; {new} needs a restart");
                }
                if changes.taken.is_empty() && changes.refused.is_empty() {
                    log::info!("reloaded: nothing has changed");
                }
                self.apply(&read, config, run, &changes);
                self.in_force = self.in_force.with(read, &live);
            }
            Err(lines) => {
                for line in lines {
                    log::error!("not reloaded, what was in force stays so: {line}");
                }
            }
        }
    }

    /// What can change. Where accounts are is one of them; whether there are any is not, and without some nobody can be
    /// made to log in. Nor do strangers come in where only those who log in may.
    fn live(&self, read: &InForce) -> Vec<&'static str> {
        let is_other = self.in_force.is_said(ACCOUNTS) != read.is_said(ACCOUNTS);
        let stays = |name| is_other && name == ACCOUNTS || (is_other || self.needs_login) && name == REQUIRE_LOGIN;
        LIVE.into_iter().filter(|&name| !stays(name)).collect()
    }

    /// Has what stands in files of its own read again: there, where it is to be by what is in force now.
    fn renew(&self) {
        let Ok(config) = self.in_force.config() else { return };
        self.concerned.accounts.put(config.entry.accounts);
        #[cfg(feature = "tls")]
        if let Some(tls) = config.tls {
            self.concerned.tls.put(tls);
        }
    }

    fn apply(&self, read: &InForce, config: Config, run: run::Settings, changes: &Changes) {
        // Only if it was changed: somebody may have chosen another level at the admin socket since.
        if changes.takes("log") {
            log::set_max_level(read.settings.log());
        }
        log_addresses(read.settings.log_addresses());
        let door = &self.concerned.door;
        door.max_connections.set(config.max_connections);
        door.addresses.replace(config.entry.addresses);
        if changes.takes("buffers") {
            door.buffers.set(config.entry.buffers.bytes());
        }
        let demands = config.entry.demands;
        let was_required = self.concerned.demands.get().require_login;
        let require_login = if changes.takes(REQUIRE_LOGIN) { demands.require_login } else { was_required };
        self.concerned.demands.set(Demands { require_login, ..demands });
        self.concerned.chat.put(config.chat);
        self.concerned.files.put(config.file_limits);
        self.concerned.run.put(run);
    }
}

impl Service for Control {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        match news {
            News::Stopping => {
                self.stopping = true;
                self.supervisor.tell("STOPPING=1");
            }
            News::Reload => self.read(cx),
        }
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.heartbeat <= cx.now() {
            self.supervisor.tell(TURNS);
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
        // Who was told that we stop is not told that we are ready.
        if self.stopping {
            return;
        }
        match result.ok().and_then(|result| result.downcast::<Result<InForce, Wrong>>().ok()) {
            Some(read) => self.take_in(*read),
            None => log::error!("not reloaded, what was in force stays so: the helper that read the settings died"),
        }
        self.renew();
        self.supervisor.tell("READY=1");
        if std::mem::take(&mut self.again) {
            self.read(cx);
        }
    }
}

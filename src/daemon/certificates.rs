//! The certificate of TLS listeners: read when the server starts, and read again when it is told to.

use std::rc::Rc;
use std::time::Duration;

use super::listeners::Listen;
use crate::hub::{ConnId, Cx, Done, Framing, Hub, JobId, Lane, Service};
use crate::net::Counts;
use crate::net::listen::Bound;
use crate::net::tls::{Files, Keyring, Keys, failures};
use crate::services::{Handover, whole_file};

/// Who may shake hands at one door at once. It takes a moment, so when so many do, most of them never will.
pub(super) const GUESTS: usize = 1024;

/// What can be chosen about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where certificate and key are.
    pub files: Files,
    /// How long shaking hands may take, from accept.
    pub handshake: Duration,
}

/// The keys of a server's TLS listeners.
#[derive(Debug)]
pub(super) struct Certificates {
    keyring: Keyring,
    /// Who failed to shake hands, by why.
    pub(super) failed: Rc<Counts>,
}

impl Certificates {
    /// Reads the files, if a listener needs them.
    ///
    /// # Errors
    /// In one line: what is missing, or wrong in which file.
    pub(super) fn read<'a>(
        config: Option<&TlsConfig>,
        mut listeners: impl Iterator<Item = &'a Listen>,
    ) -> Result<Option<Self>, String> {
        if !listeners.any(|listen| listen.tls) {
            return Ok(None);
        }
        let config = config.ok_or("a listener with +tls needs --tls-certificate and --tls-key")?;
        let keys = config.files.read()?;
        log::info!("TLS with {}, SHA-256 {}", config.files.certificate.display(), keys.fingerprint());
        Ok(Some(Self { keyring: Keyring::new(keys, config.handshake), failed: failures() }))
    }

    /// A listener behind TLS, with room for so many who shake hands.
    pub(super) fn guard(&self, bound: Bound, framing: Framing, guests: usize) -> std::io::Result<Bound> {
        bound.behind_tls(self.keyring.clone(), framing, guests).map(|bound| bound.counting(&self.failed))
    }

    /// Has them read again whenever it is said where they are now.
    pub(super) fn keep_fresh(self, hub: &mut Hub, wanted: &Handover<TlsConfig>) {
        hub.add(Renewal { wanted: wanted.clone(), keyring: self.keyring, reading: None, next: None });
    }
}

/// A service without a listener. It is not told of a reload but of what came of it: where the files are may have changed.
#[derive(Debug)]
struct Renewal {
    wanted: Handover<TlsConfig>,
    keyring: Keyring,
    /// What a helper reads now.
    reading: Option<TlsConfig>,
    /// What is to be read then: it may have changed since that began.
    next: Option<TlsConfig>,
}

impl Renewal {
    fn begin(&mut self, cx: &mut Cx<'_>) {
        let Some(config) = self.next.take() else { return };
        let files = config.files.clone();
        match cx.job(Lane::Any, move || read_again(&files)) {
            Ok(_) => self.reading = Some(config),
            Err(_) => {
                log::error!("the certificate was not read again: too much else waits; the old one stays in force");
            }
        }
    }
}

fn read_again(files: &Files) -> Result<Keys, String> {
    for path in [&files.certificate, &files.key].into_iter().chain(&files.client_ca) {
        whole_file::readable_again(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    files.read()
}

impl Service for Renewal {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        let Some(config) = self.wanted.take() else { return };
        self.next = Some(config);
        if self.reading.is_none() {
            self.begin(cx);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, _job: JobId, result: Done) {
        let read = self.reading.take();
        match (result.map(|read| read.downcast::<Result<Keys, String>>().map(|read| *read)), read) {
            (Ok(Ok(Ok(keys))), Some(config)) => {
                log::info!("certificate read again, SHA-256 {}: in force for new connections", keys.fingerprint());
                self.keyring.replace(keys, config.handshake);
            }
            (Ok(Ok(Err(wrong))), _) => {
                log::error!("certificate not replaced, the old one stays in force: {wrong}");
            }
            _ => log::error!("certificate not replaced, the old one stays in force: a fault of ours"),
        }
        self.begin(cx);
    }
}

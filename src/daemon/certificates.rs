//! The certificate of TLS listeners: read when the server starts, and read again when it is told to.

use std::time::Duration;

use super::listeners::Listen;
use crate::hub::{ConnId, Cx, Done, Hub, JobId, Lane, News, Service};
use crate::net::listen::Bound;
use crate::net::tls::{Files, Keyring, Keys};

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
    config: TlsConfig,
    keyring: Keyring,
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
        let config = config.ok_or("a listener with +tls needs --tls-certificate and --tls-key")?.clone();
        let keys = config.files.read()?;
        log::info!("TLS with {}, SHA-256 {}", config.files.certificate.display(), keys.fingerprint());
        Ok(Some(Self { config, keyring: Keyring::new(keys) }))
    }

    /// A listener behind TLS, with room for so many who shake hands.
    pub(super) fn guard(&self, bound: Bound, guests: usize) -> std::io::Result<Bound> {
        bound.behind_tls(self.keyring.clone(), self.config.handshake, guests)
    }

    /// Has them read again whenever everybody is told to.
    pub(super) fn keep_fresh(self, hub: &mut Hub) {
        hub.add(Renewal { files: self.config.files, keyring: self.keyring, reading: false, again: false });
    }
}

/// A service without a listener, for the sake of [`News::Reload`].
#[derive(Debug)]
struct Renewal {
    files: Files,
    keyring: Keyring,
    /// A helper reads them now.
    reading: bool,
    /// They may have changed since it began.
    again: bool,
}

impl Renewal {
    fn begin(&mut self, cx: &mut Cx<'_>) {
        let files = self.files.clone();
        self.again = false;
        self.reading = cx.job(Lane::Any, move || files.read()).is_ok();
        if !self.reading {
            log::error!("the certificate was not read again: too much else waits; the old one stays in force");
        }
    }
}

impl Service for Renewal {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news != News::Reload {
            return;
        }
        if self.reading {
            self.again = true;
        } else {
            self.begin(cx);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, _job: JobId, result: Done) {
        self.reading = false;
        match result.map(|read| read.downcast::<Result<Keys, String>>().map(|read| *read)) {
            Ok(Ok(Ok(keys))) => {
                log::info!("certificate read again, SHA-256 {}: in force for new connections", keys.fingerprint());
                self.keyring.replace(keys);
            }
            Ok(Ok(Err(wrong))) => log::error!("certificate not replaced, the old one stays in force: {wrong}"),
            Ok(Err(_)) | Err(_) => log::error!("certificate not replaced, the old one stays in force: a fault of ours"),
        }
        if self.again {
            self.begin(cx);
        }
    }
}

//! Who we are: a certificate and its key, read from files, and read again while connections stand.

use std::cell::RefCell;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::provider;

/// The files, as they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and behind it those that lead to one that clients know. PEM.
    pub certificate: PathBuf,
    /// Its key. PEM.
    pub key: PathBuf,
    /// Whoever shows a certificate must have it from one of these. PEM; without it nobody is asked.
    pub client_ca: Option<PathBuf>,
}

/// What was read: what every new connection begins with. Can be read by a helper and sent to the loop.
#[derive(Clone)]
pub struct Keys {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Keys").field(&self.fingerprint).finish()
    }
}

impl Files {
    /// Reads the files and sees whether they belong together. Blocks.
    ///
    /// # Errors
    /// In one line: which file, and what is wrong with it.
    pub fn read(&self) -> Result<Keys, String> {
        let certificates = certificates(&self.certificate)?;
        let fingerprint = super::fingerprint(&certificates[0]);
        let key = key(&self.key)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider());
                let verifier = verifier.allow_unauthenticated().build();
                builder.with_client_cert_verifier(verifier.map_err(|error| format!("{}: {error}", path.display()))?)
            }
        };
        let config = builder.with_single_cert(certificates, key);
        let mut config = config.map_err(|error| Self::no_pair(&self.certificate, &self.key, &error))?;
        if self.client_ca.is_some() {
            // Whoever comes back with a ticket is not looked at again: by then the certificate may have expired.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Keys { config: Arc::new(config), fingerprint })
    }

    pub(super) fn no_pair(certificate: &Path, key: &Path, error: &rustls::Error) -> String {
        format!("{} and {} do not make a pair ({error})", certificate.display(), key.display())
    }
}

impl Keys {
    /// The certificate's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// The keys that are in force, and how long shaking hands may take. Listeners share it; replacing them concerns whoever
/// comes afterwards.
#[derive(Debug, Clone)]
pub struct Keyring(Rc<RefCell<(Keys, Duration)>>);

impl Keyring {
    /// These are in force.
    #[must_use]
    pub fn new(keys: Keys, handshake: Duration) -> Self {
        Self(Rc::new(RefCell::new((keys, handshake))))
    }

    /// From now on these are.
    pub fn replace(&self, keys: Keys, handshake: Duration) {
        *self.0.borrow_mut() = (keys, handshake);
    }

    /// How long shaking hands may take.
    pub(super) fn limit(&self) -> Duration {
        self.0.borrow().1
    }

    /// Our side of a new connection.
    pub(super) fn session(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.0.borrow().0.config))
    }
}

/// All certificates of a file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| {
        let why = unreadable(path).unwrap_or_else(|| format!("no certificates in PEM ({error})"));
        format!("{}: {why}", path.display())
    })?;
    if found.is_empty() { Err(format!("{}: no certificate in PEM", path.display())) } else { Ok(found) }
}

/// The private key of a file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let why = unreadable(path).unwrap_or_else(|| format!("no private key in PEM ({error})"));
        format!("{}: {why}", path.display())
    })?;
    warn_if_open(path);
    Ok(key)
}

/// The certificates of a file, as those from which others are believed.
pub(super) fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

fn unreadable(path: &Path) -> Option<String> {
    File::open(path).and_then(|file| file.metadata()).err().map(|error| error.to_string())
}

/// A key that others can read is no secret. Said, not refused: the folder around it may be closed.
fn warn_if_open(key: &Path) {
    let mode = fs::metadata(key).map_or(0, |metadata| metadata.mode() & 0o777);
    if mode & 0o077 != 0 {
        log::warn!("{}: this private key can be read by others (mode {mode:03o}); 600 is usual", key.display());
    }
}

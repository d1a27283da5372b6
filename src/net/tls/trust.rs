//! Whom we believe when we open a connection, and who we say we are.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::keys::{Files, certificates, key, roots};
use super::{Tls, provider};
use crate::net::pump::Wire;

/// Those from whom a server must have its certificate. One for a whole client.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    /// What was wrong with the last connection that came to nothing: more than a [`Reason`](crate::hub::Reason) holds.
    complaint: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Trust").finish_non_exhaustive()
    }
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl Eq for Trust {}

impl Trust {
    /// Whom those in the file `ca` vouch for, and nobody else; without it, whom this system trusts. With `identity` a
    /// certificate and its key, which a server that asks is shown. Blocks.
    ///
    /// # Errors
    /// In one line: which file, and what is wrong with it.
    pub fn new(ca: Option<&Path>, identity: Option<(&Path, &Path)>) -> Result<Self, String> {
        let roots = ca.map_or_else(system_roots, roots)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, file)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(file)?)
                .map_err(|error| Files::no_pair(certificate, file, &error))?,
        };
        Ok(Self { config: Arc::new(config), complaint: Arc::default() })
    }

    /// Our side of a connection to a server that must bear this name, or this address.
    pub(crate) fn connect<S: Wire>(&self, wire: S, name: &str) -> io::Result<Tls<S>> {
        let name =
            ServerName::try_from(name.to_owned()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let session = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        Ok(Tls::new(wire, session).complaining(Arc::clone(&self.complaint)))
    }

    /// What was wrong with the last connection that came to nothing, if it was TLS.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whoever this system trusts, as the distribution and the administrator keep it (`SSL_CERT_FILE` and `SSL_CERT_DIR`
/// are obeyed). Not a list of our own: it would age with the binary, and not know who is trusted here alone.
fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    match found.errors.first() {
        Some(error) if good == 0 => Err(format!("this system's certificates can't be read: {error}")),
        None if good == 0 => Err("this system trusts no certificates; --ca FILE names one".to_owned()),
        _ => Ok(roots),
    }
}

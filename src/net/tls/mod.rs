//! TLS: the same streams, encrypted; who we are (keys), whom we believe (trust), and where newcomers shake hands (porch).

mod failure;
mod keys;
mod porch;
mod session;
mod trust;
mod words;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::counts::Counts;

pub use keys::{Files, Keyring, Keys};
pub(super) use porch::Porch;
pub use session::Tls;
pub use trust::Trust;

/// How many who came to shake hands did not come in, by why, for [`Bound::counting`](super::listen::Bound::counting).
#[must_use]
pub fn failures() -> Rc<Counts> {
    failure::Failure::counts()
}

/// The cryptography: ring's, for it is one package and builds with a C compiler alone.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The fingerprint of the first certificate of a file. Blocks.
///
/// # Errors
/// In one line: what is wrong with the file.
pub fn fingerprint_of(path: &Path) -> Result<String, String> {
    keys::certificates(path).map(|found| fingerprint(&found[0]))
}

/// The SHA-256 of a certificate, in hexadecimal digits: a name that nobody else can bear.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

//! How somebody proves that an account is theirs.

use std::sync::Arc;

use super::book::Account;

/// A certificate's fingerprint: the SHA-256 of it, in lower-case hexadecimal digits.
pub type Fingerprint = Box<str>;

/// What was shown, and was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The password of which this is kept.
    Password(Arc<str>),
    /// A certificate that somebody vouches for whom this server trusts.
    Certificate(Fingerprint),
}

impl Account {
    /// Is this proof as good as it was? It is not once the password is another, or the certificate was struck out.
    #[must_use]
    pub fn accepts(&self, proof: &Proof) -> bool {
        match proof {
            Proof::Password(hash) => self.hash.as_ref() == Some(hash),
            Proof::Certificate(fingerprint) => self.certificates.contains(fingerprint),
        }
    }
}

/// A fingerprint as people have it: in capitals or not, with colons or without, also as OpenSSL shows it, with
/// `sha256 Fingerprint=` before it.
#[must_use]
pub fn fingerprint(text: &str) -> Option<Fingerprint> {
    let digits = match text.trim().split_once('=') {
        Some((label, digits)) if label.eq_ignore_ascii_case("sha256 fingerprint") => digits,
        Some(_) => return None,
        None => text.trim(),
    };
    let digits: String = digits.chars().filter(|&c| c != ':').map(|c| c.to_ascii_lowercase()).collect();
    let is_one = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| digits.into())
}

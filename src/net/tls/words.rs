//! What is said of a TLS connection: how it was agreed upon, and what went wrong.

use std::fmt;
use std::io::{self, ErrorKind};

use rustls::{CertificateError, Connection, Error, HandshakeKind};

use crate::hub::{Fact, Inspection};

/// Version and cipher, and the certificate that the other end showed.
pub(super) fn facts(session: &Connection, certificate: Option<String>) -> Inspection {
    let known = |value: Option<String>| value.unwrap_or_else(|| "not known yet".to_owned());
    let shown = |value: &dyn fmt::Debug| format!("{value:?}");
    let kind = match session.handshake_kind() {
        Some(HandshakeKind::Full) => Some("full"),
        Some(HandshakeKind::FullWithHelloRetryRequest) => Some("full, with a second hello"),
        Some(HandshakeKind::Resumed) => Some("resumed"),
        None => None,
    };
    let mut facts = vec![
        fact("tls", known(session.protocol_version().map(|version| version_name(&shown(&version))))),
        fact("tls-cipher", known(session.negotiated_cipher_suite().map(|suite| shown(&suite.suite())))),
        fact("tls-group", known(session.negotiated_key_exchange_group().map(|group| shown(&group.name())))),
        fact("tls-handshake", known(kind.map(str::to_owned))),
    ];
    facts.extend(certificate.map(|fingerprint| fact("tls-certificate", fingerprint)));
    facts
}

fn fact(name: &'static str, granted: String) -> Fact {
    Fact { name, asked: None, granted }
}

/// `TLSv1_3` is how rustls names it; people say TLS 1.3.
fn version_name(name: &str) -> String {
    name.replace("TLSv", "TLS ").replace('_', ".")
}

/// What a handshake's failure says when the other end speaks something else.
pub(super) const NO_TLS: &str = "the other end does not speak TLS";

/// The stream ended where more had to come.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the connection ended without a TLS goodbye")
}

pub(super) fn broken(error: &Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, explain(error))
}

/// What went wrong, for people. What rustls says of certificates is right, and means something to few.
fn explain(error: &Error) -> String {
    let why = match error {
        Error::InvalidCertificate(why) => why,
        Error::AlertReceived(alert) => return format!("the other end refused the handshake: {alert:?}"),
        other => return other.to_string(),
    };
    let why = match why {
        // The others: whoever signed it has the name of one whom we trust, and not the key.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it comes from nobody whom we trust".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName => "it is for another name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("it is for another name ({})", presented.join(", "))
        }
        other => other.to_string(),
    };
    format!("the certificate is refused: {why}")
}

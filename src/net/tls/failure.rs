//! Why somebody who came to shake hands did not come in.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use rustls::{AlertDescription, Error};

use crate::net::counts::Counts;

/// How a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// It took too long.
    TooSlow,
    /// The other end speaks something else.
    NoTls,
    /// The certificate that it showed is refused.
    TheirCertificate,
    /// It refuses ours.
    OurCertificate,
    /// Whatever else is against the protocol, or nothing that both sides have in common.
    Protocol,
    /// It went in the middle.
    Left,
    /// It had waited for longest when there was no room for another.
    Crowded,
}

impl Failure {
    const KINDS: [Self; 7] = [
        Self::TooSlow,
        Self::NoTls,
        Self::TheirCertificate,
        Self::OurCertificate,
        Self::Protocol,
        Self::Left,
        Self::Crowded,
    ];

    /// What an error is; `broken` is what the session itself says of it.
    pub(super) fn of(error: &io::Error, spoke_tls: bool, broken: Option<&Error>) -> Self {
        match broken {
            _ if error.kind() != ErrorKind::InvalidData => Self::Left,
            _ if !spoke_tls => Self::NoTls,
            Some(Error::InvalidCertificate(_)) => Self::TheirCertificate,
            Some(Error::AlertReceived(alert)) if is_of_certificates(*alert) => Self::OurCertificate,
            _ => Self::Protocol,
        }
    }

    /// The word for programs.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::TooSlow => "too-slow",
            Self::NoTls => "no-tls",
            Self::TheirCertificate => "their-certificate",
            Self::OurCertificate => "our-certificate",
            Self::Protocol => "protocol",
            Self::Left => "left",
            Self::Crowded => "crowded",
        }
    }

    /// How heavy it weighs against the address: as OpenSSH's `PerSourcePenalties` for a failed authentication, for
    /// exceeding the grace time, for none. Whoever is only in the way of others has done nothing wrong.
    pub(super) const fn weight(self) -> Option<Duration> {
        match self {
            Self::NoTls | Self::TheirCertificate | Self::OurCertificate | Self::Protocol => {
                Some(Duration::from_secs(5))
            }
            Self::TooSlow => Some(Duration::from_secs(10)),
            Self::Left => Some(Duration::from_secs(1)),
            Self::Crowded => None,
        }
    }

    pub(super) fn counts() -> Rc<Counts> {
        Counts::of(Self::KINDS.map(Self::code))
    }
}

/// Was the handshake refused for what our certificate is?
fn is_of_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
    )
}

//! TLS: the files, and how long shaking hands may take.

use std::path::PathBuf;

use super::values::Span;
use crate::daemon::certificates::TlsConfig;
use crate::net::tls::Files;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct TlsArgs {
    /// Certificate for listeners with +tls, PEM, followed by those that lead to one that clients know
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Ask clients for a certificate, which must come from one of these, PEM; a client may have none
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// How long shaking hands may take, from the first segment
    #[arg(long, value_name = "TIME", default_value = "10s")]
    tls_handshake: Span,
}

impl TlsArgs {
    pub(super) fn config(&self) -> Option<TlsConfig> {
        let (certificate, key) = (self.tls_certificate.clone()?, self.tls_key.clone()?);
        let files = Files { certificate, key, client_ca: self.tls_client_ca.clone() };
        Some(TlsConfig { files, handshake: self.tls_handshake.0 })
    }

    pub(super) fn contradictions(&self, is_wanted: bool, found: &mut Vec<(&'static str, String)>) {
        let (certificate, key) = (self.tls_certificate.is_some(), self.tls_key.is_some());
        if is_wanted && !certificate && !key {
            found.push(("listen", "a listener with +tls needs tls-certificate and tls-key".to_owned()));
        } else if certificate && !key {
            found.push(("tls-certificate", "it is of no use without tls-key".to_owned()));
        } else if key && !certificate {
            found.push(("tls-key", "it is of no use without tls-certificate".to_owned()));
        }
        if self.tls_client_ca.is_some() && !certificate {
            found.push(("tls-client-ca", "it is of no use without tls-certificate and tls-key".to_owned()));
        }
        if self.tls_handshake.millis() < 100 {
            found.push(("tls-handshake", "too short for anybody: expected at least 100ms".to_owned()));
        }
    }
}

//! Whom a client believes through TLS, and who it says it is.

#[cfg(feature = "tls")]
use std::path::PathBuf;

use crate::client::address::ServerAddress;
#[cfg(feature = "tls")]
use crate::net::Trust;
use crate::net::socket::Options;
use crate::net::stream::Outgoing;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct TrustArgs {
    /// Through TLS: believe servers that one of these vouches for, PEM [default: whom this system trusts]
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", env = "PARLOR_CA")]
    ca: Option<PathBuf>,
    /// Through TLS: show this certificate to a server that asks, PEM
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", env = "PARLOR_CERTIFICATE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", env = "PARLOR_KEY", requires = "certificate")]
    key: Option<PathBuf>,
}

impl TrustArgs {
    /// What connections of a client to this server have in common. Files are read only if it is spoken to through TLS.
    pub(super) fn outgoing(&self, to: &ServerAddress) -> Result<Outgoing, String> {
        let plain = Outgoing::from(Options::client());
        if to.is_tls() { self.believing(plain) } else { Ok(plain) }
    }

    #[cfg(feature = "tls")]
    fn believing(&self, plain: Outgoing) -> Result<Outgoing, String> {
        let identity = self.certificate.as_deref().zip(self.key.as_deref());
        let trust = Trust::new(self.ca.as_deref(), identity)?;
        Ok(Outgoing { trust: Some(trust), ..plain })
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it says whom to believe")]
    fn believing(&self, _plain: Outgoing) -> Result<Outgoing, String> {
        Err("this program was built without TLS".to_owned())
    }
}

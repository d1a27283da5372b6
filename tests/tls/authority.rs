//! Certificates for tests: an authority of our own, and whoever it vouches for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::{fs, os::unix::fs::PermissionsExt};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// No two authorities have one name.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Somebody who vouches for others.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Pair {
    pub(crate) certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    Now,
    Before,
    Later,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        let name = format!("authority {}", NEXT.fetch_add(1, Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    /// Vouches for these names.
    pub(crate) fn signs(&self, names: &[&str], valid: Valid) -> Pair {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("these are names");
        (params.not_before, params.not_after) = match valid {
            Valid::Now => (params.not_before, params.not_after),
            Valid::Before => (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1)),
            Valid::Later => (date_time_ymd(3001, 1, 1), date_time_ymd(3002, 1, 1)),
        };
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it is signed");
        Pair { certificate: certificate.der().clone(), certificate_pem: certificate.pem(), key }
    }

    /// For this machine, now.
    pub(crate) fn here(&self) -> Pair {
        self.signs(&["localhost", "127.0.0.1"], Valid::Now)
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("an authority's certificate");
        roots
    }

    /// Its certificate as a file.
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.pem");
        fs::write(&path, self.0.pem()).expect("the folder is ours");
        path
    }

    /// Somebody who believes it.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::new(client().with_root_certificates(self.roots()).with_no_client_auth())
    }

    /// The same, with a certificate of its own.
    pub(crate) fn client_showing(&self, pair: &Pair) -> Arc<ClientConfig> {
        let client = client().with_root_certificates(self.roots());
        let client = client.with_client_auth_cert(vec![pair.certificate.clone()], pair.key_der());
        Arc::new(client.expect("they belong together"))
    }
}

fn client() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    builder.with_safe_default_protocol_versions().expect("ring has them all")
}

/// Somebody who speaks only this version.
pub(crate) fn client_of(version: &'static rustls::SupportedProtocolVersion, roots: RootCertStore) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[version]).expect("ring has it");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Pair {
    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("it is one")
    }

    /// A server that has it.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has them all").with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![self.certificate.clone()], self.key_der()).expect("a pair"))
    }

    /// Writes both as files, `NAME.pem` and `NAME.key`, the key for nobody else.
    pub(crate) fn files(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        fs::write(&certificate, &self.certificate_pem).expect("the folder is ours");
        fs::write(&key, self.key.serialize_pem()).expect("the folder is ours");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        (certificate, key)
    }
}

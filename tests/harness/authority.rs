//! A certificate authority of the tests' own.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// An authority that nobody else trusts.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names are names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes a new certificate for 127.0.0.1 and localhost, and its key.
    pub fn issue(&self, certificate: &Path, key: &Path) {
        self.issue_to(&["127.0.0.1", "localhost"], certificate, key);
    }

    /// Writes a new certificate for these names, and its key.
    pub fn issue_to(&self, names: &[&str], certificate: &Path, key: &Path) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names");
        let pair = KeyPair::generate().expect("a key");
        let issued = params.signed_by(&pair, &self.0).expect("a certificate");
        std::fs::write(certificate, issued.pem()).expect("a file that can be written");
        std::fs::write(key, pair.serialize_pem()).expect("a file that can be written");
    }

    /// A client that trusts it, and speaks one protocol.
    #[must_use]
    pub fn client(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions that the provider has")
            .with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

//! TLS: whom the server shows itself as, and whom it lets connect.

use super::kept::{Files, Kept};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// HTTP/2, as it is named in TLS.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// The files of TLS, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The certificates of which one must have signed each client's; unset means that clients need
    /// none.
    pub client_ca: Option<PathBuf>,
}

/// What handshakes are made with. The files are read again when they change; connections that are
/// open by then stay.
pub struct Tls(Kept<ServerConfig>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn read(paths: TlsFiles) -> Result<Self, Vec<String>> {
        Kept::new(move |files| config(&paths, files)).map(Self)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.now().into()
    }

    pub(super) fn refresh(&self) {
        self.0.refresh();
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// A new one has no memory of old sessions, so that none outlives the certificates it was made with.
fn config(paths: &TlsFiles, files: &mut Files) -> Result<ServerConfig, Vec<String>> {
    let TlsFiles { certificate, key, client_ca } = paths;
    let read = (
        chain(certificate, files),
        private_key(key, files),
        client_ca.as_deref().map(|ca| roots(ca, files)).transpose(),
    );
    let (chain, private_key, roots) = match read {
        (Ok(chain), Ok(key), Ok(roots)) => (chain, key, roots),
        (chain, key, roots) => {
            return Err([chain.err(), key.err(), roots.err()].into_iter().flatten().collect());
        }
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| vec![error.to_string()])?;
    let builder = match (roots, client_ca) {
        (Some(roots), Some(ca)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let verifier = verifier.build().map_err(|error| vec![wrong(ca, &error)])?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, private_key);
    let mut config = config.map_err(|error| {
        vec![format!("{} with {}: {error}", certificate.display(), key.display())]
    })?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(config)
}

fn chain(path: &Path, files: &mut Files) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = files.read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(wrong(path, &"holds no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(path, &error)),
    }
}

fn private_key(path: &Path, files: &mut Files) -> Result<PrivateKeyDer<'static>, String> {
    // Why it is none is not told: that could be a part of it.
    PrivateKeyDer::from_pem_slice(&files.read(path)?)
        .map_err(|_| wrong(path, &"holds no private key in PEM"))
}

fn roots(path: &Path, files: &mut Files) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path, files)? {
        roots.add(certificate).map_err(|error| wrong(path, &error))?;
    }
    Ok(roots)
}

fn wrong(path: &Path, problem: &dyn Display) -> String {
    format!("{}: {problem}", path.display())
}

//! TLS to a decider: whom to trust, and who the gateway is.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Decider;

/// HTTP/2, as it is named in TLS.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// Reads the files that a decider's settings name.
///
/// # Errors
/// A file can't be read, or is not what it should be.
pub fn client(decider: &Decider) -> Result<ClientConfig, String> {
    let roots = match &decider.ca {
        Some(ca) => trust(ca)?,
        None => system()?,
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots);
    let mut config = match (&decider.certificate, &decider.key) {
        (Some(certificate), Some(key)) => {
            let failed = |e| format!("{}: {e}", certificate.display());
            config.with_client_auth_cert(chain(certificate)?, private_key(key)?).map_err(failed)?
        }
        (None, None) => config.with_no_client_auth(),
        _ => return Err("certificate and key must both be set, or none".to_owned()),
    };
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(config)
}

fn trust(ca: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(ca)? {
        roots.add(certificate).map_err(|e| format!("{}: {e}", ca.display()))?;
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err("the system has no certificates to trust: set ca".to_owned()),
        false => Ok(roots),
    }
}

/// The certificates in a PEM file, at least one.
pub(crate) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| failed(&e))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
    if certificates.is_empty() {
        return Err(failed(&"no certificate in it"));
    }
    Ok(certificates)
}

/// The private key in a PEM file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| format!("{}: {e}", path.display()))
}

//! TLS to a decider: the certificates to trust, and the client's own.

use std::sync::{Arc, LazyLock};

use process::pem;
use process::tls::H2;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore};

use crate::config::Config;

/// The contents of the files, and the configuration made of them. Two are equal if the contents are.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    files: Arc<Files>,
    config: Arc<ClientConfig>,
}

/// The contents of the files that a decider's settings name.
#[derive(Debug, PartialEq)]
struct Files {
    /// None means the certificates of the system.
    ca: Option<Vec<TrustAnchor<'static>>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// Reads the files.
///
/// # Errors
/// A file can't be read or used.
pub(crate) fn read(config: &Config) -> Result<Tls, String> {
    let files = Files::read(config)?;
    let client = client(config, &files)?;
    Ok(Tls { files: Arc::new(files), config: Arc::new(client) })
}

impl Tls {
    /// Reads the files again. The configuration is made anew only if they changed: making it is not cheap, and it holds
    /// the sessions that can be resumed.
    ///
    /// # Errors
    /// A file can't be read or used.
    pub(crate) fn reread(&self, config: &Config) -> Result<Self, String> {
        match Files::read(config)? == *self.files {
            true => Ok(self.clone()),
            false => read(config),
        }
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files
    }
}

impl Files {
    fn read(config: &Config) -> Result<Self, String> {
        let identity = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => {
                Some((pem::certificates(certificate)?, pem::private_key(key)?))
            }
            (None, None) => None,
            _ => return Err("certificate and key must both be set, or none".to_owned()),
        };
        let ca = config.ca.as_deref().map(pem::roots).transpose()?;
        Ok(Self { ca: ca.map(|ca| ca.roots), identity })
    }
}

/// The client's side of TLS. `files` were read from `config`; an error names the file.
fn client(config: &Config, files: &Files) -> Result<ClientConfig, String> {
    let roots = match &files.ca {
        Some(ca) => Arc::new(RootCertStore { roots: ca.clone() }),
        None => SYSTEM.clone()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots);
    let mut client = match (&files.identity, &config.certificate) {
        (Some((chain, key)), Some(path)) => builder
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|e| format!("{}: {e}", path.display()))?,
        _ => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![H2.to_vec()];
    Ok(client)
}

/// The certificates that the system trusts, loaded once: there are many.
static SYSTEM: LazyLock<Result<Arc<RootCertStore>, String>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err("the system has no certificates to trust: set ca".to_owned()),
        false => Ok(Arc::new(roots)),
    }
});

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_configuration_is_made_anew_only_if_a_file_changed() {
        let write = |path: &std::path::Path| {
            let signed = rcgen::generate_simple_self_signed(["decider".to_owned()]);
            fs::write(path, signed.expect("a certificate").cert.pem()).expect("written");
        };
        let file = tempfile::NamedTempFile::new().expect("a file");
        write(file.path());
        let config = Config { ca: Some(file.path().into()), ..Config::default() };
        let first = read(&config).expect("certificates");
        let second = first.reread(&config).expect("certificates");
        assert!(Arc::ptr_eq(&first.config(), &second.config()));
        write(file.path());
        let third = second.reread(&config).expect("certificates");
        assert!(!Arc::ptr_eq(&second.config(), &third.config()) && second != third);
    }
}

//! The server's side of TLS: the files, and the configuration made of them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::{Mistake, pem};

/// The name of HTTP/2 in ALPN.
pub const H2: &[u8] = b"h2";
/// The name of HTTP/1.1 in ALPN.
pub const HTTP_1: &[u8] = b"http/1.1";

/// The files of a server's identity, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The beginning of the settings' names, as in `tls.certificate` or `--tls-certificate`.
    prefix: &'static str,
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl Files {
    /// The files, if any is set. Mistakes are placed at the settings `{prefix}certificate`, `{prefix}key` and
    /// `{prefix}client-ca`. With a client CA, each client must have a certificate that one of its certificates has
    /// signed.
    ///
    /// # Errors
    /// Certificate or key is missing.
    pub fn new(
        prefix: &'static str,
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
        client_ca: Option<PathBuf>,
    ) -> Result<Option<Self>, Mistake> {
        let missing = |name, since| {
            let problem = format!("must be set, since {prefix}{since} is");
            Err(Mistake::new(format_args!("{prefix}{name}"), problem))
        };
        match (certificate, key, client_ca) {
            (Some(certificate), Some(key), client_ca) => {
                Ok(Some(Self { prefix, certificate, key, client_ca }))
            }
            (Some(_), None, _) => missing("key", "certificate"),
            (None, Some(_), _) => missing("certificate", "key"),
            (None, None, Some(_)) => missing("certificate", "client-ca"),
            (None, None, None) => Ok(None),
        }
    }

    /// Reads the files, and offers these protocols, the preferred one first.
    ///
    /// # Errors
    /// A file can't be read or used, or the key is not the certificate's.
    pub fn read(&self, protocols: &[&[u8]]) -> Result<Identity, Vec<Mistake>> {
        let material = self.material()?;
        let mut config = self.config(&material).map_err(|mistake| vec![mistake])?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Identity { material, config: Arc::new(config) })
    }

    fn material(&self) -> Result<Material, Vec<Mistake>> {
        let at = |name: &'static str| move |problem| self.mistake(name, problem);
        let read = (
            pem::certificates(&self.certificate).map_err(at("certificate")),
            pem::private_key(&self.key).map_err(at("key")),
            self.client_ca.as_deref().map(pem::roots).transpose().map_err(at("client-ca")),
        );
        match read {
            (Ok(chain), Ok(key), Ok(clients)) => Ok(Material { chain, key, clients }),
            (chain, key, clients) => {
                Err([chain.err(), key.err(), clients.err()].into_iter().flatten().collect())
            }
        }
    }

    fn config(&self, material: &Material) -> Result<ServerConfig, Mistake> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|why| self.mistake("certificate", why))?;
        let builder = match &material.clients {
            Some(roots) => {
                let roots = Arc::new(roots.clone());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(
                    verifier.map_err(|why| self.mistake("client-ca", why))?,
                )
            }
            None => builder.with_no_client_auth(),
        };
        builder.with_single_cert(material.chain.clone(), material.key.clone_key()).map_err(|why| {
            let (certificate, key) = (self.certificate.display(), self.key.display());
            self.mistake("certificate", format!("{certificate} with {key}: {why}"))
        })
    }

    fn mistake(&self, name: &str, problem: impl fmt::Display) -> Mistake {
        Mistake::new(format_args!("{}{name}", self.prefix), problem)
    }
}

/// A server's certificate and key, with the configuration made of them. Two are equal if their files hold the same, so
/// a [`Reloadable`](crate::Reloadable) keeps one configuration, with its cache of sessions, until a file changes; a new
/// one resumes no session of the old certificates.
#[derive(Debug)]
pub struct Identity {
    material: Material,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// The acceptor for one connection; it costs one reference count.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

/// The contents of the files. `Debug` of a private key shows nothing of it.
#[derive(Debug)]
struct Material {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The authorities of the clients' certificates.
    clients: Option<RootCertStore>,
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        let roots = |this: &Self| this.clients.as_ref().map(|clients| clients.roots.clone());
        self.chain == other.chain && self.key == other.key && roots(self) == roots(other)
    }
}

//! TLS on the callback port: whom the gateway shows itself as, and the handshake.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::channel::tls::{HTTP_2, chain, private_key};
use crate::kept::Kept;
use crate::settings::{Mistake, Tls};

/// HTTP/1.1, as it is named in TLS.
const HTTP_1: &[u8] = b"http/1.1";

/// A certificate chain with its key.
pub struct Identity {
    certified: Arc<CertifiedKey>,
    /// The key as it was read, to tell whether it changes.
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads the files, if there are any.
    ///
    /// # Errors
    /// A file can't be read, the certificate is not the key's, or one of them is missing.
    pub fn read(settings: &Tls) -> Result<Option<Self>, Vec<Mistake>> {
        let at = |key: &'static str| move |problem: String| Mistake::new(key, problem);
        let chain = settings.certificate.as_deref().map(chain).transpose();
        let private_key = settings.key.as_deref().map(private_key).transpose();
        let (chain, key) =
            match (chain.map_err(at("tls.certificate")), private_key.map_err(at("tls.key"))) {
                (Ok(Some(chain)), Ok(Some(key))) => (chain, key),
                (Ok(None), Ok(None)) => return Ok(None),
                (chain, key) => {
                    let alone = settings.certificate.is_some() != settings.key.is_some();
                    let why = "certificate and key must both be set, or none";
                    let alone = alone.then(|| Mistake::new("tls", why));
                    return Err([alone, chain.err(), key.err()].into_iter().flatten().collect());
                }
            };
        let provider = aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, key.clone_key(), &provider)
            .map_err(|e| vec![Mistake::new("tls", format!("certificate and key: {e}"))])?;
        Ok(Some(Self { certified: Arc::new(certified), key }))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert && self.key == other.key
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { certified: self.certified.clone(), key: self.key.clone_key() }
    }
}

/// Makes the handshakes of an identity that may change. HTTP/2 is offered first.
///
/// # Errors
/// Those of rustls.
pub fn acceptor(identity: Arc<Kept<Identity>>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Resolver(identity)));
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct Resolver(Arc<Kept<Identity>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.now().certified.clone())
    }
}

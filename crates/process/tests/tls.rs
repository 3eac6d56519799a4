//! TLS over real sockets: the certificate that a server shows, and the clients it takes.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use process::tls::{Files, H2, HTTP_1};
use process::{Mistake, Reloadable};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A certificate of `localhost` that is its own authority.
fn issuer() -> Issuer {
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, issuer: &Issuer) {
        fs::write(self.path("certificate"), issuer.pem()).expect("written");
        fs::write(self.path("key"), issuer.key().serialize_pem()).expect("written");
    }

    fn files(&self, client_ca: Option<PathBuf>) -> Files {
        let (certificate, key) = (self.path("certificate"), self.path("key"));
        let files = Files::new("tls.", Some(certificate), Some(key), client_ca);
        files.expect("both").expect("some")
    }
}

/// The protocol that a handshake ends with.
async fn shake(acceptor: TlsAcceptor, client: ClientConfig) -> Result<Option<Vec<u8>>, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let server = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        acceptor.accept(stream).await.map(drop).map_err(|why| why.to_string())
    };
    let client = async {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(client));
        let stream = connector.connect(name, stream).await.map_err(|why| why.to_string())?;
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok(protocol)
    };
    let (server, client) = tokio::join!(server, client);
    server.and(client)
}

/// A client that trusts an authority, and shows a certificate if it has one.
fn client(trusted: &Issuer, shown: Option<&Issuer>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some(issuer) => {
            let chain: Vec<CertificateDer<'static>> = vec![issuer.der().clone()];
            let key = PrivateKeyDer::try_from(issuer.key().serialize_der()).expect("a key");
            config.with_client_auth_cert(chain, key).expect("a certificate")
        }
    };
    config.alpn_protocols = vec![HTTP_1.to_vec(), H2.to_vec()];
    config
}

#[tokio::test]
async fn a_certificate_that_changes_is_shown_from_the_next_handshake_on() {
    let (directory, old, new) = (Directory::new(), issuer(), issuer());
    directory.write(&old);
    let files = directory.files(None);
    let read = || files.read(&[H2, HTTP_1]);
    let identity = Reloadable::new(read().expect("an identity"));
    let acceptor = || identity.current().acceptor();

    assert_eq!(shake(acceptor(), client(&old, None)).await, Ok(Some(H2.to_vec())));
    directory.write(&new);
    identity.refresh("tls", read());
    assert!(shake(acceptor(), client(&old, None)).await.is_err());
    assert_eq!(shake(acceptor(), client(&new, None)).await, Ok(Some(H2.to_vec())));
    fs::remove_file(directory.path("key")).expect("removed");
    identity.refresh("tls", read());
    assert_eq!(shake(acceptor(), client(&new, None)).await, Ok(Some(H2.to_vec())));
}

#[tokio::test]
async fn files_that_stay_the_same_keep_one_configuration() {
    let directory = Directory::new();
    directory.write(&issuer());
    let files = directory.files(None);
    let identity = Reloadable::new(files.read(&[H2]).expect("an identity"));
    let before = identity.current().acceptor();
    identity.refresh("tls", files.read(&[H2]));
    assert!(Arc::ptr_eq(before.config(), identity.current().acceptor().config()));
}

#[tokio::test]
async fn a_client_needs_a_certificate_of_the_client_ca_and_that_may_change() {
    let (directory, server, old, new) = (Directory::new(), issuer(), issuer(), issuer());
    directory.write(&server);
    let ca = directory.path("ca");
    fs::write(&ca, old.pem()).expect("written");
    let files = directory.files(Some(ca.clone()));
    let identity = Reloadable::new(files.read(&[H2]).expect("an identity"));
    let acceptor = || identity.current().acceptor();

    assert!(shake(acceptor(), client(&server, Some(&old))).await.is_ok());
    assert!(shake(acceptor(), client(&server, Some(&new))).await.is_err());
    assert!(shake(acceptor(), client(&server, None)).await.is_err());
    fs::write(&ca, new.pem()).expect("written");
    identity.refresh("tls", files.read(&[H2]));
    assert!(shake(acceptor(), client(&server, Some(&old))).await.is_err());
    assert!(shake(acceptor(), client(&server, Some(&new))).await.is_ok());
}

#[test]
fn all_mistakes_are_listed_at_their_settings() {
    let directory = Directory::new();
    directory.write(&issuer());
    fs::write(directory.path("key"), issuer().key().serialize_pem()).expect("written");
    let mismatch = directory.files(None).read(&[H2]).expect_err("a key of another");
    assert!(mismatch[0].to_string().starts_with("tls.certificate: "), "{mismatch:?}");

    fs::write(directory.path("certificate"), "").expect("written");
    let files = directory.files(Some(directory.path("missing")));
    fs::write(directory.path("key"), "").expect("written");
    let mistakes = files.read(&[H2]).expect_err("nothing to read");
    let places: Vec<_> = mistakes.iter().map(Mistake::to_string).collect();
    for (mistake, place) in places.iter().zip(["tls.certificate", "tls.key", "tls.client-ca"]) {
        assert!(mistake.starts_with(&format!("{place}: ")), "{mistake}");
    }
    assert_eq!(places.len(), 3);
}

#[test]
fn a_certificate_without_a_key_is_a_mistake() {
    let path = || Some(PathBuf::from("x"));
    for (certificate, key, ca, mistake) in [
        (path(), None, None, "tls.key: must be set, since tls.certificate is"),
        (None, path(), None, "tls.certificate: must be set, since tls.key is"),
        (None, None, path(), "tls.certificate: must be set, since tls.client-ca is"),
    ] {
        let why = Files::new("tls.", certificate, key, ca).expect_err("one is missing");
        assert_eq!(why.to_string(), mistake);
    }
    assert_eq!(Files::new("tls.", None, None, None), Ok(None));
}

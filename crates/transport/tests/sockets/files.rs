//! The files of a decider: read at the start and by a refresh, never by a call.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use transport::{BreakerConfig, Config, EndpointState};

use crate::peer::{Peer, Reply};
use crate::support::{Client, breaker, config};

#[tokio::test]
async fn the_token_that_was_read_last_is_sent() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("token");
    fs::write(&path, "one\n").expect("written");
    let peer = Peer::start(|_| Reply::message(b"")).await;
    let config = Config { token_file: Some(path.clone()), ..config(&peer.url()) };
    let client = Client::new(config, breaker());
    for (content, refresh) in [("two", false), ("two", true), ("", true), ("three", true)] {
        client.call(true).await.expect("an answer");
        fs::write(&path, content).expect("written");
        if refresh {
            client.decider.refresh();
        }
    }
    client.call(true).await.expect("an answer");
    let calls = peer.calls(false);
    let tokens: Vec<_> =
        calls.iter().map(|c| c.headers["authorization"].to_str().expect("text")).collect();
    // The empty file is no token.
    assert_eq!(tokens, ["Bearer one", "Bearer one", "Bearer two", "Bearer two", "Bearer three"]);
}

#[tokio::test]
async fn a_new_connection_trusts_the_certificates_that_were_read_last() {
    let directory = TempDir::new().expect("a directory");
    let ca = directory.path().join("ca.pem");
    let (right, wrong) = (authority(), authority());
    fs::write(&ca, wrong.pem()).expect("written");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let peer = Peer::start_at(any, Some(acceptor(&right)), |_| Reply::message(b"")).await;
    let peer = peer.expect("a free port");
    let url = format!("https://{}", peer.address());
    let config = Config { ca: Some(ca.clone()), ..config(&url) };
    let client = Client::new(config, BreakerConfig::default());
    client.until(EndpointState::Down).await;
    client.call(true).await.expect_err("the peer is not trusted");

    fs::write(&ca, right.pem()).expect("written");
    client.call(true).await.expect_err("not read again yet");
    client.decider.refresh();
    client.until(EndpointState::Connected).await;
    client.call(true).await.expect("an answer");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

fn acceptor(authority: &CertifiedIssuer<'_, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, authority).expect("signed");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let wrong = Config {
        endpoints: Vec::new(),
        keep_alive: Duration::ZERO,
        ca: Some(Path::new("ca.pem").into()),
        token_file: Some(Path::new("missing").into()),
        ..Config::default()
    };
    let mistakes = wrong.mistakes("deciders.a");
    let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "deciders.a.endpoints: must hold at least one URL",
            "deciders.a.keep_alive: must be 1s to 1day",
            "deciders.a.token_file: missing: No such file or directory (os error 2)",
            "deciders.a.ca: has no effect: no endpoint is https",
        ]
    );
    let certificate = Some(Path::new("client.pem").into());
    let half = Config { certificate, ..config("https://decider") };
    let mistakes: Vec<_> = half.mistakes("decider").iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, ["decider: certificate and key must both be set, or none"]);
    let mut breaker = breaker();
    (breaker.failures, breaker.longest) = (0, breaker.first / 2);
    let mistakes: Vec<_> = breaker.mistakes("breaker").iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "breaker.failures: must be at least 1",
            "breaker.longest: must not be shorter than breaker.first",
        ]
    );
}

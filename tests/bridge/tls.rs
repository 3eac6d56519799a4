//! TLS on the callback port, over HTTP/1.1 and HTTP/2.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use harness::{Authority, Client, Decider, Gateway, PATIENCE, Request, Says, Style};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const COMMAND: &str = "callbackBeforeAddBlackCommand";
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

struct Fixture {
    decider: Decider,
    gateway: Gateway,
    authority: Authority,
    directory: TempDir,
}

impl Fixture {
    fn new(decider: Decider, settings: &str) -> Self {
        let (authority, directory) = (Authority::new(), tempfile::tempdir().expect("a directory"));
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
        authority.issue(&certificate, &key);
        let tls = format!("{settings}\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}");
        let gateway = Gateway::start(&decider.url(), &tls);
        Self { decider, gateway, authority, directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn connect(&self, authority: &Authority) -> Client {
        Client::connect_by_tls(self.gateway.address(), authority.client(HTTP_1))
    }

    fn is_known_by(&self, authority: &Authority) -> bool {
        self.connect(authority).try_send(&callback()).is_ok()
    }
}

fn callback() -> Request {
    Request::callback(Style::Path, COMMAND, &json!({}))
}

/// An HTTP/2 client over TLS.
struct Http2 {
    runtime: Runtime,
    sender: h2::client::SendRequest<Bytes>,
    ended: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    fn connect(fixture: &Fixture) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (address, tls) = (fixture.gateway.address(), fixture.authority.client(HTTP_2));
        let (sender, ended) = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
            let connector = TlsConnector::from(tls as Arc<ClientConfig>);
            let name = ServerName::from(address.ip());
            let stream = connector.connect(name, stream).await.expect("a handshake");
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(HTTP_2));
            let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
            (sender, tokio::spawn(connection))
        });
        Self { runtime, sender, ended }
    }

    /// Sends a request; its answer comes when it is waited for.
    fn begin(&mut self) -> h2::client::ResponseFuture {
        let request = http::Request::post(format!("https://gateway/hook/{COMMAND}"));
        let request = request.body(()).expect("a request");
        let body = json!({ "callbackCommand": COMMAND }).to_string();
        let (response, mut stream) = self.sender.send_request(request, false).expect("a stream");
        stream.send_data(body.into(), true).expect("room for a body");
        response
    }

    fn finish(&self, response: h2::client::ResponseFuture) -> Value {
        let read = async {
            let response = response.await.expect("an answer");
            assert_eq!(response.status(), 200);
            let mut stream = response.into_body();
            let mut body = Vec::new();
            while let Some(data) = stream.data().await {
                body.extend(data.expect("a body"));
            }
            serde_json::from_slice(&body).expect("JSON")
        };
        self.runtime.block_on(async { timeout(PATIENCE, read).await.expect("in time") })
    }

    fn ends(self) {
        let ended = self.runtime.block_on(async { timeout(PATIENCE, self.ended).await });
        if let Err(error) = ended.expect("in time").expect("no panic") {
            // The client answers GOAWAY with its own, which may come after the gateway's end of the connection.
            let kind = error.get_io().map(std::io::Error::kind);
            assert_eq!(kind, Some(std::io::ErrorKind::BrokenPipe), "{error}");
        }
    }
}

#[test]
fn http_1_is_served() {
    let fixture = Fixture::new(Decider::allowing(), "");
    let mut client = fixture.connect(&fixture.authority);
    for _ in 0..2 {
        assert!(client.send(&callback()).verdict(Style::Path).is_allow());
    }
    assert_eq!(fixture.decider.asked().len(), 2);
}

#[test]
fn http_2_is_served_with_many_requests_at_once() {
    let decider = Decider::start(|asked| match asked.metadata("openim-command") {
        COMMAND => Says::Response(json!({})),
        other => panic!("{other}"),
    });
    let fixture = Fixture::new(decider, "");
    let mut client = Http2::connect(&fixture);
    let responses: Vec<_> = (0..100).map(|_| client.begin()).collect();
    for response in responses {
        assert_eq!(client.finish(response)["nextCode"], 0);
    }
    fixture.gateway.wait_for_metric("connections", 1.0);
}

#[test]
fn what_is_no_handshake_is_not_answered_and_stops_nobody() {
    let fixture = Fixture::new(Decider::allowing(), "");
    let mut plain = TcpStream::connect(fixture.gateway.address()).expect("it listens");
    plain.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    plain.write_all(&callback().bytes()).expect("a connection");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(fixture.is_known_by(&fixture.authority));
}

#[test]
fn a_handshake_that_takes_too_long_is_cut_and_holds_up_nobody() {
    let fixture = Fixture::new(Decider::allowing(), "[limits]\nhead_timeout = '500ms'");
    let began = Instant::now();
    let silent: Vec<_> = (0..50).map(|_| fixture.gateway.connect()).collect();
    assert!(fixture.is_known_by(&fixture.authority));
    for mut client in silent {
        assert!(client.is_closed());
    }
    assert!(began.elapsed().as_millis() >= 500, "{:?}", began.elapsed());
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_bad_one_is_not_taken() {
    let fixture = Fixture::new(Decider::allowing(), "");
    let mut connected = fixture.connect(&fixture.authority);
    assert!(connected.send(&callback()).verdict(Style::Path).is_allow());
    let next = Authority::new();
    assert!(!fixture.is_known_by(&next));

    // Half of the change: the key is not the certificate's.
    next.issue(&fixture.file("cert.pem"), &fixture.file("next.key"));
    fixture.gateway.refresh();
    assert!(fixture.is_known_by(&fixture.authority));
    std::fs::rename(fixture.file("next.key"), fixture.file("key.pem")).expect("a file");
    fixture.gateway.refresh();
    assert!(fixture.is_known_by(&next));
    assert!(!fixture.is_known_by(&fixture.authority));

    std::fs::write(fixture.file("cert.pem"), "no certificate").expect("a file");
    fixture.gateway.refresh();
    assert!(fixture.is_known_by(&next));
    assert!(connected.send(&callback()).verdict(Style::Path).is_allow(), "the old connection");
}

#[test]
fn requests_over_http_2_are_answered_while_the_gateway_drains() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let decider = Decider::start(move |_| {
        let _ = released.lock().map(|released| released.recv());
        json!({})
    });
    let limits = "[defaults]\ndeadline = '60s'\n[limits]\nlinger = '60s'\ndrain = '60s'";
    let fixture = Fixture::new(decider, limits);
    let mut client = Http2::connect(&fixture);
    let response = client.begin();
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| client.finish(response));
        fixture.decider.wait_until_asked(1);
        fixture.gateway.shut_down();
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(fixture.gateway.address()).is_ok() {
            assert!(Instant::now() < until, "it still accepts connections");
        }
        drop(release);
        assert_eq!(answer.join().expect("an answer")["nextCode"], 0);
    });
    client.ends();
    assert!(fixture.gateway.ends_within(PATIENCE));
}

#[test]
fn callers_who_never_begin_a_handshake_make_room() {
    let fixture = Fixture::new(Decider::allowing(), "[limits]\nconnections = 5");
    let connect = |_| TcpStream::connect(fixture.gateway.address()).expect("it listens");
    let _silent: Vec<_> = (0..10).map(connect).collect();
    let began = Instant::now();
    assert!(fixture.is_known_by(&fixture.authority));
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}

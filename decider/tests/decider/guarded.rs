//! Whom the server lets in, and how much of everything.

use crate::support::{call, call_path, certify, policy, rpc};
use callback_decider::serve::{Limits, Server, Tls, TlsFiles, Tokens};
use prost_reflect::{DynamicMessage, Value};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(4);

/// Serves a policy that allows everything until the test ends.
async fn start(server: Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(server.serve(listener, Arc::new(policy("rules: []")), std::future::pending()));
    address
}

async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("a URI");
    endpoint.connect().await.expect("it listens")
}

async fn ask(channel: &Channel, nickname: &str) -> Result<DynamicMessage, Status> {
    let rpc = rpc("BeforeUpdateUserInfo");
    let mut request = DynamicMessage::new(rpc.input());
    request.set_field_by_name("nickname", Value::String(nickname.to_owned()));
    call(channel, &rpc, request).await
}

fn token(text: &str) -> Tokens {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("a file");
    Tokens::read(file.path()).expect("a token")
}

/// True if the server has closed the connection.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let read = timeout(SOON, stream.read(&mut [0])).await.expect("in time");
    matches!(read, Ok(0) | Err(_))
}

#[tokio::test]
async fn all_but_health_asks_for_a_token() {
    let channel = connect(start(Server::default().tokens(Some(token("s3cret")))).await).await;
    let status = ask(&channel, "").await.expect_err("no token");
    assert_eq!(status.code(), Code::Unauthenticated);
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let request = ServerReflectionRequest { host: String::new(), message_request: None };
    let answers = reflection.server_reflection_info(tokio_stream::once(request)).await;
    assert_eq!(answers.expect_err("no token").code(), Code::Unauthenticated);
    let path = "/openim.decider.v1.UserService/BeforeNothing";
    let rpc = rpc("BeforeUpdateUserInfo");
    let unknown = Request::new(DynamicMessage::new(rpc.input()));
    let status = call_path(&channel, path, rpc.output(), unknown).await.expect_err("no token");
    assert_eq!(status.code(), Code::Unauthenticated, "nor is it told which rpcs there are");
    let mut health = HealthClient::new(channel.clone());
    assert!(health.check(HealthCheckRequest::default()).await.is_ok());

    let mut request = Request::new(DynamicMessage::new(rpc.input()));
    request.metadata_mut().insert("authorization", "Bearer s3cret".parse().expect("ASCII"));
    let path = "/openim.decider.v1.UserService/BeforeUpdateUserInfo";
    assert!(call_path(&channel, path, rpc.output(), request).await.is_ok());
}

#[tokio::test]
async fn a_request_that_is_too_large_is_out_of_range() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let channel = connect(start(Server::default().limits(limits)).await).await;
    assert!(ask(&channel, &"x".repeat(900)).await.is_ok());
    let status = ask(&channel, &"x".repeat(1000)).await.expect_err("too large");
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let limits = Limits { header_bytes: 2000, ..Limits::default() };
    let channel = connect(start(Server::default().limits(limits)).await).await;
    let rpc = rpc("BeforeUpdateUserInfo");
    let path = "/openim.decider.v1.UserService/BeforeUpdateUserInfo";
    for (length, allowed) in [(1000, true), (2000, false), (1000, true)] {
        let mut request = Request::new(DynamicMessage::new(rpc.input()));
        request.metadata_mut().insert("large", "x".repeat(length).parse().expect("ASCII"));
        let answer = call_path(&channel, path, rpc.output(), request).await;
        assert_eq!(answer.is_ok(), allowed, "{answer:?}");
    }
}

#[tokio::test]
async fn more_connections_than_there_may_be_are_closed_at_once() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let address = start(Server::default().limits(limits)).await;
    let (first, second) = (connect(address).await, connect(address).await);
    assert!(ask(&first, "").await.is_ok() && ask(&second, "").await.is_ok());
    let mut third = TcpStream::connect(address).await.expect("the kernel accepts it");
    assert!(is_closed(&mut third).await);
    assert!(ask(&first, "").await.is_ok());

    drop(second);
    let until = Instant::now() + SOON;
    loop {
        let mut next = TcpStream::connect(address).await.expect("it listens");
        // The server speaks first, so what it sends is a connection.
        if matches!(next.read(&mut [0]).await, Ok(1)) {
            break;
        }
        assert!(Instant::now() < until, "there is no room again");
    }
}

#[tokio::test]
async fn clients_are_told_how_many_calls_a_connection_may_have() {
    let limits = Limits { streams: 7, ..Limits::default() };
    let address = start(Server::default().limits(limits)).await;
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // A SETTINGS frame: a head of 9 bytes, then 6 for each setting (RFC 9113, 6.5.1).
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("a frame");
    assert_eq!(head[3], 4, "{head:?}");
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await.expect("a frame");
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 7]), "{settings:?}");
}

#[tokio::test]
async fn a_silent_connection_is_pinged() {
    let limits = Limits { keep_alive: Duration::from_millis(100), ..Limits::default() };
    let address = start(Server::default().limits(limits)).await;
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // The preface, and an empty SETTINGS frame (RFC 9113, 3.4).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("a connection");
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("a connection");
    let pinged = async {
        let mut head = [0; 9];
        while head[3] != 6 {
            stream.read_exact(&mut head).await.expect("a frame");
            let mut payload = vec![0; usize::from(head[2])];
            stream.read_exact(&mut payload).await.expect("a frame");
        }
    };
    timeout(SOON, pinged).await.expect("a PING frame in time");
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut_and_holds_up_nobody() {
    let directory = certify(&["localhost"]);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let files = TlsFiles::new("tls-", Some(certificate), Some(key), None).expect("both are set");
    cuts_silent_connections(
        Server::default().tls(files.map(|f| Tls::read(f).expect("right files"))),
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_does_not_begin_http_2_is_cut() {
    cuts_silent_connections(Server::default()).await;
}

async fn cuts_silent_connections(server: Server) {
    let limits = Limits { handshake: Duration::from_secs(1), connections: 3, ..Limits::default() };
    let address = start(server.limits(limits)).await;
    let began = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(address).await.expect("it listens"));
    }
    // The beginning of HTTP/2's first bytes is not enough.
    silent[0].write_all(b"P").await.expect("it reads");
    // All were accepted beside each other, so there is no room for this one.
    let mut fourth = TcpStream::connect(address).await.expect("it listens");
    assert!(is_closed(&mut fourth).await && began.elapsed() < Duration::from_secs(1));
    for stream in &mut silent {
        // The server may have begun by then.
        let mut sent = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut sent)).await.expect("closed in time");
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn all_that_is_wrong_with_the_files_of_tls_is_told() {
    let directory = certify(&["localhost"]);
    let file = |name: &str| directory.path().join(name);
    let told = |certificate: &str, key: &str, client_ca: Option<&str>| {
        let (certificate, key) = (Some(file(certificate)), Some(file(key)));
        let files = TlsFiles::new("tls-", certificate, key, client_ca.map(file));
        let files = files.expect("both are set").expect("there are files");
        let mistakes = Tls::read(files).expect_err("mistakes");
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        mistakes.join("\n").replace(&format!("{}/", directory.path().display()), "")
    };
    std::fs::write(file("empty"), "").expect("a file");
    assert_eq!(
        told("empty", "cert.pem", Some("key.pem")),
        "tls-certificate: empty: holds no certificate in PEM\n\
         tls-key: cert.pem: holds no private key in PEM\n\
         tls-client-ca: key.pem: holds no certificate in PEM"
    );
    let other = certify(&["localhost"]);
    std::fs::copy(other.path().join("key.pem"), file("other.pem")).expect("a file");
    assert_eq!(
        told("cert.pem", "other.pem", None),
        "tls-certificate: cert.pem with other.pem: keys may not be consistent: KeyMismatch"
    );
}

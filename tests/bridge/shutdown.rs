//! The gateway's graceful end, as SIGTERM begins it. That a process ends so is tested in gateway/tests/process.rs.

use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use harness::{Client, Decider, Gateway, PATIENCE, Request, Says, Style};
use serde_json::json;

const COMMAND: &str = "callbackBeforeAddBlackCommand";
/// Times longer than any test may take.
const LIMITS: &str = "[defaults]\ndeadline = '60s'\n[limits]\nlinger = '60s'\ndrain = '60s'";

fn callback() -> Request {
    Request::callback(Style::Path, COMMAND, &json!({}))
}

fn assert_allowed_and_closed(client: &mut Client) {
    let response = client.read();
    assert!(response.verdict(Style::Path).is_allow(), "{response:?}");
    assert_eq!(response.headers["connection"], "close");
    assert!(client.is_closed());
}

fn wait_until_it_accepts_nothing(gateway: &Gateway) {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(gateway.address()).is_ok() {
        assert!(Instant::now() < until, "it still accepts connections");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_request_in_flight_gets_its_verdict() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let decider = Decider::start(move |_| {
        let _ = released.lock().map(|released| released.recv());
        json!({})
    });
    let gateway = Gateway::start(&decider.url(), LIMITS);
    let mut client = gateway.connect();
    client.write(&callback().bytes());
    decider.wait_until_asked(1);
    gateway.shut_down();
    wait_until_it_accepts_nothing(&gateway);
    drop(release);
    assert_allowed_and_closed(&mut client);
    assert!(gateway.ends_within(PATIENCE));
}

#[test]
fn a_request_that_has_begun_gets_its_verdict() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), LIMITS);
    let bytes = callback().bytes();
    let (begun, rest) = bytes.split_at(bytes.len() - 5);
    let mut client = gateway.connect();
    // The connection is surely accepted once it has had an answer.
    assert!(client.send(&callback()).verdict(Style::Path).is_allow());
    client.write(begun);
    gateway.shut_down();
    wait_until_it_accepts_nothing(&gateway);
    client.write(rest);
    assert_allowed_and_closed(&mut client);
    assert!(gateway.ends_within(PATIENCE));
}

#[test]
fn an_idle_connection_is_told_to_close_by_its_next_answer() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), LIMITS);
    let mut client = gateway.connect();
    let response = client.send(&callback());
    assert!(response.verdict(Style::Path).is_allow());
    assert!(!response.headers.contains_key("connection"), "{response:?}");
    gateway.shut_down();
    wait_until_it_accepts_nothing(&gateway);
    client.write(&callback().bytes());
    assert_allowed_and_closed(&mut client);
    assert!(gateway.ends_within(PATIENCE));
}

#[test]
fn a_connection_that_stays_idle_is_closed_in_the_end() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "[limits]\nlinger = '50ms'\ndrain = '60s'");
    let mut client = gateway.connect();
    assert!(client.send(&callback()).verdict(Style::Path).is_allow());
    gateway.shut_down();
    assert!(client.is_closed());
    assert!(gateway.ends_within(PATIENCE));
}

#[test]
fn a_gateway_without_connections_ends_at_once() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), LIMITS);
    gateway.shut_down();
    assert!(gateway.ends_within(PATIENCE));
}

#[test]
fn a_request_that_takes_too_long_does_not_keep_the_gateway_up() {
    let decider = Decider::saying(Says::Nothing);
    let settings = "[defaults]\ndeadline = '60s'\n[limits]\nlinger = '50ms'\ndrain = '50ms'";
    let gateway = Gateway::start(&decider.url(), settings);
    let mut client = gateway.connect();
    client.write(&callback().bytes());
    decider.wait_until_asked(1);
    gateway.shut_down();
    assert!(gateway.ends_within(PATIENCE));
    assert!(client.is_closed(), "it ended without the connection's end");
}

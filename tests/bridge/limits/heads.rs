//! The timeouts of a request's head, and of an idle connection.

use std::time::{Duration, Instant};

use harness::{Client, Decider, Gateway, Says, Style};

use super::callback;

const HEAD: Duration = Duration::from_millis(300);
const SETTINGS: &str = "[limits]\nhead_timeout = '300ms'\nidle = '60s'";
/// The delay that is tolerated after a timeout.
const GRACE: Duration = Duration::from_secs(1);

/// Sends bytes one by one, and returns the time until the gateway closes.
fn dribble(client: &mut Client, bytes: &[u8]) -> Duration {
    let began = Instant::now();
    client.read_timeout(Duration::from_millis(20));
    for byte in bytes.iter().cycle() {
        client.write(&[*byte]);
        if client.is_closed() || began.elapsed() > HEAD + GRACE {
            break;
        }
    }
    began.elapsed()
}

#[test]
fn a_head_that_comes_byte_by_byte_is_cut() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), SETTINGS);
    let head = [callback().head(), b"x: ".to_vec()].concat();
    let took = dribble(&mut gateway.connect(), &head[..head.len() - 5]);
    assert!(took >= HEAD && took < HEAD + GRACE, "{took:?}");

    let mut used = gateway.connect();
    assert!(used.send(&callback()).verdict(Style::Path).is_allow());
    let took = dribble(&mut used, b"x");
    assert!(took >= HEAD && took < HEAD + GRACE, "after a request: {took:?}");
}

#[test]
fn half_a_head_is_cut_and_an_idle_connection_is_not() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), SETTINGS);
    let (mut silent, mut used, mut half) =
        (gateway.connect(), gateway.connect(), gateway.connect());
    assert!(used.send(&callback()).verdict(Style::Path).is_allow());
    let began = Instant::now();
    half.write(&callback().head()[..20]);
    assert!(half.is_closed());
    assert!(began.elapsed() >= HEAD, "{:?}", began.elapsed());
    for client in [&mut silent, &mut used] {
        assert!(client.send(&callback()).verdict(Style::Path).is_allow());
    }
}

#[test]
fn a_decision_may_take_longer_than_a_head_and_than_an_idle_connection() {
    let decider = Decider::saying(Says::Nothing);
    let settings = "[defaults]\ndeadline = '1300ms'\n[limits]\nhead_timeout = '100ms'\nidle = '1s'";
    let gateway = Gateway::start(&decider.url(), settings);
    let mut client = gateway.connect();
    let began = Instant::now();
    let response = client.send(&callback());
    assert!(response.verdict(Style::Path).is_refuse());
    assert!(began.elapsed() >= Duration::from_millis(1300), "{:?}", began.elapsed());
}

#[test]
fn an_idle_connection_is_closed_in_the_end() {
    let decider = Decider::allowing();
    let settings = "[limits]\nhead_timeout = '60s'\nidle = '1s'";
    let gateway = Gateway::start(&decider.url(), settings);
    let mut silent = gateway.connect();
    let mut used = gateway.connect();
    assert!(used.send(&callback()).verdict(Style::Path).is_allow());
    let began = Instant::now();
    assert!(used.is_closed());
    let took = began.elapsed();
    // The client's clock starts a little later.
    let idle = Duration::from_secs(1);
    assert!(took >= idle - Duration::from_millis(50) && took < idle + GRACE, "{took:?}");
    assert!(silent.is_closed(), "one that never sent anything");
}

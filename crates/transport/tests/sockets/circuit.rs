//! The circuit: which calls move it, and how it is probed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use transport::{BreakerConfig, EndpointState};

use crate::peer::{HEALTH, Peer, Reply, fields, head};
use crate::support::{Client, breaker, config};

const LONG_ENOUGH: Duration = Duration::from_millis(150);
const SERVING: &[u8] = &[0x08, 1];

/// A peer whose health check says this; `reply` answers the other calls.
async fn peer(health: Reply, mut reply: impl FnMut() -> Reply + Send + 'static) -> Peer {
    let reply = move |call: &Parts| match call.uri.path() {
        HEALTH => health.clone(),
        _ => reply(),
    };
    Peer::start(reply).await
}

fn client(peer: &Peer) -> Client {
    Client::new(config(&peer.url()), breaker())
}

#[tokio::test]
async fn a_call_that_does_not_count_never_opens_the_circuit() {
    for (reply, time) in
        [(Reply::status("14"), Duration::from_secs(2)), (Reply::Nothing, LONG_ENOUGH)]
    {
        let peer = peer(Reply::message(SERVING), move || reply.clone()).await;
        let client = client(&peer);
        for _ in 0..3 {
            client.call_for(time, false).await.expect_err("the peer fails");
        }
        assert_eq!(client.state(), Some(EndpointState::Connected));
        assert_eq!(peer.calls(false).len(), 3);
        client.open_circuit(time).await;
    }
}

#[tokio::test]
async fn a_call_that_does_not_count_never_opens_the_circuit_where_nobody_listens() {
    let url = peer(Reply::Nothing, || Reply::Nothing).await.url();
    let client = Client::new(config(&url), breaker());
    for _ in 0..3 {
        client.call(false).await.expect_err("nobody listens");
    }
    assert_eq!(client.state(), Some(EndpointState::Down));
    // The first finds that the connection failed already, or waits for it.
    for _ in 0..3 {
        client.call(true).await.expect_err("nobody listens");
    }
    assert_eq!(client.state(), Some(EndpointState::Open));
}

#[tokio::test]
async fn a_call_that_does_not_count_never_closes_the_circuit() {
    let fails = Arc::new(AtomicBool::new(true));
    let failing = fails.clone();
    let peer = peer(Reply::message(SERVING), move || match failing.load(Relaxed) {
        true => Reply::status("14"),
        false => Reply::message(b""),
    })
    .await;
    let client = client(&peer);
    client.open_circuit(LONG_ENOUGH).await;
    client.call(false).await.expect_err("the circuit is open");
    assert_eq!(peer.calls(false).len(), 2, "an open circuit lets no call through");

    client.until(EndpointState::Connected).await;
    fails.store(false, Relaxed);
    client.call(false).await.expect("an answer");
    fails.store(true, Relaxed);
    client.call(true).await.expect_err("the peer fails again");
    assert_eq!(client.state(), Some(EndpointState::Open), "one failure was enough: half-open");
}

#[tokio::test]
async fn half_open_one_call_at_a_time_goes_through_and_its_success_closes_the_circuit() {
    let (open, gate) = watch::channel(false);
    let mut replies = vec![
        Reply::Behind(gate, Box::new(Reply::message(b""))),
        Reply::status("14"),
        Reply::status("14"),
    ];
    let peer =
        peer(Reply::message(SERVING), move || replies.pop().unwrap_or_else(|| Reply::message(b"")))
            .await;
    let client = Arc::new(client(&peer));
    client.open_circuit(LONG_ENOUGH).await;
    client.until(EndpointState::Connected).await;

    let trial = tokio::spawn({
        let client = client.clone();
        async move { client.call(true).await }
    });
    while peer.calls(false).len() < 3 {
        sleep(Duration::from_millis(1)).await;
    }
    client.call(true).await.expect_err("another call is the trial");
    client.call(false).await.expect("a call that does not count is no trial, and waits for none");
    assert_eq!(peer.calls(false).len(), 4);
    open.send_replace(true);
    trial.await.expect("no panic").expect("an answer");
    for _ in 0..3 {
        let both = [client.call(true), client.call(true)];
        let [one, other] = both;
        let (one, other) = tokio::join!(one, other);
        assert!(one.is_ok() && other.is_ok(), "the circuit is closed");
    }
}

#[tokio::test]
async fn a_decider_that_hung_is_used_again_within_a_second_though_no_calls_come() {
    let (open, gate) = watch::channel(false);
    let behind = |reply| Reply::Behind(gate.clone(), Box::new(reply));
    let (health, reply) = (behind(Reply::message(SERVING)), behind(Reply::message(b"")));
    let peer = peer(health, move || reply.clone()).await;
    let breaker = BreakerConfig { failures: 2, ..BreakerConfig::default() };
    let client = Client::new(config(&peer.url()), breaker);
    client.open_circuit(LONG_ENOUGH).await;
    // Until the pauses have grown.
    peer.checked(2).await;
    assert_eq!(client.state(), Some(EndpointState::Open));
    open.send_replace(true);
    let came_back = Instant::now();
    client.until(EndpointState::Connected).await;
    assert!(came_back.elapsed() <= Duration::from_millis(1_100), "{:?}", came_back.elapsed());
    client.call(true).await.expect("an answer");
}

/// Opens the circuit to a port where nobody listens, starts a peer there after a while, and returns the time until the
/// endpoint is used again though no calls come.
async fn time_to_come_back(breaker: BreakerConfig, down: Duration) -> Duration {
    let address = peer(Reply::Nothing, || Reply::Nothing).await.address();
    tokio::task::yield_now().await;
    let client = Client::new(config(&format!("http://{address}")), breaker);
    while client.state() != Some(EndpointState::Open) {
        client.call(true).await.expect_err("nobody listens");
    }
    sleep(down).await;
    let reply = |_: &Parts| Reply::message(SERVING);
    let _peer = Peer::start_at(address, None, reply).await.expect("the same port");
    let came_back = Instant::now();
    client.until(EndpointState::Connected).await;
    client.call(true).await.expect("an answer");
    came_back.elapsed()
}

#[tokio::test]
async fn a_decider_that_was_down_is_used_again_within_a_second_though_no_calls_come() {
    let down = Duration::from_millis(1_500);
    let time = time_to_come_back(BreakerConfig::default(), down).await;
    assert!(time <= Duration::from_millis(1_100), "{time:?}");
}

#[tokio::test]
async fn a_probe_opens_a_connection() {
    // By then a pause between two connections is longer: it would end after 1.5 s.
    let (pause, down) = (Duration::from_millis(20), Duration::from_millis(1_100));
    let breaker = BreakerConfig { longest: pause, first: pause, ..breaker() };
    let time = time_to_come_back(breaker, down).await;
    assert!(time < Duration::from_millis(300), "{time:?}");
}

#[tokio::test]
async fn a_new_connection_is_probed_at_once() {
    let breaker = BreakerConfig { first: Duration::from_secs(1), ..breaker() };
    let time = time_to_come_back(breaker, Duration::ZERO).await;
    assert!(time < Duration::from_millis(400), "{time:?}");
}

#[tokio::test]
async fn a_decider_is_alive_if_it_serves_or_has_no_health_check() {
    let page = Reply::Answer {
        head: head(404, &[("content-type", "text/html")]),
        body: Bytes::from_static(b"not found"),
        trailers: None,
    };
    let behind_the_message = Reply::Answer {
        head: head(200, &[("content-type", "application/grpc")]),
        body: b"\0\0\0\0\x02\x08\x01".as_slice().into(),
        trailers: Some(fields(&[("grpc-status", "13")])),
    };
    let mut checks = JoinSet::new();
    for (health, alive) in [
        (Reply::message(SERVING), true),
        (Reply::status("12"), true),
        (Reply::status("5"), false),
        (Reply::message(&[0x08, 2]), false),
        (Reply::message(b""), false),
        (Reply::status("14"), false),
        (Reply::status("7"), false),
        (Reply::Nothing, false),
        (page, false),
        (behind_the_message, false),
    ] {
        checks.spawn(async move {
            let what = format!("{health:?}");
            let peer = peer(health, || Reply::status("14")).await;
            let client = client(&peer);
            client.open_circuit(LONG_ENOUGH).await;
            peer.checked(1).await;
            if alive {
                client.until(EndpointState::Connected).await;
            } else {
                sleep(Duration::from_millis(300)).await;
                assert_eq!(client.state(), Some(EndpointState::Open), "{what}");
            }
        });
    }
    checks.join_all().await;
}

#[tokio::test]
async fn probes_are_made_one_at_a_time_and_each_has_a_time_limit() {
    let peer = peer(Reply::Nothing, || Reply::status("14")).await;
    let client = client(&peer);
    client.open_circuit(LONG_ENOUGH).await;
    peer.checked(1).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(peer.calls(true).len(), 1, "one waits for its answer");
    peer.checked(2).await;
    assert_eq!(peer.calls(true)[0].headers["grpc-timeout"], "500m");
}

#[tokio::test]
async fn a_circuit_is_not_open_for_longer_than_is_set_though_no_probe_succeeds() {
    let peer = peer(Reply::status("7"), || Reply::status("14")).await;
    let longest = Duration::from_millis(400);
    let client = Client::new(config(&peer.url()), BreakerConfig { longest, ..breaker() });
    client.open_circuit(LONG_ENOUGH).await;
    let opened = Instant::now();
    client.until(EndpointState::Connected).await;
    assert!(opened.elapsed() >= longest, "{:?}", opened.elapsed());
    client.call(true).await.expect_err("the peer fails");
    assert_eq!(client.state(), Some(EndpointState::Open));
}

#[tokio::test]
async fn a_call_ended_by_its_deadline_is_a_failure_and_one_that_the_caller_left_is_not() {
    let peer = peer(Reply::Nothing, || Reply::Nothing).await;
    let client = client(&peer);
    client.call_for(LONG_ENOUGH, false).await.expect_err("connected by now");
    for _ in 0..3 {
        let left = timeout(LONG_ENOUGH, client.call(true)).await;
        assert!(left.is_err(), "no answer");
        client.call_for(LONG_ENOUGH / 3, true).await.expect_err("too little time for an answer");
    }
    assert_eq!(client.state(), Some(EndpointState::Connected));
    client.open_circuit(LONG_ENOUGH).await;
}

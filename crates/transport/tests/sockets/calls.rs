//! A call: its headers, its deadline and its retry.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use transport::{Context, Failure, Headers};

use crate::peer::{Peer, Reply};
use crate::support::{Client, breaker, config};

#[tokio::test]
async fn a_call_has_grpc_s_headers_and_its_own() {
    let peer = Peer::start(|_| Reply::message(b"")).await;
    let client = Client::new(config(&peer.url()), breaker());
    let path = PathAndQuery::from_static("/a.Service/Method");
    let agent = HeaderValue::from_static("test/1");
    let headers = &Headers::new(agent, &[HeaderName::from_static("id")], &[]);
    let values = &[HeaderValue::from_static("7")];
    let deadline = Instant::now() + Duration::from_secs(2);
    let context = Context { headers, values, more: &[], deadline, counts: true };
    for _ in 0..2 {
        let frame = Bytes::from_static(&[0; 5]);
        client.channel.call(&path, &context, &frame).await.expect("an answer");
    }
    for call in peer.calls(false) {
        assert_eq!(
            (call.method.as_str(), call.uri.to_string()),
            ("POST", peer.url() + path.as_str())
        );
        for (name, value) in [
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "test/1"),
            ("id", "7"),
        ] {
            assert_eq!(call.headers[name], value);
        }
        let timeout = call.headers["grpc-timeout"].to_str().expect("text");
        let left: u32 = timeout.strip_suffix('m').expect("ms").parse().expect("a number");
        assert!((1_000..=2_000).contains(&left), "{left}");
        assert!(!call.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_ends_at_its_deadline() {
    let peer = Peer::start(|_| Reply::Nothing).await;
    let client = Client::new(config(&peer.url()), breaker());
    let began = Instant::now();
    let outcome = client.call_for(Duration::from_millis(100), true).await;
    assert!(matches!(outcome, Err(Failure::Deadline)), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_call_that_surely_did_not_run_is_sent_again_once_and_another_is_not() {
    for (reason, times) in [(Reason::REFUSED_STREAM, 2), (Reason::INTERNAL_ERROR, 1)] {
        let peer = Peer::start(move |_| Reply::Reset(reason)).await;
        let client = Client::new(config(&peer.url()), breaker());
        client.call(true).await.expect_err("reset");
        assert_eq!(peer.calls(false).len(), times, "{reason}");
        assert_eq!(client.observed.retries.load(Relaxed), times - 1, "{reason}");
    }
}

#[tokio::test]
async fn retries_have_a_budget() {
    let peer = Peer::start(|_| Reply::Reset(Reason::REFUSED_STREAM)).await;
    let client = Client::new(config(&peer.url()), breaker());
    for _ in 0..40 {
        client.call(true).await.expect_err("refused");
    }
    // 10 are saved up at first; 40 calls earn a fifth of them, but for the first one, which finds all 10.
    assert_eq!(client.observed.retries.load(Relaxed), 17);
}

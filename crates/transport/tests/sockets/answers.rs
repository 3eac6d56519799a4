//! An answer is taken only if it is gRPC to the letter.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tonic::Code;
use transport::{Failure, Pushback};

use crate::peer::{Peer, Reply, fields, frame, head};
use crate::support::{Client, breaker, config};

type Fields<'a> = &'a [(&'static str, &'static str)];

const GRPC: Fields<'static> = &[("content-type", "application/grpc")];
const OK: Fields<'static> = &[("grpc-status", "0")];

async fn call(reply: Reply) -> Result<Bytes, Failure> {
    let peer = Peer::start(move |_| reply.clone()).await;
    Client::new(config(&peer.url()), breaker()).call(true).await
}

fn answer(status: u16, headers: Fields<'_>, body: &[u8], trailers: Option<Fields<'_>>) -> Reply {
    let trailers: Option<HeaderMap> = trailers.map(fields);
    Reply::Answer { head: head(status, headers), body: body.to_vec().into(), trailers }
}

/// The code of the status that a call failed with.
async fn code(what: &str, reply: Reply) -> Code {
    match call(reply).await {
        Err(Failure::Status(status)) => status.code(),
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn one_message_and_an_ok_in_the_trailers_are_an_answer() {
    assert_eq!(call(Reply::message(b"hello")).await.expect("an answer"), "hello");
    for content_type in ["application/grpc+proto", "application/grpc; charset=utf-8"] {
        let reply = answer(200, &[("content-type", content_type)], &frame(b""), Some(OK));
        assert_eq!(call(reply).await.expect(content_type), "");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_grpc_is_a_failure() {
    let message = &frame(b"");
    for (what, status, headers) in [
        ("HTTP 500", 500, GRPC),
        ("HTTP 201", 201, GRPC),
        ("an unknown type", 200, &[("content-type", "application/grpcX")][..]),
        ("JSON", 200, &[("content-type", "application/grpc+json")]),
        ("a page", 200, &[("content-type", "text/html")]),
        ("no type", 200, &[]),
        ("two types", 200, &[GRPC[0], GRPC[0]]),
    ] {
        let reply = answer(status, headers, message, Some(OK));
        assert_eq!(code(what, reply).await, Code::Unavailable, "{what}");
    }
    let not_implemented: Fields<'_> = &[GRPC[0], ("grpc-status", "12")];
    let reply = answer(404, not_implemented, b"", None);
    assert_eq!(code("a missing route", reply).await, Code::Unavailable);
}

#[tokio::test]
async fn a_status_counts_in_the_trailers_or_in_the_headers_of_an_answer_that_is_only_headers() {
    let early: Fields<'_> = &[GRPC[0], OK[0]];
    let message = &frame(b"");
    for (what, headers, body, trailers, expected) in [
        ("none at all", GRPC, &message[..], None, Code::Unknown),
        ("other trailers", GRPC, message, Some(&[("x", "y")][..]), Code::Unknown),
        ("early, no trailers", early, message, None, Code::Unknown),
        ("early, other trailers", early, message, Some(&[("x", "y")]), Code::Unknown),
        ("early, a failure", early, message, Some(&[("grpc-status", "3")]), Code::InvalidArgument),
        ("early and late", early, message, Some(OK), Code::Unknown),
        ("two", GRPC, message, Some(&[OK[0], OK[0]]), Code::Unknown),
        ("two that differ", GRPC, message, Some(&[OK[0], ("grpc-status", "3")]), Code::Unknown),
        ("only headers", &[GRPC[0], ("grpc-status", "12")], b"", None, Code::Unimplemented),
        ("no number", GRPC, message, Some(&[("grpc-status", "00")]), Code::Unknown),
    ] {
        assert_eq!(code(what, answer(200, headers, body, trailers)).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_status_is_taken_though_its_message_or_details_are_not_what_they_should_be() {
    let trailers: Fields<'_> =
        &[("grpc-status", "3"), ("grpc-message", "a%20%ff"), ("grpc-status-details-bin", "no!")];
    match call(answer(200, GRPC, b"", Some(trailers))).await {
        Err(Failure::Status(status)) => {
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "a \u{fffd}"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_behind_the_message_are_a_wrong_answer() {
    for (what, more) in [("a byte", vec![0]), ("a message", frame(b"x"))] {
        let reply = Reply::body([frame(b""), more].concat());
        assert!(matches!(call(reply).await, Err(Failure::WrongAnswer(_))), "{what}");
    }
}

#[tokio::test]
async fn a_message_that_is_not_whole_or_compressed_is_a_wrong_answer() {
    for (what, body) in [
        ("none", &b""[..]),
        ("half a prefix", b"\0\0\0"),
        ("half a message", b"\0\0\0\0\x09\x01"),
        ("compressed", b"\x01\0\0\0\0"),
    ] {
        assert!(matches!(call(Reply::body(body)).await, Err(Failure::WrongAnswer(_))), "{what}");
    }
    let only_headers = answer(200, &[GRPC[0], OK[0]], b"", None);
    assert!(matches!(call(only_headers).await, Err(Failure::WrongAnswer(_))), "only headers");
}

#[tokio::test]
async fn a_message_over_4_mib_is_out_of_range() {
    assert_eq!(call(Reply::message(&vec![7; 4 << 20])).await.expect("4 MiB").len(), 4 << 20);
    let reply = Reply::message(&vec![0; (4 << 20) + 1]);
    assert_eq!(code("4 MiB and a byte", reply).await, Code::OutOfRange);
    assert_eq!(code("4 GiB", Reply::body(&b"\0\xff\xff\xff\xff"[..])).await, Code::OutOfRange);
}

#[tokio::test]
async fn a_decider_says_when_a_call_may_be_retried() {
    for (value, expected) in [
        ("250", Pushback::After(Duration::from_millis(250))),
        ("0", Pushback::After(Duration::ZERO)),
        ("-1", Pushback::Never),
        ("soon", Pushback::Never),
    ] {
        let trailers: Fields<'_> = &[("grpc-status", "14"), ("grpc-retry-pushback-ms", value)];
        let failure = call(answer(200, GRPC, b"", Some(trailers))).await.expect_err("a status");
        assert_eq!(failure.pushback(), Some(expected), "{value}");
    }
    let failure = call(answer(200, GRPC, b"", Some(&[("grpc-status", "14")]))).await;
    assert_eq!(failure.expect_err("a status").pushback(), None);
}

#[tokio::test]
async fn a_call_that_reached_nobody_surely_did_not_run() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let outcome = Client::new(config(&url), breaker()).call(true).await;
    assert!(matches!(outcome, Err(Failure::NotRun(_))), "{outcome:?}");
}

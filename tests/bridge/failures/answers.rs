//! Answers of the decider that are not valid gRPC, or that can't be decoded.

use harness::{Broken, Fault, Gateway, frame};
use http::{HeaderMap, HeaderValue};

use super::no_decision::{Policy, assert_settled_by, each};
use super::{SET_GROUP_INFO, ask, assert_allowed, group};

#[test]
fn the_failure_policy_settles_an_answer_that_is_no_grpc() {
    let allow = frame(b"");
    let half = [0, 0, 0, 0, 9, 1, 2];
    let faults = [
        // gRPC itself would map it to "unimplemented", but it comes from a proxy without such a route.
        ("HTTP 404", Fault::http(404, "text/plain", "")),
        ("HTTP 404 with a page", Fault::http(404, "text/html", "not found")),
        ("HTTP 500", Fault::http(500, "text/plain", "oh no")),
        ("HTTP 503 in JSON", Fault::http(503, "application/json", "{}")),
        ("HTTP 302", Fault::http(302, "text/html", "")),
        ("a page", Fault::http(200, "text/html", "<html>Welcome!</html>")),
        ("an empty page", Fault::http(200, "text/html", "")),
        ("half a message without a status", Fault::body(half.to_vec(), None)),
        ("a message and a failure", Fault::body(allow.clone(), Some("13"))),
        ("a message and an odd status", Fault::body(allow.clone(), Some("fine"))),
        ("a message without a status", Fault::body(allow.clone(), None)),
        ("a page that looks like a message", Fault::http(200, "text/html", allow.clone())),
        ("an HTTP error that looks like a message", Fault::http(500, "application/grpc", allow)),
    ];
    each(&faults, |(what, fault)| {
        assert_settled_by(Policy::OnFailure, &Broken::always(fault.clone()).url(), what);
    });
}

#[test]
fn the_failure_policy_settles_an_allow_that_is_not_grpc_to_the_letter() {
    let (zero, ok, other) = (("grpc-status", "0"), "application/grpc", ("x", "y"));
    let rows = [
        ("no gRPC", 200, "application/grpcX", &[][..], &[zero][..]),
        ("an HTTP error", 500, ok, &[], &[zero]),
        ("a status in the head and other trailers", 200, ok, &[zero], &[other]),
        (
            "a status in the head and a failure in the trailers",
            200,
            ok,
            &[zero],
            &[("grpc-status", "13")],
        ),
        ("two statuses", 200, ok, &[], &[zero, zero]),
        ("two statuses that differ", 200, ok, &[], &[zero, ("grpc-status", "13")]),
    ];
    each(&rows, |(what, status, content_type, head, trailers)| {
        let decider = Broken::always(answer(*status, content_type, head, trailers));
        assert_settled_by(Policy::OnFailure, &decider.url(), what);
    });
    let decider = Broken::always(answer(200, "application/grpc+proto", &[], &[zero]));
    let gateway = Gateway::start(&decider.url(), "");
    assert_allowed(&ask(&gateway, SET_GROUP_INFO, &group()), &group(), "gRPC to the letter");
}

/// An empty message with these headers and trailers.
fn answer(
    status: u16,
    content_type: &'static str,
    headers: &[(&'static str, &'static str)],
    trailers: &[(&'static str, &'static str)],
) -> Fault {
    let mut fault = Fault::http(status, content_type, frame(b""));
    if let Fault::Answer { head, trailers: last, .. } = &mut fault {
        head.headers_mut().extend(map(headers));
        *last = Some(map(trailers));
    }
    fault
}

fn map(entries: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in entries {
        map.append(*name, HeaderValue::from_static(value));
    }
    map
}

#[test]
fn whatever_follows_the_message_is_refused() {
    for (what, rest) in [("a message", frame(b"\x0a\0")), ("bytes", vec![0, 0])] {
        let decider = Broken::always(Fault::body([frame(b""), rest].concat(), Some("0")));
        assert_settled_by(Policy::Refuse, &decider.url(), &format!("allow, then {what}"));
    }
}

#[test]
fn an_ok_that_is_not_one_whole_message_is_refused() {
    let half = [0, 0, 0, 0, 9, 1, 2];
    let compressed = [1, 0, 0, 0, 0];
    let odd_flag = [0xff, 0, 0, 0, 0];
    let faults = [
        ("OK without a message", Fault::status("0")),
        ("OK behind no message", Fault::body("", Some("0"))),
        ("half a message", Fault::body(half.to_vec(), Some("0"))),
        ("half a length", Fault::body(half[..3].to_vec(), Some("0"))),
        ("a compressed message", Fault::body(compressed.to_vec(), Some("0"))),
        ("a message with an odd flag", Fault::body(odd_flag.to_vec(), Some("0"))),
    ];
    each(&faults, |(what, fault)| {
        assert_settled_by(Policy::Refuse, &Broken::always(fault.clone()).url(), what);
    });
}

#[test]
fn an_answer_over_the_size_limit_is_refused() {
    let decider = Broken::always(Fault::message(vec![0; 5 << 20]));
    assert_settled_by(Policy::Refuse, &decider.url(), "5 MiB");
    // Only the declared length is 4 GiB.
    let decider = Broken::always(Fault::body(b"\0\xff\xff\xff\xff".to_vec(), Some("0")));
    assert_settled_by(Policy::Refuse, &decider.url(), "4 GiB");
}

#[test]
fn an_answer_that_can_not_be_decoded_is_refused() {
    let faults = [
        ("no field", &b"\xff\xff\xff\xff\xff\xff"[..]),
        ("a field of another type", b"\x08\x01"),
        ("a field that is cut off", b"\x0a\x09\x01"),
        ("text that is no UTF-8", b"\x0a\x04\x12\x02\xc3\x28"),
    ];
    each(&faults, |(what, message)| {
        let decider = Broken::always(Fault::message(message));
        assert_settled_by(Policy::Refuse, &decider.url(), what);
    });
}

#[test]
fn fields_that_the_contract_does_not_know_are_ignored() {
    let decider = Broken::always(Fault::message(b"\xc2\x3e\x01x"));
    let gateway = Gateway::start(&decider.url(), "");
    assert_allowed(&ask(&gateway, SET_GROUP_INFO, &group()), &group(), "field 1000");
}

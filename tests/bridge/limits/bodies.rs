//! Bodies are limited as a whole, not only each by itself.

use std::time::Instant;

use harness::{Decider, Gateway, PATIENCE, Request, Response, Says, Style, Verdict};
use serde_json::json;

use super::callback;

#[test]
fn a_body_for_which_there_is_no_room_is_refused_until_there_is() {
    let decider = Decider::allowing();
    let settings = "defaults.deadline = '5s'\n[limits]\nbody = 1000\nbodies = 1500";
    let gateway = Gateway::start(&decider.url(), settings);

    // All of it but the last byte.
    let mut slow = gateway.connect();
    let path = "/callbackBeforeAddBlackCommand";
    slow.write(&Request::post(path, "").header("Content-Length", "1000").head());
    slow.write(&[b' '; 999]);

    let long = Request::post(path, vec![b' '; 900]);
    let refused = until(429, || gateway.send(&long));
    match refused.verdict(Style::Path) {
        Verdict::Refuse { detail, .. } => {
            assert!(detail.contains("too many bodies"), "{detail}")
        }
        other => panic!("{other:?}"),
    }
    let short = gateway.send(&callback());
    assert!(short.verdict(Style::Path).is_allow(), "there is room for a short one");

    drop(slow);
    // It is read then, and is no JSON.
    until(400, || gateway.send(&long));
}

#[test]
fn a_message_counts_as_a_body_does_until_it_is_decided() {
    let decider = Decider::start(|asked| match asked.metadata("openim-operation-id") {
        "slow" => Says::Nothing,
        _ => json!({}).into(),
    });
    let settings = "defaults.deadline = '60s'\n[limits]\nbody = 1000\nbodies = 2000";
    let gateway = Gateway::start(&decider.url(), settings);
    // Of 600 bytes as JSON, and of little less as a message.
    let body = json!({ "content": "x".repeat(520) });
    let command = "callbackBeforeSendSingleMsgCommand";
    let request = Request::callback(Style::Path, command, &body);
    let slow = request.clone().header("operationID", "slow").bytes();
    let mut waiting = [(); 2].map(|()| gateway.connect());
    for (n, client) in waiting.iter_mut().enumerate() {
        client.write(&slow);
        decider.wait_until_asked(n + 1);
    }
    // There is room for its JSON, and not for its message.
    let refused = gateway.send(&request);
    assert_eq!(refused.status, 429, "{refused:?}");
    match refused.verdict(Style::Path) {
        Verdict::Refuse { detail, .. } => assert!(detail.contains("too many bodies"), "{detail}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(decider.asked().len(), 2);
    drop(waiting);
    until(200, || gateway.send(&request));
}

/// Sends again until the answer has this status.
fn until(status: u16, send: impl Fn() -> Response) -> Response {
    let end = Instant::now() + PATIENCE;
    loop {
        let response = send();
        if response.status == status {
            return response;
        }
        assert!(Instant::now() < end, "{response:?}");
    }
}

#[test]
fn requests_that_are_pipelined_are_answered_in_their_order() {
    let decider = Decider::start(|asked| match asked.request["ownerUserID"].as_str() {
        Some("1") => json!({ "denial": {} }),
        _ => json!({}),
    });
    let gateway = Gateway::start(&decider.url(), "");
    let request = |id: &str| {
        let body = json!({ "ownerUserID": id });
        Request::callback(Style::Path, "callbackBeforeAddBlackCommand", &body)
    };
    let mut client = gateway.connect();
    let (first, second) = (request("1"), request("2"));
    client.write(&[first.head(), first.body.clone(), second.head(), second.body.clone()].concat());
    assert!(client.read().verdict(Style::Path).is_refuse());
    assert!(client.read().verdict(Style::Path).is_allow());
}

//! The metadata that the decider receives beside the request.

use std::time::Duration;

use harness::{Asked, Decider, Gateway, Request, Style, is_callback_id};
use serde_json::{Value, json};

use super::{ADD_BLACK, UNKNOWN, USER_ONLINE};

/// The decider's call for this request.
fn received(request: &Request) -> Asked {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let response = gateway.send(request);
    assert!(response.verdict(Style::Path).is_allow(), "{response:?}");
    decider.asked_once()
}

fn callback(command: &str, body: &Value) -> Request {
    Request::callback(Style::Path, command, body)
}

#[test]
fn each_call_has_an_id_of_its_own_that_is_a_uuid_v7() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let mut client = gateway.connect();
    for _ in 0..3 {
        client.send(&callback(ADD_BLACK, &json!({})));
    }
    let ids: Vec<_> =
        decider.asked().iter().map(|asked| asked.metadata("callback-id").to_owned()).collect();
    assert!(ids.iter().all(|id| is_callback_id(id)), "{ids:?}");
    assert!(ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[test]
fn the_id_that_a_failure_shows_is_the_id_that_the_decider_was_told() {
    let decider = Decider::saying(tonic::Status::internal("x"));
    let gateway = Gateway::start(&decider.url(), "");
    match gateway.send(&callback(ADD_BLACK, &json!({}))).verdict(Style::Path) {
        harness::Verdict::Refuse { detail, .. } => {
            assert_eq!(detail, decider.asked_once().metadata("callback-id"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_is_told_as_it_was_sent() {
    let alias = "userRegisterBeforeCommand";
    let asked = received(&callback(alias, &json!({})));
    assert_eq!((&asked.rpc[..], asked.metadata("openim-command")), ("BeforeUserRegister", alias));
}

#[test]
fn the_operation_id_is_told_percent_encoded_where_it_must_be() {
    for (sent, expected) in [
        ("op-7f3a9c", "op-7f3a9c"),
        ("a$b", "a$b"),
        ("a b", "a b"),
        ("50%", "50%25"),
        ("opé世", "op%C3%A9%E4%B8%96"),
    ] {
        let request = callback(ADD_BLACK, &json!({})).header("Operationid", sent);
        assert_eq!(received(&request).metadata("openim-operation-id"), expected, "{sent}");
    }
    let in_body = callback(USER_ONLINE, &json!({ "operationID": "line\nbreak\u{7f}" }));
    assert_eq!(received(&in_body).metadata("openim-operation-id"), "line%0Abreak%7F");
    assert!(
        received(&callback(ADD_BLACK, &json!({}))).metadata.get("openim-operation-id").is_none()
    );
}

#[test]
fn an_operation_id_that_is_too_long_or_no_text_does_not_fail_the_call() {
    let long = "é".repeat(4000);
    for id in [long.as_bytes(), b"\xff\xfe", b"\x80"] {
        let request = callback(ADD_BLACK, &json!({})).header("operationID", id);
        let received = received(&request);
        assert!(!received.metadata("openim-operation-id").is_empty());
    }
    let in_body = callback(USER_ONLINE, &json!({ "operationID": long }));
    assert_eq!(received(&in_body).request["operationID"], long);
}

#[test]
fn an_empty_operation_id_of_the_body_is_filled_from_the_header() {
    let inline = "callbackBeforeSendSingleMsgCommand";
    for (command, place) in [(USER_ONLINE, "/operationID"), (inline, "/msg/operationID")] {
        for (body, expected) in [
            (json!({}), "head"),
            (json!({ "operationID": "" }), "head"),
            (json!({ "operationID": null }), "head"),
            (json!({ "operationID": "body" }), "body"),
        ] {
            let asked = received(&callback(command, &body).header("operationID", "head"));
            let filled = asked.request.pointer(place);
            assert_eq!(filled, Some(&json!(expected)), "{command} {body}");
        }
        let asked = received(&callback(command, &json!({ "operationID": "body" })));
        assert_eq!(asked.metadata("openim-operation-id"), "body");
    }
}

#[test]
fn a_traceparent_is_passed_on() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = callback(ADD_BLACK, &json!({}));
    assert_eq!(
        received(&request.clone().header("traceparent", parent)).metadata("traceparent"),
        parent
    );
    assert!(received(&request).metadata.get("traceparent").is_none());
}

#[test]
fn other_headers_are_not_passed_on() {
    let request = callback(ADD_BLACK, &json!({}))
        .header("Authorization", "Basic eDp5")
        .header("openim-command", "forged")
        .header("callback-id", "forged")
        .header("grpc-timeout", "1n");
    let asked = received(&request);
    assert!(!format!("{:?}", asked.metadata).contains("forged"), "{asked:?}");
    assert!(asked.metadata.get("authorization").is_none());
}

#[test]
fn the_decider_is_told_how_much_time_is_left() {
    let whole = Duration::from_secs(2);
    for command in [ADD_BLACK, UNKNOWN] {
        let asked = received(&callback(command, &json!({})));
        let left = timeout(asked.metadata("grpc-timeout"));
        assert!(left <= whole && left > whole / 2, "{left:?}");
    }
}

/// A duration as gRPC writes it.
fn timeout(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().expect("a number");
    match unit {
        "n" => Duration::from_nanos(number),
        "u" => Duration::from_micros(number),
        "m" => Duration::from_millis(number),
        "S" => Duration::from_secs(number),
        other => panic!("{other} in {text}"),
    }
}

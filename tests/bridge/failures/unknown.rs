//! Callbacks that are not in the contract.

use harness::{Decider, Gateway, Port, Request, STYLES, Style, Verdict};
use serde_json::json;
use tonic::Status;

use super::{UNKNOWN, ask, assert_allowed, assert_refused};

#[test]
fn an_unknown_command_goes_to_the_fallback_service_as_it_came() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let body = format!(
        r#" {{ "b": 1.50, "callbackCommand": "{UNKNOWN}", "a": [null, "世界\u003c"], "a": 2 }}  "#
    );
    let response = gateway.send(&Request::post(format!("/x/{UNKNOWN}"), body.clone()));
    assert!(response.verdict(Style::Path).is_allow(), "{response:?}");
    let asked = decider.asked_once();
    assert_eq!(asked.rpc, "Decide");
    assert_eq!(asked.request, json!({ "command": UNKNOWN, "body": body }));
    assert_eq!(asked.metadata("openim-command"), UNKNOWN);
}

#[test]
fn the_fallback_service_allows_edits_and_denies() {
    for (response, expected) in [
        (json!({}), json!({})),
        (json!({ "edits": "{}" }), json!({})),
        (
            json!({ "edits": r#"{"a":[1,null],"b":12345678901234567890}"# }),
            json!({ "a": [1, null], "b": 12345678901234567890_u64 }),
        ),
    ] {
        let decider = Decider::saying(response.clone());
        let gateway = Gateway::start(&decider.url(), "");
        assert_allowed(&ask(&gateway, UNKNOWN, &json!({})), &expected, &response.to_string());
    }
    let decider = Decider::saying(
        json!({ "denial": { "code": 5123, "message": "no" }, "edits": "{\"a\":1}" }),
    );
    let gateway = Gateway::start(&decider.url(), "");
    let denied = Verdict::Refuse { code: 5123, message: "no".into(), detail: String::new() };
    assert_eq!(ask(&gateway, UNKNOWN, &json!({})), denied);
}

#[test]
fn without_a_fallback_service_an_unknown_command_is_refused_unless_set_otherwise() {
    let decider = Decider::saying(Status::unimplemented(""));
    let gateway = Gateway::start(&decider.url(), "");
    assert_refused(&ask(&gateway, UNKNOWN, &json!({})), "default");
    let gateway = Gateway::start(&decider.url(), "[callbacks.unknown]\non_unimplemented = 'allow'");
    assert_allowed(&ask(&gateway, UNKNOWN, &json!({})), &json!({}), "set");
}

#[test]
fn without_a_decider_an_unknown_command_is_settled_by_its_policy() {
    let port = Port::free();
    assert_refused(&ask(&Gateway::start(&port.url(), ""), UNKNOWN, &json!({})), "default");
    let gateway = Gateway::start(&port.url(), "[callbacks.unknown]\non_failure = 'allow'");
    assert_allowed(&ask(&gateway, UNKNOWN, &json!({})), &json!({}), "set");
}

#[test]
fn the_body_of_an_unknown_command_must_be_an_object_that_agrees_with_the_url() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let other = format!(r#"{{"callbackCommand":"{UNKNOWN}2"}}"#);
    let latin =
        [r#"{"callbackCommand":""#.as_bytes(), UNKNOWN.as_bytes(), b"\",\"x\":\"\xe4\"}"].concat();
    for body in [b"[]".to_vec(), b"{}".to_vec(), other.into_bytes(), latin] {
        for style in STYLES {
            let url = Request::callback(style, UNKNOWN, &json!({})).target;
            let response = gateway.send(&Request::post(url, body.clone()));
            assert!(response.verdict(style).is_refuse(), "{response:?}");
            assert_eq!(response.status, 400, "{response:?}");
        }
    }
    assert!(decider.asked().is_empty());
}

//! A denial refuses, whatever its content.

use harness::{Decider, Gateway, STYLES, Verdict};
use serde_json::{Value, json};

use super::{CODE, MESSAGE, REGISTER, SET_GROUP_INFO, ask, group, users};

fn deny(denial: Value) -> Verdict {
    let decider = Decider::saying(json!({ "denial": denial }));
    ask(&Gateway::start(&decider.url(), ""), SET_GROUP_INFO, &group())
}

fn refusal(code: i64, message: &str, detail: &str) -> Verdict {
    Verdict::Refuse { code, message: message.into(), detail: detail.into() }
}

#[test]
fn an_empty_denial_refuses_with_the_callback_s_own_code_and_message() {
    assert_eq!(deny(json!({})), refusal(CODE, MESSAGE, ""));
}

#[test]
fn the_callback_s_own_code_and_message_can_be_set() {
    let decider = Decider::saying(json!({ "denial": { "code": 1 } }));
    let gateway = Gateway::start(&decider.url(), "[defaults]\ncode = 29999\nmessage = 'nein'");
    assert_eq!(ask(&gateway, SET_GROUP_INFO, &group()), refusal(29999, "nein", ""));
}

#[test]
fn good_codes_pass() {
    for code in [5000, 5001, 9999, 20001, 29999] {
        assert_eq!(deny(json!({ "code": code })), refusal(code, MESSAGE, ""));
    }
}

#[test]
fn bad_codes_are_replaced() {
    for code in [0, 1, 99, 200, 4999, 10000, 20000, 30000, 90007, -1, -5000, i32::MIN, i32::MAX] {
        assert_eq!(deny(json!({ "code": code })), refusal(CODE, MESSAGE, ""), "{code}");
    }
}

#[test]
fn message_and_detail_pass_as_they_are() {
    let text = "не сейчас <b>\"\\\u{0}\u{2028}😀";
    assert_eq!(deny(json!({ "message": text, "detail": text })), refusal(CODE, text, text));
}

#[test]
fn the_reason_is_never_sent() {
    let decider = Decider::saying(json!({ "denial": { "reason": "rule-17" } }));
    let gateway = Gateway::start(&decider.url(), "");
    for style in STYLES {
        let response = gateway.call(style, SET_GROUP_INFO, &group());
        assert!(!format!("{response:?}").contains("rule-17"), "{response:?}");
    }
}

#[test]
fn a_denial_drops_all_edits() {
    let edits = json!({ "denial": {}, "users": [{ "userID": "u1", "nickname": "x" }] });
    let decider = Decider::saying(edits);
    let gateway = Gateway::start(&decider.url(), "");
    assert_eq!(ask(&gateway, REGISTER, &users()), refusal(CODE, MESSAGE, ""));
}

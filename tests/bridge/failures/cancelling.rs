//! A call without a waiting caller is cancelled at the decider, and calls do not wait for each other.

use harness::{Decider, Gateway, Request, Says, Style};
use serde_json::json;

use super::{ADD_BLACK, assert_refused, soon};

fn callback() -> Request {
    Request::callback(Style::Path, ADD_BLACK, &json!({}))
}

/// Longer than any test.
const PATIENT: &str = "[defaults]\ndeadline = '60s'";

#[test]
fn the_call_is_cancelled_when_the_client_leaves() {
    let decider = Decider::saying(Says::Nothing);
    let gateway = Gateway::start(&decider.url(), PATIENT);
    let mut client = gateway.connect();
    client.write(&callback().bytes());
    decider.wait_until_asked(1);
    drop(client);
    decider.wait_until_cancelled(1);
}

#[test]
fn the_call_is_cancelled_at_the_deadline() {
    let decider = Decider::saying(Says::Nothing);
    let gateway = Gateway::start(&decider.url(), &soon(""));
    assert_refused(&gateway.send(&callback()).verdict(Style::Path), "slow");
    decider.wait_until_cancelled(1);
}

#[test]
fn a_call_that_takes_long_holds_up_no_other() {
    let decider = Decider::start(|asked| match asked.metadata("openim-operation-id") {
        "slow" => Says::Nothing,
        _ => json!({}).into(),
    });
    let gateway = Gateway::start(&decider.url(), PATIENT);
    let mut slow = gateway.connect();
    slow.write(&callback().header("operationID", "slow").bytes());
    decider.wait_until_asked(1);
    assert!(gateway.send(&callback()).verdict(Style::Path).is_allow());
}

#[test]
fn requests_that_are_sent_at_once_are_answered_in_order() {
    let decider = Decider::start(|asked| match asked.metadata("openim-operation-id") {
        "bad" => json!({ "denial": {} }),
        _ => json!({}),
    });
    let gateway = Gateway::start(&decider.url(), "");
    let mut client = gateway.connect();
    let [good, bad] = ["good", "bad"].map(|id| callback().header("operationID", id).bytes());
    client.write(&[good.clone(), bad, good].concat());
    assert!(client.read().verdict(Style::Path).is_allow());
    assert!(client.read().verdict(Style::Path).is_refuse());
    assert!(client.read().verdict(Style::Path).is_allow());
}

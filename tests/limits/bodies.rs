//! The bodies that are coming are limited as a whole, not only each by itself.

use harness::{Decider, Gateway, Request, Style, Verdict};

use super::callback;

#[test]
fn a_body_for_which_there_is_no_room_is_refused_until_there_is() {
    let decider = Decider::allowing();
    let settings = "defaults.deadline = '5s'\n[limits]\nbody = 1000\nbodies = 1500";
    let gateway = Gateway::start(&decider.url(), settings);

    // Announces a body, and does not send it.
    let mut slow = gateway.connect();
    let announced =
        Request::post("/callbackBeforeAddBlackCommand", "").header("Content-Length", "1000");
    slow.write(&announced.head());
    gateway.wait_for_metric("in_flight", 1.0);

    let long = Request::post("/callbackBeforeAddBlackCommand", vec![b' '; 900]);
    let refused = gateway.send(&long);
    assert_eq!(refused.status, 429);
    match refused.verdict(Style::Path) {
        Verdict::Refuse { message, .. } => {
            assert!(message.contains("too many bodies"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert!(
        gateway.send(&callback()).verdict(Style::Path).is_allow(),
        "there is room for a short one"
    );

    drop(slow);
    gateway.wait_for_metric("in_flight", 0.0);
    assert_eq!(gateway.send(&long).status, 400, "it is read, and found to be no JSON");
}

#[test]
fn requests_that_are_pipelined_are_answered_in_their_order() {
    let decider = Decider::start(|asked| match asked.request["ownerUserID"].as_str() {
        Some("1") => serde_json::json!({ "denial": {} }),
        _ => serde_json::json!({}),
    });
    let gateway = Gateway::start(&decider.url(), "");
    let request = |id: &str| {
        let body = serde_json::json!({ "ownerUserID": id });
        Request::callback(Style::Path, "callbackBeforeAddBlackCommand", &body)
    };
    let mut client = gateway.connect();
    let (first, second) = (request("1"), request("2"));
    client.write(&[first.head(), first.body.clone(), second.head(), second.body.clone()].concat());
    assert!(client.read().verdict(Style::Path).is_refuse());
    assert!(client.read().verdict(Style::Path).is_allow());
}

//! Callers who close the connection before the verdict.

use std::fs;

use harness::{Client, Decider, Gateway, PATIENCE, Request, Says, Style, log};
use serde_json::json;

const BEFORE: (&str, &str) = ("callbackBeforeAddBlackCommand", "beforeAddBlack");
const AFTER: (&str, &str) = ("callbackAfterUserOnlineCommand", "afterUserOnline");
/// Longer than any test.
const PATIENT: &str = "[defaults]\ndeadline = '60s'";

fn callback(command: &str, id: &str) -> Request {
    Request::callback(Style::Path, command, &json!({})).header("operationID", id)
}

/// A caller whose callback has reached the decider.
fn waiting(gateway: &Gateway, decider: &Decider, request: &Request) -> Client {
    let mut client = gateway.connect();
    client.write(&request.bytes());
    decider.wait_until_asked(1);
    client
}

fn abandoned(gateway: &Gateway) -> Vec<String> {
    let metrics = gateway.metrics();
    let lines = metrics.lines().filter(|line| line.contains("outcome=\"abandoned\""));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_caller_who_leaves_before_the_verdict_is_counted_and_logged_with_openim_s_timeout() {
    log::keep("callback_gateway=debug");
    let directory = tempfile::tempdir().expect("a directory");
    let webhooks = directory.path().join("webhooks.yml");
    fs::write(&webhooks, "beforeAddBlack: { enable: true, timeout: 7 }").expect("a file");
    let known = format!("openim_webhooks = {webhooks:?}");
    for ((command, key), settings, times) in [
        (BEFORE, &known[..], ["deadline=6.5s", "openim_timeout=Some(7s)"]),
        (BEFORE, PATIENT, ["deadline=60s", "openim_timeout=None"]),
        (AFTER, PATIENT, ["deadline=60s", "openim_timeout=None"]),
    ] {
        let decider = Decider::saying(Says::Nothing);
        let gateway = Gateway::start(&decider.url(), settings);
        let id = uuid::Uuid::now_v7().to_string();
        drop(waiting(&gateway, &decider, &callback(command, &id)));
        let counted = format!("callbacks_total{{callback=\"{key}\",outcome=\"abandoned\"}}");
        gateway.wait_for_metric(&counted, 1.0);
        let lines = log::lines_with(&id);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for word in [&["WARN", key, "abandoned", "took=", "callback_id="], &times[..]].concat() {
            assert!(lines[0].contains(word), "{word}: {}", lines[0]);
        }
        assert_eq!(gateway.metric("in_flight"), 0.0);
    }
}

#[test]
fn a_caller_who_leaves_once_the_verdict_is_there_is_not_counted() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let mut client = gateway.connect();
    assert!(client.send(&callback(BEFORE.0, "")).verdict(Style::Path).is_allow());
    drop(client);
    gateway.wait_for_metric("connections", 0.0);
    assert_eq!(abandoned(&gateway), [""; 0]);
}

#[test]
fn a_caller_who_leaves_before_the_body_is_complete_is_not_counted() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), PATIENT);
    let bytes = callback(BEFORE.0, "").bytes();
    let mut client = gateway.connect();
    client.write(&bytes[..bytes.len() - 1]);
    gateway.wait_for_metric("in_flight", 1.0);
    drop(client);
    gateway.wait_for_metric("connections", 0.0);
    assert_eq!(abandoned(&gateway), [""; 0]);
    assert!(decider.asked().is_empty());
}

#[test]
fn a_caller_who_leaves_while_the_gateway_drains_is_not_counted() {
    let decider = Decider::saying(Says::Nothing);
    let limits = "[limits]\nlinger = '60s'\ndrain = '60s'";
    let gateway = Gateway::start(&decider.url(), &format!("{PATIENT}\n{limits}"));
    let client = waiting(&gateway, &decider, &callback(BEFORE.0, ""));
    gateway.shut_down();
    drop(client);
    assert!(gateway.ends_within(PATIENCE));
    assert_eq!(abandoned(&gateway), [""; 0]);
}

#[test]
fn a_caller_whom_the_end_of_the_gateway_cuts_off_is_not_counted() {
    let decider = Decider::saying(Says::Nothing);
    let limits = "[limits]\nlinger = '50ms'\ndrain = '50ms'";
    let gateway = Gateway::start(&decider.url(), &format!("{PATIENT}\n{limits}"));
    let mut client = waiting(&gateway, &decider, &callback(BEFORE.0, ""));
    gateway.shut_down();
    assert!(gateway.ends_within(PATIENCE) && client.is_closed());
    assert_eq!(abandoned(&gateway), [""; 0]);
}

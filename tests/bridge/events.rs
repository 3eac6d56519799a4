//! After-callbacks that a store keeps until their decider has received them.

mod ends;
mod operators;
mod order;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Asked, Decider, Gateway, PATIENCE, Style, is_callback_id};
use serde_json::{Value, json};

use super::failures::USER_ONLINE;

const SINGLE: &str = "callbackAfterSendSingleMsgCommand";
const GROUP: &str = "callbackAfterSendGroupMsgCommand";

/// A gateway that keeps events in a directory.
fn start(decider: &Decider, directory: &Path, settings: &str) -> Gateway {
    let settings = format!("events.directory = '{}'\n{settings}", directory.display());
    Gateway::start(&decider.url(), &settings)
}

/// Tells of a message, and requires that OpenIM is allowed.
fn tell(gateway: &Gateway, from: &str, to: &str, content: &str) {
    let body = json!({ "sendID": from, "recvID": to, "content": content });
    let verdict = gateway.call(Style::Path, SINGLE, &body).verdict(Style::Path);
    assert!(verdict.is_allow(), "{verdict:?}");
}

/// The contents of the messages that a decider was told of.
fn contents(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.request["msg"]["content"].as_str().unwrap_or_default()).collect()
}

#[test]
fn an_event_is_delivered_with_its_metadata() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let body = json!({ "userID": "u1", "connID": "c", "operationID": "op-1" });
    let verdict = gateway.call(Style::Query, USER_ONLINE, &body).verdict(Style::Query);
    assert!(verdict.is_allow(), "{verdict:?}");
    decider.wait_until_asked(1);
    let asked = decider.asked_once();
    assert_eq!((&*asked.rpc, &asked.request["userID"]), ("AfterUserOnline", &json!("u1")));
    assert!(is_callback_id(asked.metadata("callback-id")), "{asked:?}");
    assert_eq!(asked.metadata("openim-command"), USER_ONLINE);
    assert_eq!(asked.metadata("event-attempt"), "1");
    let time = asked.metadata("event-time");
    assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{time}");
    gateway.wait_for_metric(r#"callbacks_total{callback="afterUserOnline",outcome="kept"}"#, 1.0);
    let counted =
        |outcome| format!(r#"events_total{{callback="afterUserOnline",outcome="{outcome}"}}"#);
    gateway.wait_for_metric(&counted("received"), 1.0);
    gateway.wait_for_metric(&counted("delivered"), 1.0);
    gateway.wait_for_metric("events_waiting", 0.0);
}

#[test]
fn an_event_waits_for_a_decider_that_is_down_and_openim_does_not() {
    let mut decider = Decider::down(|_| json!({}));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    let began = Instant::now();
    for n in 0..20 {
        tell(&gateway, "u1", &format!("u{n}"), &n.to_string());
    }
    assert!(began.elapsed() < PATIENCE);
    gateway.wait_for_metric("events_waiting", 20.0);
    decider.restart();
    decider.wait_until_asked(20);
    gateway.wait_for_metric("events_waiting", 0.0);
    assert!(decider.asked().iter().all(|asked| asked.metadata("event-attempt") == "1"));
}

#[test]
fn an_event_outlives_the_gateway() {
    let mut decider = Decider::down(|_| json!({}));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    tell(&gateway, "u1", "u2", "hello");
    gateway.stop();
    decider.restart();
    let _gateway = start(&decider, directory.path(), "");
    decider.wait_until_asked(1);
    assert_eq!(contents(&decider.asked()), ["hello"]);
}

#[test]
fn a_stop_delivers_what_is_in_flight_and_keeps_the_rest() {
    let slow = |_: &Asked| {
        std::thread::sleep(Duration::from_millis(300));
        json!({})
    };
    let (decider, directory) = (Decider::start(slow), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    for n in 0..4 {
        tell(&gateway, "u1", "u2", &n.to_string());
    }
    decider.wait_until_asked(1);
    gateway.stop();
    let before = decider.take_asked();
    let gateway = start(&decider, directory.path(), "");
    decider.wait_until_asked(4 - before.len());
    gateway.wait_for_metric("events_waiting", 0.0);
    let after = decider.take_asked();
    assert_eq!([contents(&before), contents(&after)].concat(), ["0", "1", "2", "3"]);
}

#[test]
fn only_the_gateway_s_user_may_read_the_files() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let path = directory.path().join("events.db");
    fs::write(&path, "").expect("a place for files");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("our file");
    let gateway = start(&decider, directory.path(), "");
    tell(&gateway, "a", "b", "1");
    for entry in fs::read_dir(directory.path()).expect("our directory") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn delivered_events_make_room_for_new_ones() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let settings = "events.max_bytes = 1048576\nevents.keep_delivered = '1h'";
    let gateway = start(&decider, directory.path(), settings);
    let text = "x".repeat(10_000);
    for n in 0..300 {
        tell(&gateway, "u1", &format!("u{n}"), &text);
    }
    let relayed = r#"callbacks_total{callback="afterSendSingleMsg",outcome="relayed"}"#;
    let relayed = gateway.metric(relayed);
    assert!(relayed < 100.0, "{relayed} of 300 were relayed");
}

#[test]
fn a_command_that_is_not_in_the_contract_is_no_event() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let verdict = gateway.call(Style::Path, "callbackAfterNew", &json!({})).verdict(Style::Path);
    assert!(verdict.is_allow(), "{verdict:?}");
    assert_eq!(decider.asked_once().metadata("event-attempt"), "");
}

/// The number that a message has as its content.
fn number(asked: &Asked) -> usize {
    let content: &Value = &asked.request["msg"]["content"];
    content.as_str().and_then(|content| content.parse().ok()).expect("a number")
}

//! The end of an event, by the answer of its decider.

use std::time::{Duration, Instant};

use harness::{Asked, Broken, Decider, Fault, Gateway, Says};
use serde_json::json;
use tonic::{Code, Status};

use super::{contents, start, tell};

const SINGLE: &str = r#"callback="afterSendSingleMsg""#;

/// The status of a decider that asks for a pause.
fn busy_for(milliseconds: &'static str) -> Status {
    let mut status = Status::resource_exhausted("busy");
    let pause = milliseconds.parse().expect("ASCII");
    status.metadata_mut().insert("grpc-retry-pushback-ms", pause);
    status
}

fn counted(gateway: &Gateway, outcome: &str, times: f64) {
    gateway.wait_for_metric(&format!(r#"events_total{{{SINGLE},outcome="{outcome}"}}"#), times);
}

#[test]
fn content_that_a_decider_does_not_take_is_dead_at_once() {
    for code in [Code::InvalidArgument, Code::OutOfRange] {
        let decider = Decider::saying(Status::new(code, "no"));
        let directory = tempfile::tempdir().expect("a directory");
        let gateway = start(&decider, directory.path(), "");
        tell(&gateway, "a", "b", "1");
        tell(&gateway, "a", "b", "2");
        counted(&gateway, "dead", 2.0);
        gateway.wait_for_metric("events_waiting", 0.0);
        gateway.wait_for_metric("events_dead", 2.0);
        assert_eq!(contents(&decider.asked()), ["1", "2"], "the key goes on");
    }
}

#[test]
fn an_answer_that_can_not_be_decoded_makes_an_event_dead() {
    let decider = Broken::always(Fault::message(b"\xff"));
    let directory = tempfile::tempdir().expect("a directory");
    let settings = format!("events.directory = '{}'", directory.path().display());
    let gateway = Gateway::start(&decider.url(), &settings);
    tell(&gateway, "a", "b", "1");
    counted(&gateway, "dead", 1.0);
}

#[test]
fn an_event_that_the_decider_does_not_implement_is_ignored() {
    let decider = Decider::saying(Status::unimplemented("no"));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    tell(&gateway, "a", "b", "1");
    counted(&gateway, "ignored", 1.0);
    gateway.wait_for_metric("events_waiting", 0.0);
    assert_eq!(decider.asked().len(), 1);
}

#[test]
fn an_event_that_fails_is_dead_when_it_is_too_old() {
    let decider = Decider::saying(busy_for("1100"));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "events.max_age = '1s'");
    tell(&gateway, "a", "b", "1");
    counted(&gateway, "dead", 1.0);
    counted(&gateway, "retried", 1.0);
    assert_eq!(decider.asked().len(), 2);
}

#[test]
fn the_pause_that_a_decider_asks_for_is_honoured() {
    let script = |asked: &Asked| match asked.metadata("event-attempt") {
        "1" => Says::Status(busy_for("20")),
        "2" => Says::Status(busy_for("1200")),
        _ => Says::Response(json!({})),
    };
    let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let began = Instant::now();
    tell(&gateway, "a", "b", "1");
    counted(&gateway, "delivered", 1.0);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(2200), "a pause is a second at least: {took:?}");
    assert!(took < Duration::from_secs(4), "the schedule alone takes 6 s: {took:?}");
    assert_eq!(decider.asked().len(), 3);
}

#[test]
fn an_event_is_not_delivered_for_longer_than_an_attempt_may_take() {
    let script = |asked: &Asked| match asked.metadata("event-attempt") {
        "1" => Says::Nothing,
        _ => Says::Response(json!({})),
    };
    let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "events.attempt_timeout = '100ms'");
    tell(&gateway, "a", "b", "1");
    decider.wait_until_cancelled(1);
    counted(&gateway, "delivered", 1.0);
}

#[test]
fn two_gateways_can_not_share_a_directory() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let first = start(&decider, directory.path(), "");
    let text = format!("events.directory = '{}'", directory.path().display());
    let settings = callback_gateway::settings::Settings::from_toml(&text).expect("settings");
    let second = callback_gateway::gateway::Gateway::new(settings);
    let why = second.err().map(|why| why.to_string()).unwrap_or_default();
    assert!(why.ends_with("another gateway uses it"), "{why}");
    first.stop();
}

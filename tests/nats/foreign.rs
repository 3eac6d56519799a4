//! Messages that other clients published, and those that are nearly too large.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use harness::{Decider, Nats, PATIENCE, Request, Style};
use serde_json::json;
use tokio::runtime::Builder;

use crate::support::{counted, gateway, kept, settings, tell, wait_until};

const MAX_PAYLOAD: usize = 64 << 10;

/// Publishes a message, which the servers must store.
fn publish(server: &Nats, subject: &'static str, headers: HeaderMap, size: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.expect("a connection");
        let payload = vec![0; size].into();
        let context = jetstream::new(client);
        let sent = context.publish_with_headers(subject, headers, payload).await;
        sent.expect("sent").await.expect("acknowledged");
    });
}

#[test]
fn a_message_of_somebody_else_is_ended_and_does_not_hold_up_its_partition() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let gateway = gateway(&decider, [&server], "partitions = 1");
    publish(&server, "openim.events.0.afterSendGroupMsg", HeaderMap::new(), 1);
    gateway.wait_for_metric(r#"events_total{callback="unknown",outcome="lost"}"#, 1.0);
    tell(&mut gateway.connect(), "g1", "1");
    gateway.wait_for_metric(&counted("delivered"), 1.0);
}

#[test]
fn an_event_whose_dead_copy_would_be_too_large_dies_without_its_status() {
    let Some(server) = Nats::start(&format!("max_payload: {MAX_PAYLOAD}")) else { return };
    let decider = Decider::allowing();
    let gateway = gateway(&decider, [&server], "partitions = 1\nmax_block = '1s'");
    let named = [
        ("ce-id", "0199b0d2-0000-7000-8000-000000000001"),
        ("ce-type", "openim.afterFuture"),
        ("ce-time", "2026-01-01T00:00:00Z"),
        ("openim-command", "callbackAfterFutureCommand"),
        ("Nats-Msg-Id", "0199b0d2-0000-7000-8000-000000000001"),
        // Holds for the first stream only.
        ("Nats-Expected-Stream", "OPENIM_EVENTS"),
    ];
    let mut headers = HeaderMap::new();
    named.iter().for_each(|(name, value)| headers.insert(*name, *value));
    let size: usize = named.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let room_for_its_state = 40;
    let payload = MAX_PAYLOAD - size - "NATS/1.0\r\n\r\n".len() - room_for_its_state;
    publish(&server, "openim.events.0.afterFuture", headers, payload);
    tell(&mut gateway.connect(), "g1", "1");
    wait_until("the partition goes on", 3 * PATIENCE, || {
        gateway.metric(&counted("delivered")) == 1.0
    });
    wait_until("it is dead", 3 * PATIENCE, || gateway.metric("events_dead") == 1.0);
}

#[test]
fn an_event_whose_headers_would_be_too_large_is_sent_to_its_decider_at_once() {
    let Some(server) = Nats::start(&format!("max_payload: {MAX_PAYLOAD}")) else { return };
    let decider = Decider::allowing();
    let text = settings("[events]\nstore = 'nats'\nstore_timeout = '5s'\n", [&server], "");
    let gateway = harness::Gateway::start(&decider.url(), &text);
    let tell_with = |operation_id: &str| {
        let (content, id) = ("x".repeat(40_000), operation_id);
        let body = json!({ "groupID": "g1", "content": content, "operationID": id });
        let request = Request::callback(Style::Path, "callbackAfterSendGroupMsgCommand", &body);
        assert!(gateway.connect().send(&request).verdict(Style::Path).is_allow());
    };
    tell_with("short");
    decider.wait_until_asked(1);
    assert_eq!(kept(&gateway), 1.0);
    tell_with(&"é".repeat(1_500));
    decider.wait_until_asked(2);
    assert_eq!(kept(&gateway), 1.0);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(decider.asked().len(), 2);
}

//! Gateways whose events are kept in NATS, and what their decider receives.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use harness::{Asked, Client, Decider, Gateway, Nats, PATIENCE, Request, Style};
use serde_json::json;

/// Longer than any test: only one whose servers fail waits for the store.
const STORE: &str = "[events]\nstore = 'nats'\nstore_timeout = '5s'\n";

/// A gateway that keeps events in these servers, with further settings of `[events.nats]`.
pub(crate) fn gateway<'a>(
    decider: &Decider,
    servers: impl IntoIterator<Item = &'a Nats>,
    more: &str,
) -> Gateway {
    Gateway::start(&decider.url(), &settings(STORE, servers, more))
}

/// Settings of `[events]` and below.
pub(crate) fn settings<'a>(
    events: &str,
    servers: impl IntoIterator<Item = &'a Nats>,
    more: &str,
) -> String {
    let urls: Vec<_> = servers.into_iter().map(|server| format!("'{}'", server.url())).collect();
    format!("{events}[events.nats]\nservers = [{}]\n{more}", urls.join(", "))
}

/// OpenIM tells that a message was sent in a group.
pub(crate) fn told(group: &str, text: &str) -> Request {
    let body = json!({ "groupID": group, "content": text, "operationID": "op-1" });
    Request::callback(Style::Path, "callbackAfterSendGroupMsgCommand", &body)
}

/// Tells the gateway, which must allow it.
pub(crate) fn tell(client: &mut Client, group: &str, text: &str) {
    let response = client.send(&told(group, text));
    assert!(response.verdict(Style::Path).is_allow(), "{response:?}");
}

/// The group and the text of an event that a decider received.
pub(crate) fn of(asked: &Asked) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&asked.request["groupID"]), text(&asked.request["msg"]["content"]))
}

/// The texts that a decider received, by group and in this order.
pub(crate) fn received(decider: &Decider) -> BTreeMap<String, Vec<String>> {
    let mut received: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for asked in decider.asked() {
        let (group, text) = of(&asked);
        received.entry(group).or_default().push(text);
    }
    received
}

/// The number of events that were answered because they were stored.
pub(crate) fn kept(gateway: &Gateway) -> f64 {
    gateway.metric(r#"callbacks_total{callback="afterSendGroupMsg",outcome="kept"}"#)
}

/// The number of events with an outcome.
pub(crate) fn events(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&counted(outcome))
}

/// The name of the metric of events with an outcome.
pub(crate) fn counted(outcome: &str) -> String {
    format!(r#"events_total{{callback="afterSendGroupMsg",outcome="{outcome}"}}"#)
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the gateway keeps events.
pub(crate) fn wait_until_it_keeps(gateway: &Gateway) {
    let mut client = gateway.connect();
    wait_until("an event is kept", 4 * PATIENCE, || {
        let before = kept(gateway);
        tell(&mut client, "first", "");
        kept(gateway) > before
    });
}

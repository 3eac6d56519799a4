//! The limit on connections.

use std::time::Duration;

use harness::{Client, Decider, Gateway, Style};

use super::callback;

fn open(gateway: &Gateway, count: usize) -> Vec<Client> {
    (0..count).map(|_| gateway.connect()).collect()
}

#[test]
fn over_the_bound_a_connection_waits_until_there_is_room() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "[limits]\nconnections = 2");
    // Connections in use make no room.
    let mut busy = open(&gateway, 2);
    busy.iter_mut().for_each(|client| client.write(&callback().head()));
    gateway.wait_for_metric("in_flight", 2.0);
    let mut waiting = gateway.connect();
    waiting.write(&callback().bytes());
    waiting.read_timeout(Duration::from_millis(100));
    assert!(waiting.try_read().is_err(), "an answer over the bound");
    assert_eq!(gateway.metric("connections"), 2.0);
    busy.pop();
    waiting.read_timeout(harness::PATIENCE);
    assert!(waiting.read().verdict(Style::Path).is_allow());
}

#[test]
fn over_the_bound_the_connection_that_is_idle_for_longest_makes_room() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "[limits]\nconnections = 3");
    let mut idle = open(&gateway, 3);
    for client in &mut idle {
        assert!(client.send(&callback()).verdict(Style::Path).is_allow());
    }
    // The first was idle for longest, until now.
    assert!(idle[0].send(&callback()).verdict(Style::Path).is_allow());
    let mut more = gateway.connect();
    assert!(more.send(&callback()).verdict(Style::Path).is_allow());
    assert!(idle[1].is_closed());
    for open in [0, 2] {
        assert!(idle[open].send(&callback()).verdict(Style::Path).is_allow(), "{open}");
    }
}

//! Events that their decider does not take.

use std::time::{Duration, Instant};

use harness::{Asked, Decider, Nats, PATIENCE, Says};
use serde_json::json;
use tonic::Status;

use crate::support::{counted, events, gateway, of, received, tell, wait_until};

/// A decider that fails the group `poison`.
fn failing(status: impl Fn() -> Status + Send + Sync + 'static) -> Decider {
    Decider::start(move |asked: &Asked| match of(asked).0 == "poison" {
        true => Says::Status(status()),
        false => Says::Response(json!({})),
    })
}

#[test]
fn an_event_that_fails_blocks_only_its_partition_and_is_dead_in_the_end() {
    let Some(server) = Nats::start("") else { return };
    let decider = failing(|| Status::internal("never"));
    let gateway = gateway(&decider, [&server], "max_block = '2s'\npartitions = 4");
    let mut client = gateway.connect();
    let began = Instant::now();
    tell(&mut client, "poison", "1");
    // By the hash of their keys, g0 and g2 are in other partitions, and g1 in the same.
    for group in ["g0", "g1", "g2"] {
        tell(&mut client, group, "");
    }
    wait_until("the others are delivered", Duration::from_secs(1), || {
        let received = received(&decider);
        received.contains_key("g0") && received.contains_key("g2")
    });
    assert_eq!(events(&gateway, "dead"), 0.0);
    assert!(!received(&decider).contains_key("g1"));
    gateway.wait_for_metric(&counted("dead"), 1.0);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    gateway.wait_for_metric(&counted("delivered"), 3.0);
    assert!(received(&decider)["poison"].len() >= 2);
}

#[test]
fn what_can_never_be_delivered_is_dead_at_once_and_what_nobody_wants_is_ignored() {
    let Some(server) = Nats::start("") else { return };
    for (status, outcome) in [
        (Status::invalid_argument("no"), "dead"),
        (Status::out_of_range("no"), "dead"),
        (Status::unimplemented("no"), "ignored"),
    ] {
        let decider = failing(move || status.clone());
        let gateway = gateway(&decider, [&server], "");
        tell(&mut gateway.connect(), "poison", "1");
        gateway.wait_for_metric(&counted(outcome), 1.0);
        assert_eq!(decider.asked().len(), 1);
    }
}

#[test]
fn a_decider_that_is_down_burns_no_attempt() {
    let Some(server) = Nats::start("") else { return };
    let mut decider = Decider::down(|_| json!({}));
    let gateway = gateway(&decider, [&server], "max_block = '1s'");
    tell(&mut gateway.connect(), "g1", "1");
    std::thread::sleep(Duration::from_secs(3));
    decider.restart();
    gateway.wait_for_metric(&counted("delivered"), 1.0);
    assert_eq!(decider.asked_once().metadata("event-attempt"), "1");
    assert_eq!(events(&gateway, "dead"), 0.0);
}

#[test]
fn a_stop_hands_an_event_that_waits_to_another_gateway_at_once() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::start(|asked| match asked.metadata("event-attempt") {
        "1" => Says::Status(Status::internal("not yet")),
        _ => Says::Response(json!({})),
    });
    let first = gateway(&decider, [&server], "");
    tell(&mut first.connect(), "g1", "1");
    first.wait_for_metric(&counted("retried"), 1.0);
    first.stop();
    let second = gateway(&decider, [&server], "");
    // Long before the 30 s after which the servers deliver it again by themselves.
    wait_until("it is delivered", PATIENCE, || events(&second, "delivered") == 1.0);
    assert_eq!(received(&decider)["g1"].len(), 2);
}

#[test]
fn a_decider_that_asks_to_be_called_at_once_is_not_called_more_often_than_each_second() {
    let Some(server) = Nats::start("") else { return };
    let decider = failing(|| {
        let mut status = Status::resource_exhausted("now");
        status.metadata_mut().insert("grpc-retry-pushback-ms", "0".parse().expect("ASCII"));
        status
    });
    let gateway = gateway(&decider, [&server], "max_block = '2s'");
    tell(&mut gateway.connect(), "poison", "1");
    gateway.wait_for_metric(&counted("dead"), 1.0);
    assert!((2..=4).contains(&decider.asked().len()), "{}", decider.asked().len());
}

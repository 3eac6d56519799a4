//! Kept events are delivered, once and in order, by any gateway.

use std::time::Duration;

use harness::{Decider, Gateway, Nats, PATIENCE, Says};
use serde_json::json;
use tonic::Status;

use crate::support::{events, gateway, kept, received, settings, tell, wait_until};

/// The time after which the servers deliver an event again that a gateway has neither ended nor shown progress with.
const ACK_WAIT: Duration = Duration::from_secs(35);

#[test]
fn a_caller_is_answered_when_the_event_is_stored_not_when_it_is_delivered() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::saying(Says::Nothing);
    let gateway = gateway(&decider, [&server], "");
    tell(&mut gateway.connect(), "g1", "hello");
    assert_eq!(kept(&gateway), 1.0);
    decider.wait_until_asked(1);
    let asked = decider.asked_once();
    assert_eq!(asked.rpc, "AfterSendGroupMsg");
    assert_eq!(
        (asked.metadata("event-attempt"), asked.metadata("openim-operation-id")),
        ("1", "op-1")
    );
    assert_eq!(events(&gateway, "delivered"), 0.0);
}

#[test]
fn events_outlive_their_gateway_and_their_server() {
    let Some(mut server) = Nats::start("") else { return };
    let mut decider = Decider::down(|_| json!({}));
    let first = gateway(&decider, [&server], "");
    let mut client = first.connect();
    for n in 0..50 {
        tell(&mut client, "g1", &n.to_string());
    }
    assert_eq!(kept(&first), 50.0);
    drop(client);
    first.stop();
    server.kill();
    server.restart();
    decider.restart();
    let second = gateway(&decider, [&server], "");
    // A server that was killed may not remember that the first one was given back, and waits for it.
    wait_until("all are delivered", ACK_WAIT, || events(&second, "delivered") == 50.0);
    let expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    assert_eq!(received(&decider)["g1"], expected);
}

#[test]
fn another_gateway_delivers_what_one_was_delivering_when_it_died() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::start(|asked| match asked.metadata("event-attempt") {
        "1" => Says::Nothing,
        _ => Says::Response(json!({})),
    });
    let first = gateway(&decider, [&server], "");
    tell(&mut first.connect(), "g1", "1");
    decider.wait_until_asked(1);
    drop(first);
    let second = gateway(&decider, [&server], "");
    wait_until("it is delivered", ACK_WAIT, || events(&second, "delivered") == 1.0);
}

#[test]
fn events_of_one_key_are_in_order_whichever_gateway_receives_and_delivers_them() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::start(|asked| {
        let fails =
            asked.request["msg"]["content"] == "7" && asked.metadata("event-attempt") == "1";
        match fails {
            true => Says::Status(Status::aborted("once")),
            false => Says::Response(json!({})),
        }
    });
    let gateways = [gateway(&decider, [&server], ""), gateway(&decider, [&server], "")];
    let mut clients = gateways.each_ref().map(Gateway::connect);
    for n in 0..100 {
        tell(&mut clients[n % 2], "g1", &n.to_string());
    }
    let delivered = || gateways.iter().map(|gateway| events(gateway, "delivered")).sum::<f64>();
    wait_until("all are delivered", 2 * PATIENCE, || delivered() >= 100.0);
    let mut expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    expected.insert(7, "7".to_owned());
    assert_eq!(received(&decider)["g1"], expected);
    assert!(gateways.iter().all(|gateway| events(gateway, "delivered") > 0.0), "one delivers all");
}

#[test]
fn an_attempt_that_takes_longer_than_the_servers_wait_is_not_made_by_another_gateway_as_well() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::saying(Says::Nothing);
    let events = "[events]\nstore = 'nats'\nstore_timeout = '5s'\nattempt_timeout = '60s'\n";
    let text = settings(events, [&server], "");
    let gateways = [(); 2].map(|()| Gateway::start(&decider.url(), &text));
    tell(&mut gateways[0].connect(), "g1", "1");
    decider.wait_until_asked(1);
    std::thread::sleep(ACK_WAIT);
    assert_eq!(decider.asked().len(), 1);
}

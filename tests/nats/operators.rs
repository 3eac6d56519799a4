//! Operators see the events in NATS, replay and drop them, by the admin port.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use harness::{Admin, Asked, Decider, Gateway, Nats, PATIENCE, Request, Says, Style};
use http::StatusCode;
use serde_json::{Value, json};
use tonic::Status;

use crate::support::{counted, gateway, received, settings, tell, wait_until};

fn admin(gateway: &Gateway) -> Admin {
    gateway.admin(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn read(admin: &Admin, path: &str) -> Value {
    let mut request = Request::post(path, "");
    request.method = "GET".to_owned();
    let answer = admin.send(request);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

fn list(admin: &Admin, query: &str) -> Vec<Value> {
    let list = read(admin, &format!("/events/list{query}"));
    list["records"].as_array().expect("a list").clone()
}

fn act(admin: &Admin, name: &str, selection: &Value) -> u64 {
    let request = Request::post(format!("/events/{name}"), selection.to_string())
        .header("Content-Type", "application/json")
        .header("X-Requested-By", "test");
    let answer = admin.send(request);
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let acted = answer.json();
    assert_eq!(acted["next"], Value::Null);
    acted["records"].as_u64().expect("a number")
}

/// A decider that gives a status to what it is told of until it is mended.
fn refusing(status: fn() -> Status, is_mended: &'static AtomicBool) -> Decider {
    Decider::start(move |_: &Asked| match is_mended.load(Relaxed) {
        true => Says::Response(json!({})),
        false => Says::Status(status()),
    })
}

#[test]
fn dead_events_are_seen_and_replayed_with_their_ids() {
    static IS_MENDED: AtomicBool = AtomicBool::new(false);
    let Some(server) = Nats::start("") else { return };
    let decider = refusing(|| Status::invalid_argument("no, 世界"), &IS_MENDED);
    let gateway = gateway(&decider, [&server], "");
    let (admin, mut client) = (admin(&gateway), gateway.connect());
    for n in 0..3 {
        tell(&mut client, "g1", &n.to_string());
        gateway.wait_for_metric(&counted("dead"), f64::from(n + 1));
    }
    let status = read(&admin, "/events");
    assert_eq!(
        ["store", "waiting", "dead", "ignored"].map(|key| &status[key]),
        [&json!("nats"), &json!(0), &json!(3), &json!(0)]
    );
    let dead = list(&admin, "?state=dead&callback=afterSendGroupMsg");
    let ids: Vec<_> = dead.iter().map(|letter| letter["id"].as_str().expect("an id")).collect();
    let asked: Vec<_> =
        decider.asked().iter().map(|asked| asked.metadata("callback-id").to_owned()).collect();
    assert_eq!(ids.iter().rev().copied().collect::<Vec<_>>(), asked, "the newest first");
    let first = &dead[2];
    assert_eq!((&first["key"], &first["operation_id"]), (&json!("default:g1"), &json!("op-1")));
    assert!(first["status"].as_str().expect("a text").contains("no, 世界"), "{first}");
    assert_eq!(first["attempts"].as_array().expect("times").len(), 1);
    assert_eq!(first["attempted"], json!(1));
    let shown = read(&admin, &format!("/events/{}?body=true", ids[2]));
    assert_eq!(shown["body"]["msg"]["content"], "0", "{shown}");

    IS_MENDED.store(true, Relaxed);
    assert_eq!(act(&admin, "replay", &json!({ "ids": [ids[2], ids[1]] })), 2);
    gateway.wait_for_metric(&counted("delivered"), 2.0);
    assert_eq!(received(&decider)["g1"], ["0", "1", "2", "0", "1"]);
    assert_eq!(decider.asked()[3].metadata("callback-id"), ids[2]);
    assert_eq!(act(&admin, "drop", &json!({ "state": "dead" })), 1);
    assert_eq!(read(&admin, "/events")["dead"], json!(0));
}

#[test]
fn ignored_events_are_replayed_as_often_as_need_be_and_deleted_at_their_age() {
    static IS_MENDED: AtomicBool = AtomicBool::new(false);
    let Some(server) = Nats::start("") else { return };
    let decider = refusing(|| Status::unimplemented("no"), &IS_MENDED);
    let events_config = "[events]\nstore = 'nats'\nstore_timeout = '5s'\nmax_age = '4s'\n";
    let text = settings(events_config, [&server], "");
    let gateway = Gateway::start(&decider.url(), &text);
    let admin = admin(&gateway);
    tell(&mut gateway.connect(), "g1", "1");
    for times in 1..=3 {
        gateway.wait_for_metric(&counted("ignored"), f64::from(times));
        assert_eq!(list(&admin, "?state=ignored").len(), 1, "{times}");
        if times < 3 {
            assert_eq!(act(&admin, "replay", &json!({ "state": "ignored" })), 1);
        }
    }
    assert_eq!(decider.asked().len(), 3);
    wait_until("it is deleted", 2 * PATIENCE, || list(&admin, "").is_empty());
}

#[test]
fn what_waits_is_listed_by_pages_and_can_be_dropped() {
    let Some(server) = Nats::start("") else { return };
    let mut decider = Decider::down(|_| json!({}));
    let gateway = gateway(&decider, [&server], "");
    let (admin, mut client) = (admin(&gateway), gateway.connect());
    for n in 0..25 {
        tell(&mut client, ["g0", "g1"][n % 2], &n.to_string());
    }
    assert_eq!(read(&admin, "/events")["waiting"], json!(25));
    let (mut pages, mut query) = (Vec::new(), String::new());
    loop {
        let page = read(&admin, &format!("/events/list?limit=10{query}"));
        pages.push(page["records"].as_array().expect("a list").len());
        match page["next"].as_u64() {
            Some(next) => query = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, [10, 10, 5]);
    assert_eq!(list(&admin, "?key=default:g0").len(), 13);
    assert_eq!(act(&admin, "drop", &json!({ "state": "waiting", "key": "default:g0" })), 13);
    decider.restart();
    let received = || received(&decider);
    wait_until("the others are delivered", PATIENCE, || {
        received().get("g1").is_some_and(|texts| texts.len() == 12)
    });
    // A few had been handed to the gateway, which asks for some ahead.
    assert!(received().get("g0").is_none_or(|texts| texts.len() <= 4), "{:?}", received());
}

#[test]
fn a_replay_ends_at_the_place_where_its_first_act_found_the_last() {
    static IS_MENDED: AtomicBool = AtomicBool::new(false);
    let Some(server) = Nats::start("") else { return };
    let decider = refusing(|| Status::invalid_argument("no"), &IS_MENDED);
    let gateway = gateway(&decider, [&server], "");
    let (admin, mut client) = (admin(&gateway), gateway.connect());
    for n in 0..3 {
        tell(&mut client, "g1", &n.to_string());
        gateway.wait_for_metric(&counted("dead"), f64::from(n + 1));
    }
    // The place of the second one.
    let until = &read(&admin, "/events/list?state=dead&limit=2")["next"];
    assert_eq!(act(&admin, "replay", &json!({ "state": "dead", "until": until })), 2);
    gateway.wait_for_metric(&counted("dead"), 5.0);
    assert_eq!(act(&admin, "drop", &json!({ "state": "dead", "until": until })), 0);
    assert_eq!(list(&admin, "?state=dead").len(), 3);
}

#[test]
fn what_goes_while_events_are_dropped_is_neither_an_error_nor_counted() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::down(|_| json!({}));
    let gateways = [gateway(&decider, [&server], ""), gateway(&decider, [&server], "")];
    let mut client = gateways[0].connect();
    for n in 0..400 {
        tell(&mut client, &format!("g{n}"), "");
    }
    let admins = gateways.each_ref().map(admin);
    let dropped: u64 = thread::scope(|scope| {
        let drop = |admin| scope.spawn(move || act(admin, "drop", &json!({ "state": "waiting" })));
        let acts = admins.each_ref().map(drop);
        acts.into_iter().map(|act| act.join().expect("no panic")).sum()
    });
    assert_eq!(dropped, 400);
    assert_eq!(read(&admins[0], "/events")["waiting"], json!(0));
}

#[test]
fn a_partition_goes_on_once_the_event_is_dropped_whose_decider_is_down() {
    let Some(server) = Nats::start("") else { return };
    let (down, decider) = (Decider::down(|_| json!({})), Decider::allowing());
    let more = format!(
        "partitions = 1\n[deciders.down]\nendpoints = ['{}']\n[callbacks.afterSendSingleMsg]\ndecider = 'down'\n",
        down.url()
    );
    let gateway = gateway(&decider, [&server], &more);
    let body = json!({ "sendID": "u1", "recvID": "u2", "content": "1", "operationID": "op-1" });
    let single = Request::callback(Style::Path, "callbackAfterSendSingleMsgCommand", &body);
    let mut client = gateway.connect();
    assert!(client.send(&single).verdict(Style::Path).is_allow());
    tell(&mut client, "g1", "1");
    let selection = json!({ "state": "waiting", "callback": "afterSendSingleMsg" });
    assert_eq!(act(&admin(&gateway), "drop", &selection), 1);
    // The gateway finds out when it shows progress; what was handed to it meanwhile comes again 30 seconds later.
    wait_until("the partition goes on", 9 * PATIENCE, || {
        gateway.metric(&counted("delivered")) == 1.0
    });
}

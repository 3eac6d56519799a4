//! Events of one key arrive one after the other, as received.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use harness::{Asked, Decider, Says, Style};
use serde_json::json;
use tonic::Status;

use super::{GROUP, contents, number, start, tell};

#[test]
fn both_directions_of_a_chat_are_one_order() {
    let random = |asked: &Asked| {
        std::thread::sleep(Duration::from_micros(number(asked) as u64 * 7919 % 3000));
        json!({})
    };
    let (decider, directory) = (Decider::start(random), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    for n in 0..60 {
        let (from, to) = if n % 3 == 0 { ("b", "a") } else { ("a", "b") };
        tell(&gateway, from, to, &n.to_string());
    }
    decider.wait_until_asked(60);
    let expected: Vec<_> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(contents(&decider.asked()), expected);
}

#[test]
fn only_the_key_of_a_failed_event_waits() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let script = |asked: &Asked| match &asked.request["recvID"] {
        to if to == "sick" && FAILS.load(Relaxed) => Says::Status(Status::internal("ill")),
        _ => Says::Response(json!({})),
    };
    let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    for n in 0..10 {
        tell(&gateway, "a", if n % 2 == 0 { "sick" } else { "well" }, &n.to_string());
    }
    decider.wait_until_asked(6);
    let asked = decider.take_asked();
    let mut first: Vec<_> = contents(&asked);
    first.sort_unstable();
    assert_eq!(
        first,
        ["0", "1", "3", "5", "7", "9"],
        "one of the key that fails, all of the other"
    );
    FAILS.store(false, Relaxed);
    decider.wait_until_asked(5);
    let asked = decider.take_asked();
    assert_eq!(contents(&asked), ["0", "2", "4", "6", "8"]);
    assert_eq!(asked[0].metadata("event-attempt"), "2");
    assert_eq!(asked[1].metadata("event-attempt"), "1");
    gateway.wait_for_metric("events_waiting", 0.0);
}

#[test]
fn a_restart_keeps_the_order_of_each_key() {
    let mut decider = Decider::down(|_| json!({}));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    for n in 0..300 {
        tell(&gateway, "a", &format!("b{}", n % 7), &n.to_string());
    }
    gateway.stop();
    decider.restart();
    let _gateway = start(&decider, directory.path(), "events.in_flight = 3");
    decider.wait_until_asked(300);
    let mut last: HashMap<String, usize> = HashMap::new();
    for asked in decider.asked() {
        let before = last.insert(asked.request["recvID"].to_string(), number(&asked));
        assert!(before.is_none_or(|before| before < number(&asked)), "{asked:?}");
    }
}

#[test]
fn events_of_a_callback_that_is_not_ordered_do_not_wait_for_each_other() {
    let script = |asked: &Asked| match number(asked) {
        0 => Says::Nothing,
        _ => Says::Response(json!({})),
    };
    let asked_of_group = |settings: &str, times: usize| {
        let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("one"));
        let gateway = start(&decider, directory.path(), settings);
        for n in 0..6 {
            let body = json!({ "sendID": "a", "groupID": "g", "content": n.to_string() });
            assert!(gateway.call(Style::Path, GROUP, &body).verdict(Style::Path).is_allow());
        }
        tell(&gateway, "a", "b", "7");
        decider.wait_until_asked(times);
        let asked = decider.asked();
        asked.iter().filter(|asked| asked.rpc == "AfterSendGroupMsg").count()
    };
    assert_eq!(asked_of_group("", 2), 1, "the others wait for the first");
    assert_eq!(asked_of_group("[callbacks.afterSendGroupMsg]\nordered = false", 7), 6);
}

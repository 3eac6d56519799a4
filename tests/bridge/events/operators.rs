//! Operators see the events that are kept, replay and drop them, by the admin port.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use harness::{Admin, Asked, Decider, Gateway, PATIENCE, Request, Response, Says, Style};
use http::StatusCode;
use serde_json::{Value, json};
use tonic::Status;

use super::{SINGLE, contents, number, start, tell};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ALL: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn get(admin: &Admin, path: &str) -> Response {
    let mut request = Request::post(path, "");
    request.method = "GET".to_owned();
    admin.send(request)
}

/// The JSON of a path.
fn read(admin: &Admin, path: &str) -> Value {
    let answer = get(admin, path);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

fn act(act: &str, selection: &Value) -> Request {
    Request::post(format!("/events/{act}"), selection.to_string())
        .header("Content-Type", "application/json")
        .header("X-Requested-By", "test")
}

/// Acts on all that is selected, and returns the number of records.
fn all(admin: &Admin, name: &str, mut selection: Value) -> u64 {
    let mut records = 0;
    loop {
        let answer = admin.send(act(name, &selection));
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let acted = answer.json();
        records += acted["records"].as_u64().expect("a number");
        match &acted["next"] {
            Value::Null => return records,
            next => selection["cursor"] = next.clone(),
        }
    }
}

/// The ids of the listed records.
fn ids(admin: &Admin, query: &str) -> Vec<String> {
    let list = read(admin, &format!("/events/list{query}"));
    let records = list["records"].as_array().expect("a list");
    records.iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

/// A decider that refuses what it is told of until it is mended.
fn refusing(is_mended: &'static AtomicBool) -> Decider {
    Decider::start(move |_: &Asked| match is_mended.load(Relaxed) {
        true => Says::Response(json!({})),
        false => Says::Status(Status::invalid_argument("no \u{1b}[31m")),
    })
}

/// A gateway with so many dead events of one chat.
fn with_dead(decider: &Decider, directory: &Path, count: usize, settings: &str) -> Gateway {
    let gateway = start(decider, directory, settings);
    for n in 0..count {
        tell(&gateway, "a", "b", &n.to_string());
    }
    gateway.wait_for_metric("events_dead", count as f64);
    gateway
}

#[test]
fn a_dead_event_is_seen_replayed_and_delivered_with_its_id() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let (decider, directory) = (refusing(&MENDED), tempfile::tempdir().expect("a directory"));
    let gateway = with_dead(&decider, directory.path(), 1, "");
    let admin = gateway.admin(LOOPBACK);
    let status = read(&admin, "/events");
    assert_eq!((&status["store"], &status["dead"]), (&json!("disk"), &json!(1)));
    assert_eq!((&status["waiting"], &status["in_flight"]), (&json!(0), &json!(0)));

    let list = read(&admin, "/events/list?state=dead&callback=afterSendSingleMsg&key=default:a,b");
    let record = &list["records"][0];
    let first = decider.asked_once();
    assert_eq!(record["id"], first.metadata("callback-id"));
    assert_eq!(record["received"], first.metadata("event-time"));
    assert_eq!(record["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["attempted"], 1);
    assert!(record["status"].as_str().is_some_and(|status| status.contains("no")), "{record}");
    assert_eq!(list["next"], Value::Null);

    MENDED.store(true, Relaxed);
    assert_eq!(all(&admin, "replay", json!({ "ids": [record["id"]] })), 1);
    decider.wait_until_asked(2);
    let second = &decider.asked()[1];
    assert_eq!(second.metadata("callback-id"), first.metadata("callback-id"));
    assert_eq!(second.metadata("event-attempt"), "2");
    gateway.wait_for_metric("events_dead", 0.0);
    gateway.wait_for_metric("events_waiting", 0.0);
    assert_eq!(all(&admin, "replay", json!({ "ids": [record["id"]] })), 0, "it is gone");
}

#[test]
fn contents_are_shown_on_demand_only() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let (decider, directory) = (refusing(&MENDED), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    tell(&gateway, "a", "b", "a-word");
    gateway.wait_for_metric("events_dead", 1.0);
    let admin = gateway.admin(LOOPBACK);
    let id = &ids(&admin, "")[0];
    for path in ["/events", "/events/list", &format!("/events/{id}")] {
        let answer = get(&admin, path).body;
        assert!(!answer.contains("a-word"), "{path}: {answer}");
    }
    let shown = read(&admin, &format!("/events/{id}?body=true"));
    assert_eq!(
        (&shown["callback"], &shown["state"]),
        (&json!("afterSendSingleMsg"), &json!("dead"))
    );
    assert_eq!(shown["body"]["msg"]["content"], "a-word");
    assert_eq!(get(&admin, &format!("/events/{}", uuid::Uuid::nil())).status, 404);
}

#[test]
fn a_list_has_the_newest_first_page_by_page_and_what_is_asked_for() {
    let mut decider = Decider::down(|_| json!({}));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    for (n, to) in ["b", "c", "b", "c"].iter().enumerate() {
        tell(&gateway, "a", to, &n.to_string());
    }
    let admin = gateway.admin(LOOPBACK);
    let newest = ids(&admin, "");
    assert_eq!(newest.len(), 4);
    assert_eq!(ids(&admin, "?key=default:a,b&state=waiting"), [&*newest[1], &*newest[3]]);
    for none in
        ["?state=dead", "?callback=afterUserOnline", "?key=x", "?since=2200-01-01T00:00:00Z"]
    {
        assert!(ids(&admin, none).is_empty(), "{none}");
    }
    let page = read(&admin, "/events/list?limit=2&since=2020-01-01T00:00:00Z");
    assert_eq!(page["records"].as_array().map(Vec::len), Some(2));
    assert_eq!(ids(&admin, &format!("?limit=2&cursor={}", page["next"])), newest[2..]);
    for wrong in ["?limit=0", "?limit=1001", "?stat=dead", "?state=lost"] {
        assert_eq!(get(&admin, &format!("/events/list{wrong}")).status, 400, "{wrong}");
    }
    decider.restart();
    decider.wait_until_asked(4);
}

#[test]
fn a_dropped_event_is_not_delivered_and_holds_up_none_of_its_key() {
    let mut decider = Decider::down(|_| json!({}));
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(&decider, directory.path(), "");
    for n in 0..4 {
        tell(&gateway, "a", "b", &n.to_string());
    }
    let admin = gateway.admin(LOOPBACK);
    let newest = ids(&admin, "");
    assert_eq!(all(&admin, "drop", json!({ "ids": [newest[1]] })), 1);
    assert_eq!(read(&admin, "/events")["waiting"], 3);
    decider.restart();
    decider.wait_until_asked(3);
    assert_eq!(contents(&decider.asked()), ["0", "1", "3"]);
    gateway.wait_for_metric("events_waiting", 0.0);
}

#[test]
fn a_dropped_event_that_waited_for_another_attempt_lets_the_next_of_its_key_go() {
    let script = |asked: &Asked| match number(asked) {
        0 => Says::Status(Status::unavailable("soon")),
        _ => Says::Response(json!({})),
    };
    let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    tell(&gateway, "a", "b", "0");
    tell(&gateway, "a", "b", "1");
    gateway
        .wait_for_metric(r#"events_total{callback="afterSendSingleMsg",outcome="retried"}"#, 1.0);
    let admin = gateway.admin(LOOPBACK);
    let oldest = ids(&admin, "?state=waiting").pop();
    assert_eq!(all(&admin, "drop", json!({ "ids": [oldest] })), 1);
    decider.wait_until_asked(2);
    assert_eq!(contents(&decider.asked()), ["0", "1"]);
    gateway.wait_for_metric("events_waiting", 0.0);
}

#[test]
fn an_event_that_is_dropped_in_flight_changes_no_counter_when_it_ends() {
    let script = |asked: &Asked| match (number(asked), asked.metadata("event-attempt")) {
        (0, "1") => Says::Status(Status::unavailable("soon")),
        (0, _) => {
            std::thread::sleep(Duration::from_millis(300));
            Says::Response(json!({}))
        }
        _ => Says::Nothing,
    };
    let (decider, directory) = (Decider::start(script), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let admin = gateway.admin(LOOPBACK);
    tell(&gateway, "a", "b", "0");
    tell(&gateway, "a", "b", "1");
    decider.wait_until_asked(2);
    assert_eq!(read(&admin, "/events")["in_flight"], 1);
    assert_eq!(all(&admin, "drop", json!({ "state": "waiting", "ids": [ids(&admin, "")[1]] })), 1);
    gateway.wait_for_metric("events_waiting", 1.0);
    decider.wait_until_asked(3);
    assert_eq!(contents(&decider.asked()), ["0", "0", "1"]);
    let status = read(&admin, "/events");
    assert_eq!((&status["waiting"], &status["in_flight"]), (&json!(1), &json!(1)));
    assert_eq!(gateway.metric("events_waiting"), 1.0);
}

#[test]
fn an_act_names_its_events() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let admin = gateway.admin(LOOPBACK);
    let many = vec![uuid::Uuid::nil().to_string(); 1001];
    for (name, selection) in [
        ("drop", json!({})),
        ("drop", json!({ "since": "2020-01-01T00:00:00Z" })),
        ("drop", json!({ "callback": "afterUserOnline", "key": "k" })),
        ("replay", json!({ "key": "k" })),
        ("replay", json!({ "state": "waiting" })),
        ("replay", json!({ "ids": many })),
    ] {
        let answer = admin.send(act(name, &selection));
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name} {selection}: {answer:?}");
    }
    let misspelt = admin.send(act("drop", &json!({ "state": "dead", "kay": "k" })));
    assert_eq!(misspelt.status, StatusCode::UNPROCESSABLE_ENTITY, "{misspelt:?}");
}

/// Tells of messages of 64 chats, by several callers. Those of one chat are told one after the other.
fn tell_all(gateway: &Gateway, numbers: Range<usize>) {
    const CALLERS: usize = 16;
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let numbers = numbers.clone().filter(move |n| n % CALLERS == caller);
            scope.spawn(move || {
                let mut client = gateway.connect();
                for n in numbers {
                    let (to, content) = (format!("b{}", n % KEYS), n.to_string());
                    let body = json!({ "sendID": "a", "recvID": to, "content": content });
                    client.send(&Request::callback(Style::Path, SINGLE, &body));
                }
            });
        }
    });
}

const KEYS: usize = 64;

#[test]
fn a_replay_of_thousands_keeps_the_order_of_each_key_while_new_ones_arrive() {
    const DEAD: usize = 10_500;
    const ALL: usize = DEAD + 1000;
    static MENDED: AtomicBool = AtomicBool::new(false);
    let (decider, directory) = (refusing(&MENDED), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let settles = || {
        let until = Instant::now() + PATIENCE * 10;
        while gateway.metric("events_waiting") > 0.0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    tell_all(&gateway, 0..DEAD);
    settles();
    gateway.wait_for_metric("events_dead", DEAD as f64);
    let admin = gateway.admin(LOOPBACK);
    drop(decider.take_asked());
    MENDED.store(true, Relaxed);
    std::thread::scope(|scope| {
        let replay = scope.spawn(|| all(&admin, "replay", json!({ "state": "dead" })));
        tell_all(&gateway, DEAD..ALL);
        assert_eq!(replay.join().expect("no panic"), DEAD as u64);
    });
    settles();
    gateway.wait_for_metric("events_dead", 0.0);
    let asked = decider.take_asked();
    assert_eq!(asked.len(), ALL);
    let mut last: HashMap<(bool, usize), usize> = HashMap::new();
    for n in asked.iter().map(number) {
        let before = last.insert((n < DEAD, n % KEYS), n);
        assert!(before.is_none_or(|before| before < n), "{n} after {before:?}");
    }
}

#[test]
fn all_but_the_numbers_ask_for_a_token_off_loopback_or_where_one_is_set() {
    static MENDED: AtomicBool = AtomicBool::new(false);
    let (decider, directory) = (refusing(&MENDED), tempfile::tempdir().expect("a directory"));
    let gateway = with_dead(&decider, directory.path(), 1, "");
    let id = ids(&gateway.admin(LOOPBACK), "")[0].clone();
    let statuses = |admin: &Admin, authorization: &str| {
        let with = |request: Request| match authorization {
            "" => request,
            value => request.header("Authorization", value),
        };
        let paths = ["/events/list", &format!("/events/{id}"), &format!("/events/{id}?body=true")];
        let reads =
            paths.map(|path| Request { method: "GET".to_owned(), ..Request::post(path, "") });
        let acts = ["replay", "drop"].map(|name| act(name, &json!({ "ids": [uuid::Uuid::nil()] })));
        let requests = reads.into_iter().chain(acts);
        requests.map(|request| admin.send(with(request)).status.as_u16()).collect::<Vec<_>>()
    };
    let open = [200; 5];
    let admin = gateway.admin(LOOPBACK);
    assert_eq!(statuses(&admin, ""), open);
    for proxy in ["Forwarded", "X-Forwarded-For"] {
        let act = act("drop", &json!({ "state": "dead" })).header(proxy, "for=192.0.2.1");
        assert_eq!(admin.send(act).status, StatusCode::FORBIDDEN, "{proxy}");
    }
    drop(admin);
    let admin = gateway.admin(ALL);
    assert_eq!(statuses(&admin, ""), [403; 5]);
    for path in ["/events", "/livez", "/metrics"] {
        assert_eq!(get(&admin, path).status, StatusCode::OK, "{path}");
    }
    drop(admin);
    gateway.stop();

    let file = directory.path().join("token");
    std::fs::write(&file, "s3cret\n").expect("a file");
    let settings = format!("admin_token_file = {file:?}");
    let gateway = start(&decider, directory.path(), &settings);
    for address in [LOOPBACK, ALL] {
        let admin = gateway.admin(address);
        // admin:s3cret, other:s3cret, admin:secret
        assert_eq!(statuses(&admin, "Basic YWRtaW46czNjcmV0"), open);
        for wrong in ["", "Basic b3RoZXI6czNjcmV0", "Basic YWRtaW46c2VjcmV0", "Bearer s3cret"] {
            assert_eq!(statuses(&admin, wrong), [401; 5], "{wrong}");
        }
        let two = act("drop", &json!({ "state": "dead" }))
            .header("Authorization", "Basic YWRtaW46czNjcmV0")
            .header("Authorization", "Basic YWRtaW46c2VjcmV0");
        assert_eq!(admin.send(two).status, StatusCode::UNAUTHORIZED);
        for path in ["/events", "/livez", "/readyz", "/metrics"] {
            assert_eq!(get(&admin, path).status, StatusCode::OK, "{path}");
        }
    }
    std::fs::write(&file, "other").expect("a file");
    gateway.refresh();
    let admin = gateway.admin(ALL);
    assert_eq!(statuses(&admin, "Basic YWRtaW46czNjcmV0"), [401; 5]);
    assert_eq!(statuses(&admin, "Basic YWRtaW46b3RoZXI="), open);
}

#[test]
fn a_page_in_a_browser_can_not_act() {
    let (decider, directory) = (Decider::allowing(), tempfile::tempdir().expect("a directory"));
    let gateway = start(&decider, directory.path(), "");
    let admin = gateway.admin(LOOPBACK);
    let selection = json!({ "state": "dead" }).to_string();
    let post = || Request::post("/events/drop", selection.clone());
    let plain = post().header("Content-Type", "application/json");
    assert_eq!(admin.send(plain).status, StatusCode::FORBIDDEN);
    let form = post().header("X-Requested-By", "x").header("Content-Type", "text/plain");
    assert_eq!(admin.send(form).status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(get(&admin, "/events/drop").status, StatusCode::METHOD_NOT_ALLOWED);
    let rebound = act("drop", &json!({ "state": "dead" })).header("Host", "evil.example");
    assert_eq!(admin.send(rebound).status, StatusCode::FORBIDDEN);
}

#[test]
fn a_gateway_without_a_store_says_so() {
    let gateway = Gateway::start(&Decider::allowing().url(), "");
    let admin = gateway.admin(LOOPBACK);
    for answer in [get(&admin, "/events"), admin.send(act("drop", &json!({ "state": "dead" })))] {
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert!(answer.body.contains("events.store"), "{answer:?}");
    }
}

//! A storm of valid and broken requests over many connections, before a decider that fails in every way, call by call.
//! `STORM_REQUESTS` sets how many there are; `STORM_SEED` makes another storm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use h2::Reason;
use harness::{Broken, Client, Fault, Gateway, Request, STYLES, Style, Verdict, frame};
use serde_json::{Value, json};

const CONNECTIONS: u64 = 32;
const DEADLINE: Duration = Duration::from_millis(150);
/// What a machine of two cores may take longer, with every connection in use.
const GRACE: Duration = Duration::from_secs(2);

const DENIED: i64 = 7001;
const FAILED: i64 = 5000;

#[test]
fn no_request_stays_without_a_verdict_and_none_is_allowed_against_the_policy() {
    let count = setting("STORM_REQUESTS", 2000);
    let seed = setting("STORM_SEED", 1);
    let decider = Broken::start(|head| {
        let id = head.headers.get("openim-operation-id").and_then(|id| id.to_str().ok());
        fault(id.and_then(|id| id.parse().ok()).expect("every call of the storm has an id"))
    });
    let settings = format!(
        "[defaults]\ndeadline = '{}ms'\n[limits]\nbody = 4096\n[breaker]\nfailures = 1000000",
        DEADLINE.as_millis()
    );
    let gateway = Gateway::start(&decider.url(), &settings);
    let began = Instant::now();
    let tally = std::thread::scope(|scope| {
        let threads = (0..CONNECTIONS).map(|n| {
            let count = count / CONNECTIONS + u64::from(n < count % CONNECTIONS);
            let random = Random(seed.wrapping_mul(CONNECTIONS).wrapping_add(n));
            let gateway = &gateway;
            scope.spawn(move || connection(gateway, random, count))
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .fold(Tally::default(), |all, thread| all + thread.join().expect("no panic"))
    });
    println!("{count} requests in {:?}\n{tally:#?}", began.elapsed());
    assert_eq!(tally.0.values().sum::<u64>(), count);
    let kinds = ["allowed", "told", "denied", "failed", "failed open", "refused", "left"];
    assert!(kinds.iter().all(|kind| tally.0.contains_key(kind)), "a calm: {tally:?}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// How often each outcome came.
#[derive(Debug, Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        other.0.into_iter().for_each(|(kind, n)| *self.0.entry(kind).or_default() += n);
        self
    }
}

/// Sends requests one after another, over a new connection where the last one is spent.
fn connection(gateway: &Gateway, mut random: Random, count: u64) -> Tally {
    let mut tally = Tally::default();
    let mut client = gateway.connect();
    for _ in 0..count {
        let id = random.next();
        let callback = &CALLBACKS[random.below(CALLBACKS.len())];
        let style = STYLES[random.below(2)];
        let request = Request::callback(style, callback.command, &(callback.body)())
            .header("operationID", id.to_string());
        let began = Instant::now();
        let kind = match random.below(20) {
            0 => {
                client.write(&request.bytes());
                client = gateway.connect();
                "left"
            }
            1 => {
                let bytes = request.bytes();
                client.write(&bytes[..random.below(bytes.len())]);
                client = gateway.connect();
                "left"
            }
            n @ 2..=9 => {
                let response = client.send(&damage(request, style, n));
                assert!(response.status.is_client_error(), "{response:?}");
                assert!(response.verdict(style).is_refuse());
                renew_if_closed(&mut client, gateway, &response);
                "refused"
            }
            _ => {
                let response = client.send(&request);
                renew_if_closed(&mut client, gateway, &response);
                settled(callback, fault(id), &response.verdict(style)).unwrap_or_else(|| {
                    panic!("{}: {:?}: {response:?}", callback.command, fault(id))
                })
            }
        };
        assert!(began.elapsed() < DEADLINE + GRACE, "{:?}", began.elapsed());
        *tally.0.entry(kind).or_default() += 1;
    }
    tally
}

fn renew_if_closed(client: &mut Client, gateway: &Gateway, response: &harness::Response) {
    if response.headers.get("connection").is_some_and(|c| c == "close") {
        *client = gateway.connect();
    }
}

/// A request that is no callback any more, in one of eight ways.
fn damage(mut request: Request, style: Style, way: usize) -> Request {
    let other = match style {
        Style::Path => "/callback/callbackBeforeAddFriendCommand",
        Style::Query => "/?command=callbackBeforeAddFriendCommand",
    };
    match way {
        2 => request.method = "PUT".into(),
        3 => other.clone_into(&mut request.target),
        4 => request.body.truncate(request.body.len() / 2),
        5 => request.body.extend(b"{}"),
        6 => request.body = vec![b' '; 5000],
        7 => request.body = b"[]".to_vec(),
        8 => request.body = br#"{"callbackCommand":["x"]}"#.to_vec(),
        _ => request.body = vec![0xff; 50],
    }
    request
}

struct Callback {
    command: &'static str,
    body: fn() -> Value,
    /// What an allow holds beside the verdict.
    echo: fn() -> Value,
    kind: Kind,
}

#[derive(PartialEq)]
enum Kind {
    /// Refused when the decision failed.
    Closed,
    /// Allowed when the decision failed.
    Open,
    /// Told, and always allowed.
    After,
}

fn nothing() -> Value {
    json!({})
}

fn group() -> Value {
    json!({ "groupID": "g", "groupName": "n", "faceURL": "", "introduction": "i" })
}

const CALLBACKS: [Callback; 7] = [
    closed("callbackBeforeAddBlackCommand", nothing, nothing),
    closed("callbackBeforeSetGroupInfoCommand", group, group),
    closed("userRegisterBeforeCommand", || json!({ "users": { "userID": "u" } }), nothing),
    closed("callbackBeforeMsgModifyCommand", || json!({ "content": "{}" }), nothing),
    closed("callbackBeforeSomethingNewCommand", nothing, nothing),
    Callback { kind: Kind::Open, ..closed("callbackBeforeOnlinePushCommand", nothing, nothing) },
    Callback { kind: Kind::After, ..closed("callbackAfterUserOnlineCommand", nothing, nothing) },
];

const fn closed(command: &'static str, body: fn() -> Value, echo: fn() -> Value) -> Callback {
    Callback { command, body, echo, kind: Kind::Closed }
}

/// What happens at the decider to the call with this id: the test and the decider must agree on it.
fn fault(id: u64) -> Fault {
    match id % 1000 {
        0..500 => Fault::message(ALLOW),
        500..700 => Fault::message(DENY),
        700..705 => Fault::Nothing,
        705..715 => Fault::CutOff,
        715..725 => Fault::GoAway(Reason::NO_ERROR),
        725..730 => Fault::GoAway(Reason::INTERNAL_ERROR),
        730..735 => Fault::Raw(b"\0\0\x32\x01\x04\0\0\0\x01\x88"),
        735..740 => Fault::Raw(b"HTTP/1.1 200 OK\r\n\r\n{}"),
        740..745 => Fault::message(vec![0; 5 << 20]),
        745..760 => Fault::message(b"\xff\xff\xff"),
        760..780 => Fault::http(404, "text/plain", "not found"),
        780..800 => Fault::http(500, "application/json", "{}"),
        800..820 => Fault::http(200, "text/html", "<html>"),
        820..840 => Fault::body(frame(ALLOW), None),
        840..860 => Fault::body(frame(ALLOW), Some("13")),
        860..880 => Fault::body(b"\0\0\0\0\x09\x01".to_vec(), Some("0")),
        880..910 => Fault::Reset(Reason::INTERNAL_ERROR),
        910..930 => Fault::Reset(Reason::REFUSED_STREAM),
        930..940 => Fault::Reset(Reason::CANCEL),
        940..960 => Fault::status("99"),
        960..970 => Fault::status("text"),
        status => Fault::status(&(status % 17).to_string()),
    }
}

/// An answer without any field.
const ALLOW: &[u8] = b"";
/// A denial with the code 7001, in the wire's own form. To an after-callback, an unknown field.
const DENY: &[u8] = b"\x0a\x03\x08\xd9\x36";

/// Whether a verdict is one that the decider's answer and the policy permit, and which. Any call may fail because
/// another one brought the connection down.
fn settled(callback: &Callback, fault: Fault, verdict: &Verdict) -> Option<&'static str> {
    let says = |message| format!("{fault:?}") == format!("{:?}", Fault::message(message));
    match verdict {
        Verdict::Allow(members) if json!(members) != (callback.echo)() => None,
        Verdict::Allow(_) if callback.kind == Kind::After => Some("told"),
        Verdict::Allow(_) if says(ALLOW) => Some("allowed"),
        Verdict::Allow(_) if callback.kind == Kind::Open => Some("failed open"),
        Verdict::Refuse { code: DENIED, .. } if says(DENY) && callback.kind != Kind::After => {
            Some("denied")
        }
        Verdict::Refuse { code: FAILED, .. } if callback.kind == Kind::Closed => Some("failed"),
        // What is wrong about the answer, or not implemented, refuses a push too.
        Verdict::Refuse { code: FAILED, .. } if callback.kind == Kind::Open && !says(ALLOW) => {
            Some("failed")
        }
        _ => None,
    }
}

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("less than a usize")
    }
}

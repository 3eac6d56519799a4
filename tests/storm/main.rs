//! A storm of valid and broken requests over many connections, before a decider that fails in every way, call by call.
//! `STORM_REQUESTS` sets how many there are; `STORM_SEED` makes another storm.

mod oracle;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use harness::{Broken, Client, Gateway, Request, STYLES, Style};

use self::oracle::{CALLBACKS, Kind, fault, is_right, settled};

const CONNECTIONS: u64 = 32;
const ENDPOINTS: usize = 4;
const DEADLINE: Duration = Duration::from_millis(150);
/// The additional time for a machine of two cores with every connection in use.
const GRACE: Duration = Duration::from_secs(2);

/// Of a hundred calls that the decider answers validly, so many must be decided by its answer. The others may fail with
/// a connection that other calls break.
const DECIDED_PERCENT: u64 = 50;

#[test]
fn no_request_stays_without_a_verdict_and_none_is_allowed_against_the_policy() {
    let count = setting("STORM_REQUESTS", 2000);
    let seed = setting("STORM_SEED", 1);
    let deciders = [(); ENDPOINTS].map(|()| {
        Broken::start(|head| {
            let id = head.headers.get("openim-operation-id").and_then(|id| id.to_str().ok());
            fault(id.and_then(|id| id.parse().ok()).expect("every call of the storm has an id"))
        })
    });
    let settings = format!(
        "[defaults]\ndeadline = '{}ms'\n[limits]\nbody = 4096\n[breaker]\nfailures = 1000000",
        DEADLINE.as_millis()
    );
    let gateway = Gateway::among(&deciders.each_ref().map(Broken::url), &settings);
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
    assert_eq!(tally.kinds.values().sum::<u64>(), count);
    let Tally { answered, decided, .. } = tally;
    assert!(decided * 100 >= answered * DECIDED_PERCENT, "{decided} of {answered} were decided");
    let kinds = ["allowed", "told", "denied", "failed", "failed open", "refused", "left"];
    assert!(kinds.iter().all(|kind| tally.kinds.contains_key(kind)), "a calm: {tally:?}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// The count of each outcome.
#[derive(Debug, Default)]
struct Tally {
    kinds: BTreeMap<&'static str, u64>,
    /// The callbacks that are refused when the decision failed, and that the decider answered validly.
    answered: u64,
    /// Those of them whose verdict is the decider's.
    decided: u64,
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        other.kinds.into_iter().for_each(|(kind, n)| *self.kinds.entry(kind).or_default() += n);
        self.answered += other.answered;
        self.decided += other.decided;
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
                let kind = settled(callback, &fault(id), &response.verdict(style));
                let kind = kind.unwrap_or_else(|| {
                    panic!("{}: {:?}: {response:?}", callback.command, fault(id))
                });
                if callback.kind == Kind::Closed && is_right(&fault(id)) {
                    tally.answered += 1;
                    tally.decided += u64::from(kind != "failed");
                }
                kind
            }
        };
        assert!(began.elapsed() < DEADLINE + GRACE, "{:?}", began.elapsed());
        *tally.kinds.entry(kind).or_default() += 1;
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

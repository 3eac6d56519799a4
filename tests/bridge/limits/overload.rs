//! More callbacks than the limit on calls in flight: each gets its verdict in time, some from the decider.

use std::time::{Duration, Instant};

use harness::{Decider, Gateway, Request, STYLES, Style, Verdict};
use serde_json::json;

const BOUND: usize = 8;
const CLIENTS: usize = 10 * BOUND;
const DEADLINE: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(1);
const DENIED: i64 = 7001;
const FAILED: i64 = 5000;

/// A slow decider that denies, so that its verdict is not the policy's.
fn slow(time: Duration) -> Decider {
    Decider::start(move |_| {
        std::thread::sleep(time);
        json!({ "denial": { "code": DENIED } })
    })
}

fn gateway(decider: &Decider) -> Gateway {
    let settings = format!(
        "[defaults]\ndeadline = '{}ms'\n[limits]\nin_flight = {BOUND}",
        DEADLINE.as_millis()
    );
    Gateway::start(&decider.url(), &settings)
}

#[test]
fn ten_times_the_calls_that_may_be_in_flight_all_get_a_verdict_in_time() {
    let decider = slow(Duration::from_millis(5));
    let gateway = gateway(&decider);
    let until = Instant::now() + Duration::from_secs(2);
    let send = |n: usize| {
        let style = STYLES[n % 2];
        let request = Request::callback(style, "callbackBeforeAddBlackCommand", &json!({}));
        let (mut decided, mut shed) = (0, 0);
        let mut client = gateway.connect();
        while Instant::now() < until {
            let began = Instant::now();
            match client.send(&request).verdict(style) {
                Verdict::Refuse { code: DENIED, .. } => decided += 1,
                Verdict::Refuse { code: FAILED, .. } => shed += 1,
                other => panic!("{other:?}"),
            }
            assert!(began.elapsed() < DEADLINE + GRACE, "{:?}", began.elapsed());
            // OpenIM's users do not retry at once.
            std::thread::sleep(Duration::from_millis(5));
        }
        (decided, shed)
    };
    let (decided, shed) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|n| scope.spawn(move || send(n))).collect();
        let ended = clients.into_iter().map(|client| client.join().expect("no panic"));
        ended.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    });
    println!("{decided} decided, {shed} shed");
    assert_eq!(decided, decider.asked().len(), "each answer of the decider was passed on");
    // It can take nearly 200 a second, one after another, on an idle machine.
    assert!(decided >= 80 && shed > decided, "{decided} decided, {shed} shed");
}

#[test]
fn over_the_bound_the_failure_policy_answers_at_once_and_then_the_decider_again() {
    let decider = slow(Duration::from_millis(400));
    let text = "[defaults]\ndeadline = '60s'\n[limits]\nin_flight = 1\n[callbacks.beforeAddBlack]\non_failure = 'allow'";
    let gateway = Gateway::start(&decider.url(), text);
    let mut first = gateway.connect();
    first.write(&super::callback().bytes());
    decider.wait_until_asked(1);
    let before =
        gateway.metric("callbacks_total{callback=\"beforeAddBlack\",outcome=\"failed_allow\"}");
    let began = Instant::now();
    assert!(gateway.send(&super::callback()).verdict(Style::Path).is_allow());
    assert!(began.elapsed() < Duration::from_millis(300), "{:?}", began.elapsed());
    let after =
        gateway.metric("callbacks_total{callback=\"beforeAddBlack\",outcome=\"failed_allow\"}");
    assert_eq!(after, before + 1.0);
    assert!(first.read().verdict(Style::Path).is_refuse());
    assert!(gateway.send(&super::callback()).verdict(Style::Path).is_refuse());
    assert_eq!(decider.asked().len(), 2);
}

//! Calls that fail in a row open the circuit to an endpoint, and one that works closes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use harness::{Broken, Decider, Fault, Gateway, Says, Style, Verdict};
use serde_json::json;
use tonic::Status;

use super::{ask, ask_until};

/// The rpc of gRPC health, by which an open circuit is probed.
const PROBE: &str = "/grpc.health.v1.Health/Check";
const OPEN: &str = "endpoints{decider=\"default\",state=\"open\"}";

#[test]
fn calls_that_fail_in_a_row_open_the_circuit_and_one_that_works_closes_it() {
    let (failing, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (fails, counter) = (failing.clone(), asked.clone());
    let decider = Broken::start(move |head| match (fails.load(SeqCst), head.uri.path()) {
        (true, PROBE) => Fault::status("14"),
        // A decider without a health check is alive all the same.
        (false, PROBE) => Fault::status("12"),
        (failing, _) => {
            counter.fetch_add(1, SeqCst);
            if failing { Fault::status("14") } else { Fault::message("") }
        }
    });
    let settings = "[breaker]\nfailures = 3\nfirst = '300ms'\nlongest = '300ms'";
    let gateway = Gateway::start(&decider.url(), settings);
    (0..10).for_each(|_| assert!(ask(&gateway).is_refuse()));
    assert_eq!(asked.load(SeqCst), 3, "the circuit is open: nobody is asked");
    failing.store(false, SeqCst);
    ask_until(&gateway, Verdict::is_allow);
    assert_eq!(asked.load(SeqCst), 4, "one call was the trial");
    (0..10).for_each(|_| assert!(ask(&gateway).is_allow()));
}

#[test]
fn a_broken_rule_or_an_unwritten_rpc_does_not_open_the_circuit() {
    for status in
        [Status::internal("rule"), Status::unimplemented(""), Status::permission_denied("")]
    {
        let decider = Decider::saying(status);
        let gateway = Gateway::start(&decider.url(), "[breaker]\nfailures = 1");
        (0..5).for_each(|_| assert!(ask(&gateway).is_refuse()));
        assert_eq!(decider.asked().len(), 5);
    }
}

#[test]
fn an_endpoint_that_fails_is_left_to_the_others() {
    let (good, bad) = (Decider::allowing(), Broken::always(Fault::status("14")));
    let settings = "[breaker]\nfailures = 2\nfirst = '60s'\nlongest = '60s'";
    let gateway = Gateway::among(&[good.url(), bad.url()], settings);
    ask_until(&gateway, Verdict::is_refuse);
    ask_until(&gateway, Verdict::is_refuse);
    (0..30).for_each(|_| assert!(ask(&gateway).is_allow()));
}

#[test]
fn details_of_a_status_that_are_not_what_they_should_be_do_no_harm() {
    let mut fault = Fault::status("13");
    if let Fault::Answer { head, .. } = &mut fault {
        let details = http::HeaderValue::from_static("no base64!");
        head.headers_mut().insert("grpc-status-details-bin", details);
    }
    let decider = Broken::always(fault);
    let gateway = Gateway::start(&decider.url(), "defaults.on_failure = 'allow'");
    assert!(ask(&gateway).is_allow(), "the failure policy speaks, not a panic");
}

#[test]
fn a_decider_that_hangs_up_at_once_opens_the_circuit() {
    let decider = Broken::hanging_up();
    let settings = "[breaker]\nfailures = 3\nfirst = '60s'\nlongest = '60s'";
    let gateway = Gateway::start(&decider.url(), settings);
    (0..20).for_each(|_| assert!(ask(&gateway).is_refuse()));
    assert_eq!(gateway.metric(OPEN), 1.0, "{}", gateway.metrics());
}

#[test]
fn a_probe_that_can_not_connect_is_answered_at_once_and_one_that_can_is_allowed() {
    let mut decider = Decider::down(|_| json!({}));
    let settings = "[breaker]\nfailures = 2\nfirst = '50ms'\nlongest = '50ms'";
    let gateway = Gateway::start(&decider.url(), settings);
    let (began, at_once) = (Instant::now(), Duration::from_millis(500));
    // Long enough for several probes, none of which may wait for the deadline of 2 s.
    while began.elapsed() < at_once {
        let asked = Instant::now();
        assert!(ask(&gateway).is_refuse());
        assert!(asked.elapsed() < at_once, "{:?}", asked.elapsed());
    }
    decider.restart();
    let began = Instant::now();
    ask_until(&gateway, Verdict::is_allow);
    assert!(began.elapsed() < at_once, "{:?}", began.elapsed());
}

#[test]
fn timeouts_open_the_circuit_and_calls_are_then_answered_at_once() {
    let decider = Broken::always(Fault::Nothing);
    let settings =
        "defaults.deadline = '200ms'\n[breaker]\nfailures = 2\nfirst = '60s'\nlongest = '60s'";
    let gateway = Gateway::start(&decider.url(), settings);
    (0..2).for_each(|_| assert!(ask(&gateway).is_refuse()));
    let began = Instant::now();
    (0..5).for_each(|_| assert!(ask(&gateway).is_refuse()));
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
}

#[test]
fn after_callbacks_do_not_open_the_circuit() {
    let decider = Decider::start(|asked| match &asked.rpc[..] {
        "AfterUserOnline" => Says::Nothing,
        "AfterUserOffline" => Status::unavailable("").into(),
        _ => json!({}).into(),
    });
    let settings =
        "defaults.deadline = '150ms'\n[breaker]\nfailures = 1\nfirst = '60s'\nlongest = '60s'";
    let gateway = Gateway::start(&decider.url(), settings);
    for command in ["callbackAfterUserOnlineCommand", "callbackAfterUserOfflineCommand"] {
        let response = gateway.call(Style::Path, command, &json!({}));
        assert!(response.verdict(Style::Path).is_allow());
        assert_eq!(gateway.metric(OPEN), 0.0);
        assert!(ask(&gateway).is_allow(), "{command}");
    }
}

#[test]
fn a_decider_that_hung_is_used_again_within_a_second_and_the_gauge_is_true_without_calls() {
    let hangs = Arc::new(AtomicBool::new(true));
    let hung = hangs.clone();
    let decider = Broken::start(move |head| match (hung.load(SeqCst), head.uri.path()) {
        (true, _) => Fault::Nothing,
        (false, PROBE) => Fault::status("12"),
        (false, _) => Fault::message(""),
    });
    let gateway = Gateway::start(&decider.url(), "defaults.deadline = '150ms'");
    while gateway.metric(OPEN) == 0.0 {
        assert!(ask(&gateway).is_refuse());
    }
    // Long enough for pauses to grow.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(gateway.metric(OPEN), 1.0);
    hangs.store(false, SeqCst);
    let began = Instant::now();
    gateway.wait_for_metric(OPEN, 0.0);
    assert!(ask(&gateway).is_allow());
    // A probe that hangs has half a second, and the next comes half a second later at most; the rest is for a busy
    // machine.
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

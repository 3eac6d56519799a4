//! Several endpoints of one decider: calls are spread over those that work, and what surely did not run is sent again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use h2::Reason;
use harness::{Broken, Decider, Fault, Gateway, PATIENCE, Port, Style, Verdict};
use serde_json::json;
use tonic::Status;

const COMMAND: &str = "callbackBeforeAddBlackCommand";

fn ask(gateway: &Gateway) -> Verdict {
    gateway.call(Style::Path, COMMAND, &json!({})).verdict(Style::Path)
}

/// Asks until an answer is as wanted.
fn ask_until(gateway: &Gateway, wanted: impl Fn(&Verdict) -> bool) {
    let until = Instant::now() + PATIENCE;
    while !wanted(&ask(gateway)) {
        assert!(Instant::now() < until, "no such answer in time");
    }
}

fn three() -> [Decider; 3] {
    [(); 3].map(|()| Decider::allowing())
}

fn urls(deciders: &[Decider]) -> Vec<String> {
    deciders.iter().map(Decider::url).collect()
}

#[test]
fn calls_are_spread_over_the_endpoints() {
    let deciders = three();
    let gateway = Gateway::among(&urls(&deciders), "");
    // The first calls go to those that are connected first.
    ask_until(&gateway, |_| deciders.iter().all(|decider| !decider.asked().is_empty()));
    deciders.iter().for_each(|decider| drop(decider.take_asked()));
    (0..150).for_each(|_| assert!(ask(&gateway).is_allow()));
    for decider in &deciders {
        assert!(decider.asked().len() > 20, "{} of 150", decider.asked().len());
    }
}

#[test]
fn an_endpoint_that_is_down_is_not_asked() {
    let (decider, down) = (Decider::allowing(), [Port::free(), Port::free()]);
    let urls = [down[0].url(), decider.url(), down[1].url()];
    let gateway = Gateway::among(&urls, "");
    (0..50).for_each(|_| assert!(ask(&gateway).is_allow()));
}

#[test]
fn a_rolling_restart_under_load_loses_no_call() {
    let mut deciders = three();
    let gateway = Arc::new(Gateway::among(&urls(&deciders), ""));
    let (done, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, done, calls) = (gateway.clone(), done.clone(), calls.clone());
            thread::spawn(move || {
                while !done.load(SeqCst) {
                    let verdict = ask(&gateway);
                    assert!(verdict.is_allow(), "{verdict:?}");
                    calls.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for round in 0..3 {
        for decider in &mut deciders {
            decider.wait_until_asked(1);
            decider.terminate();
            drop(decider.take_asked());
            decider.restart();
            decider.wait_until_asked(10);
        }
        assert!(callers.iter().all(|caller| !caller.is_finished()), "a call was lost in {round}");
    }
    done.store(true, SeqCst);
    callers.into_iter().for_each(|caller| caller.join().expect("no call was lost"));
    assert!(calls.load(SeqCst) > 90);
}

#[test]
fn a_call_that_was_not_run_is_sent_again_once_with_the_same_id() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    for (fault, answered) in [
        (Fault::Reset(Reason::REFUSED_STREAM), true),
        (Fault::Reset(Reason::INTERNAL_ERROR), false),
        (Fault::status("14"), false),
    ] {
        let (ids, what) = (refused.clone(), format!("{fault:?}"));
        let mut faults = vec![fault];
        let decider = Broken::start(move |head| {
            ids.lock().expect("a list").push(head.headers["callback-id"].clone());
            faults.pop().unwrap_or_else(|| Fault::message(""))
        });
        let gateway = Gateway::start(&decider.url(), "");
        assert_eq!(ask(&gateway).is_allow(), answered, "{what}");
        let ids: Vec<_> = refused.lock().expect("a list").drain(..).collect();
        assert_eq!(ids.len(), if answered { 2 } else { 1 }, "{what}");
        assert_eq!(ids.first(), ids.last(), "{what}");
    }
}

#[test]
fn a_call_is_sent_again_once_at_most() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let decider = Broken::start(move |_| {
        counter.fetch_add(1, SeqCst);
        Fault::Reset(Reason::REFUSED_STREAM)
    });
    let gateway = Gateway::start(&decider.url(), "");
    assert!(ask(&gateway).is_refuse());
    assert_eq!(asked.load(SeqCst), 2);
}

#[test]
fn retries_are_limited_to_a_share_of_the_calls() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let decider = Broken::start(move |_| {
        counter.fetch_add(1, SeqCst);
        Fault::Reset(Reason::REFUSED_STREAM)
    });
    let settings = "limits.retry_percent = 0";
    let gateway = Gateway::start(&decider.url(), settings);
    (0..40).for_each(|_| assert!(ask(&gateway).is_refuse()));
    assert_eq!(asked.load(SeqCst), 50, "40 calls, and the 10 retries that are saved up at first");
}

#[test]
fn calls_that_fail_in_a_row_open_the_circuit_and_one_that_works_closes_it() {
    let (failing, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (fails, counter) = (failing.clone(), asked.clone());
    let decider = Broken::start(move |_| {
        counter.fetch_add(1, SeqCst);
        match fails.load(SeqCst) {
            true => Fault::status("14"),
            false => Fault::message(""),
        }
    });
    let settings = "[breaker]\nfailures = 3\nfirst = '300ms'\nlongest = '300ms'";
    let gateway = Gateway::start(&decider.url(), settings);
    (0..10).for_each(|_| assert!(ask(&gateway).is_refuse()));
    assert_eq!(asked.load(SeqCst), 3, "the circuit is open: nobody is asked");
    failing.store(false, SeqCst);
    ask_until(&gateway, Verdict::is_allow);
    assert_eq!(asked.load(SeqCst), 4, "one call probed");
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
    let line = "callback_gateway_endpoints{decider=\"default\",state=\"open\"} 1";
    assert!(gateway.metrics().contains(line), "{}", gateway.metrics());
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
fn callbacks_go_to_the_decider_that_they_are_routed_to() {
    let (usual, moderation) = (Decider::allowing(), Decider::allowing());
    let settings = format!(
        "[deciders.moderation]\nendpoints = ['{}']\n\
         [callbacks.beforeSendGroupMsg]\ndecider = 'moderation'",
        moderation.url()
    );
    let gateway = Gateway::start(&usual.url(), &settings);
    assert!(ask(&gateway).is_allow());
    let group = gateway.call(Style::Path, "callbackBeforeSendGroupMsgCommand", &json!({}));
    assert!(group.verdict(Style::Path).is_allow());
    assert_eq!(usual.asked_once().rpc, "BeforeAddBlack");
    assert_eq!(moderation.asked_once().rpc, "BeforeSendGroupMsg");
}

#[test]
fn a_decider_is_reached_over_a_unix_domain_socket() {
    let decider = Decider::allowing();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let (listener, to) = (UnixListener::bind(&path).expect("a socket"), decider.url());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let there = TcpStream::connect(to.trim_start_matches("http://")).expect("it listens");
            pipe(stream.try_clone().expect("a handle"), there.try_clone().expect("a handle"));
            pipe(there, stream);
        }
    });
    let gateway = Gateway::start(&format!("unix:{}", path.display()), "");
    assert!(ask(&gateway).is_allow());
    assert_eq!(decider.asked_once().rpc, "BeforeAddBlack");
}

fn pipe(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    thread::spawn(move || std::io::copy(&mut from, &mut to));
}

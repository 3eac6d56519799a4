//! A call that surely did not run is sent again, once, within a budget.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use h2::Reason;
use harness::{Broken, Fault, Gateway};

use super::ask;

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

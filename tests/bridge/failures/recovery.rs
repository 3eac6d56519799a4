//! The decider comes, goes, and comes back.

use h2::Reason;
use harness::{Broken, Decider, Fault, Gateway, Style};
use serde_json::json;

use super::{ADD_BLACK, ask, assert_refused, soon};

#[test]
fn the_gateway_does_not_wait_for_the_decider_and_finds_it_when_it_comes() {
    let mut decider = Decider::down(|_| json!({}));
    let gateway = Gateway::start(&decider.url(), "");
    assert_refused(&ask(&gateway, ADD_BLACK, &json!({})), "before it came");
    decider.restart();
    assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow(), "once it is there");
}

#[test]
fn the_gateway_finds_the_decider_again_after_calls_failed() {
    let mut decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    for _ in 0..3 {
        assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow());
        decider.kill();
        assert_refused(&ask(&gateway, ADD_BLACK, &json!({})), "killed");
        decider.restart();
    }
    assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow());
}

#[test]
fn a_decider_that_was_restarted_between_two_calls_is_not_missed() {
    let mut decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    for _ in 0..5 {
        assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow());
        decider.restart();
    }
}

#[test]
fn a_broken_call_spoils_no_later_one() {
    for fault in [
        Fault::Nothing,
        Fault::CutOff,
        Fault::Raw(b"nonsense, and long enough to be a frame"),
        Fault::Reset(Reason::INTERNAL_ERROR),
        Fault::GoAway(Reason::NO_ERROR),
        Fault::GoAway(Reason::ENHANCE_YOUR_CALM),
        Fault::message(vec![0; 5 << 20]),
        Fault::http(500, "text/plain", "oh no"),
    ] {
        let what = format!("{fault:?}").chars().take(40).collect::<String>();
        let mut faults = vec![fault];
        let decider = Broken::start(move |_| faults.pop().unwrap_or_else(|| Fault::message("")));
        let gateway = Gateway::start(&decider.url(), &soon(""));
        // Where the call surely did not run, the gateway may have retried.
        let _ = gateway.call(Style::Path, ADD_BLACK, &json!({})).verdict(Style::Path);
        assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow(), "{what}");
    }
}

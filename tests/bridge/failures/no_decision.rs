//! The decider can't be reached, does not answer, or answers with an error.

use h2::Reason;
use harness::{Broken, Decider, Fault, Gateway, Port, Says};
use serde_json::json;
use tonic::{Code, Status};

use super::{SET_GROUP_INFO, ask, assert_allowed, assert_refused, group, soon};

/// The part of the failure policy that answers.
#[derive(Clone, Copy)]
pub(super) enum Policy {
    OnFailure,
    OnUnimplemented,
    /// None: it is refused always.
    Refuse,
}

/// Checks which policy settles a callback to a decider, by setting only this one to allow, and only this one to deny.
/// A callback that has echoed keys is used: every allow must carry them.
pub(super) fn assert_settled_by(policy: Policy, decider: &str, what: &str) {
    let [failure, unimplemented] = match policy {
        Policy::OnFailure => ["allow", "deny"],
        Policy::OnUnimplemented => ["deny", "allow"],
        Policy::Refuse => ["allow", "allow"],
    };
    let opposite = |verdict| if verdict == "allow" { "deny" } else { "allow" };
    let gateway = |failure, unimplemented| {
        let policies = format!("on_failure = '{failure}'\non_unimplemented = '{unimplemented}'");
        // Where an answer counts, it has the usual time.
        match policy {
            Policy::OnFailure => Gateway::start(decider, &soon(&policies)),
            _ => Gateway::start(decider, &format!("[defaults]\n{policies}")),
        }
    };
    let allowing = gateway(failure, unimplemented);
    let verdict = ask(&allowing, SET_GROUP_INFO, &group());
    match policy {
        Policy::Refuse => {
            assert_refused(&verdict, what);
            return assert_counted(&allowing, "failed_deny", what);
        }
        _ => assert_allowed(&verdict, &group(), what),
    }
    let outcome = match policy {
        Policy::OnUnimplemented => "unimplemented",
        _ => "failed",
    };
    assert_counted(&allowing, &format!("{outcome}_allow"), what);
    let denying = gateway(opposite(failure), opposite(unimplemented));
    assert_refused(&ask(&denying, SET_GROUP_INFO, &group()), what);
    assert_counted(&denying, &format!("{outcome}_deny"), what);
}

/// Checks that both styles of a call ended like this, and nothing else did.
fn assert_counted(gateway: &Gateway, outcome: &str, what: &str) {
    let line = format!(
        "callback_gateway_callbacks_total{{callback=\"beforeSetGroupInfo\",outcome=\"{outcome}\"}} 2"
    );
    let metrics = gateway.metrics();
    let counts = metrics.lines().filter(|l| l.starts_with("callback_gateway_callbacks_total"));
    assert_eq!(counts.collect::<Vec<_>>(), [line], "{what}");
}

/// Checks rows of a table at the same time, since some wait for the deadline.
pub(super) fn each<T: Sync>(rows: &[T], check: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        let checks: Vec<_> = rows.iter().map(|row| scope.spawn(|| check(row))).collect();
        let failed = checks.into_iter().filter_map(|check| check.join().err()).count();
        assert_eq!(failed, 0, "rows failed: see above");
    });
}

#[test]
fn the_failure_policy_settles_when_the_decider_is_down() {
    let port = Port::free();
    assert_settled_by(Policy::OnFailure, &port.url(), "down");
}

#[test]
fn the_failure_policy_settles_by_the_deadline_when_the_decider_is_slow() {
    let decider = Decider::saying(Says::Nothing);
    assert_settled_by(Policy::OnFailure, &decider.url(), "slow");
}

#[test]
fn each_status_is_settled_by_its_policy() {
    // A status of 0 alone is a fault: see below.
    each(&Vec::from_iter(1..=16), |&code| {
        let policy = match Code::from(code) {
            Code::InvalidArgument | Code::OutOfRange => Policy::Refuse,
            Code::Unimplemented => Policy::OnUnimplemented,
            _ => Policy::OnFailure,
        };
        let decider = Decider::saying(Status::new(Code::from(code), "SELECT secret FROM x"));
        assert_settled_by(policy, &decider.url(), &format!("status {code}"));
        let decider = Broken::always(Fault::status(&code.to_string()));
        assert_settled_by(policy, &decider.url(), &format!("status {code} alone"));
    });
}

#[test]
fn the_failure_policy_settles_a_status_that_is_none() {
    each(&["99", "17", "-1", "text", "", "00", "0x0", "4294967296"], |status| {
        let decider = Broken::always(Fault::status(status));
        assert_settled_by(Policy::OnFailure, &decider.url(), &format!("status {status:?}"));
    });
}

#[test]
fn the_failure_policy_settles_when_the_connection_breaks() {
    let faults = [
        ("mute", Broken::mute()),
        ("hanging up", Broken::hanging_up()),
        ("HTTP/1", Broken::of_the_past()),
        ("no answer", Broken::always(Fault::Nothing)),
        ("cut off", Broken::always(Fault::CutOff)),
        ("closed", Broken::always(Fault::Raw(b""))),
        ("half a frame", Broken::always(Fault::Raw(b"\0\0\x32\x01\x04\0\0\0\x01\x88"))),
        ("no frame", Broken::always(Fault::Raw(b"HTTP/1.1 200 OK\r\n\r\n{}"))),
        ("reset", Broken::always(Fault::Reset(Reason::INTERNAL_ERROR))),
        ("refused stream", Broken::always(Fault::Reset(Reason::REFUSED_STREAM))),
        ("cancelled stream", Broken::always(Fault::Reset(Reason::CANCEL))),
        ("calm down", Broken::always(Fault::Reset(Reason::ENHANCE_YOUR_CALM))),
        ("no error", Broken::always(Fault::Reset(Reason::NO_ERROR))),
        ("going away", Broken::always(Fault::GoAway(Reason::NO_ERROR))),
        ("going away in anger", Broken::always(Fault::GoAway(Reason::ENHANCE_YOUR_CALM))),
    ];
    each(&faults, |(what, decider)| assert_settled_by(Policy::OnFailure, &decider.url(), what));
}

#[test]
fn the_policy_is_the_callback_s_own() {
    let port = Port::free();
    let gateway = Gateway::start(&port.url(), "[callbacks.beforeAddBlack]\non_failure = 'allow'");
    assert_allowed(&ask(&gateway, super::ADD_BLACK, &json!({})), &json!({}), "set to allow");
    assert_refused(&ask(&gateway, SET_GROUP_INFO, &group()), "not set");
    let push = "callbackBeforeOfflinePushCommand";
    assert_allowed(&ask(&gateway, push, &json!({})), &json!({}), "allowed out of the box");
}

#[test]
fn a_failed_change_of_a_group_is_allowed_with_all_that_the_request_holds() {
    let port = Port::free();
    let gateway = Gateway::start(&port.url(), "[defaults]\non_failure = 'allow'");
    let whole = json!({
        "groupID": "g1", "groupName": "Rustaceans", "faceURL": "", "introduction": "x", "ex": "{}",
        "needVerification": 0, "lookMemberInfo": 1, "applyMemberFriend": 1
    });
    let ex = "callbackBeforeSetGroupInfoExCommand";
    assert_allowed(&ask(&gateway, ex, &whole), &whole, "all of it");
    let nulls =
        json!({ "groupID": "g1", "groupName": null, "faceURL": null, "needVerification": null });
    assert_allowed(&ask(&gateway, ex, &nulls), &json!({ "groupID": "g1" }), "nulls");
    let expected = json!({ "groupID": "", "groupName": "", "faceURL": "", "introduction": "" });
    assert_allowed(&ask(&gateway, SET_GROUP_INFO, &json!({})), &expected, "nothing at all");
}

#[test]
fn the_code_and_the_message_of_failures_can_be_set() {
    let port = Port::free();
    let gateway = Gateway::start(&port.url(), "[defaults]\ncode = 20001\nmessage = 'später'");
    match ask(&gateway, SET_GROUP_INFO, &group()) {
        harness::Verdict::Refuse { code: 20001, message, .. } if message == "später" => {}
        other => panic!("{other:?}"),
    }
}

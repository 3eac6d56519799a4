//! The callbacks of the storm, the fault that each call meets, and the verdicts that are right then.

use h2::Reason;
use harness::{Fault, Verdict, frame};
use serde_json::{Value, json};

const DENIED: i64 = 7001;
const FAILED: i64 = 5000;

pub(crate) struct Callback {
    pub(crate) command: &'static str,
    pub(crate) body: fn() -> Value,
    /// The members of an allow beside the verdict.
    pub(crate) echo: fn() -> Value,
    pub(crate) kind: Kind,
}

#[derive(PartialEq)]
pub(crate) enum Kind {
    /// Refused when the decision failed.
    Closed,
    /// Allowed when the decision failed.
    Open,
    /// An after-callback, always allowed.
    After,
}

fn nothing() -> Value {
    json!({})
}

fn group() -> Value {
    json!({ "groupID": "g", "groupName": "n", "faceURL": "", "introduction": "i" })
}

pub(crate) const CALLBACKS: [Callback; 7] = [
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

/// The fault of the call with this id; test and decider both derive it from the id.
pub(crate) fn fault(id: u64) -> Fault {
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

/// The outcome of a verdict, if the decider's answer and the policy permit it. Any call may fail because another one
/// broke the connection.
pub(crate) fn settled(
    callback: &Callback,
    fault: &Fault,
    verdict: &Verdict,
) -> Option<&'static str> {
    let says = |message| says(fault, message);
    match verdict {
        Verdict::Allow(members) if json!(members) != (callback.echo)() => None,
        Verdict::Allow(_) if callback.kind == Kind::After => Some("told"),
        Verdict::Allow(_) if says(ALLOW) => Some("allowed"),
        Verdict::Allow(_) if callback.kind == Kind::Open => Some("failed open"),
        Verdict::Refuse { code: DENIED, .. } if says(DENY) && callback.kind != Kind::After => {
            Some("denied")
        }
        Verdict::Refuse { code: FAILED, .. } if callback.kind == Kind::Closed => Some("failed"),
        // A wrong answer, or an unimplemented rpc, refuses a push too.
        Verdict::Refuse { code: FAILED, .. } if callback.kind == Kind::Open && !says(ALLOW) => {
            Some("failed")
        }
        _ => None,
    }
}

fn says(fault: &Fault, message: &[u8]) -> bool {
    format!("{fault:?}") == format!("{:?}", Fault::message(message))
}

pub(crate) fn is_right(fault: &Fault) -> bool {
    says(fault, ALLOW) || says(fault, DENY)
}

//! OpenIM's answers to failures: the table of DESIGN §5, row by row.

mod after;
mod answered;
mod answers;
mod bodies;
mod cancelling;
mod denials;
mod metadata;
mod no_decision;
mod recovery;
mod requests;
mod transfer;
mod unknown;
mod urls;
mod wrong_answers;

use std::time::{Duration, Instant};

use harness::{Gateway, STYLES, Style, Verdict, is_callback_id};
use serde_json::{Value, json};

/// The code and the message of refusals that have none of their own.
const CODE: i64 = 5000;
const MESSAGE: &str = "the request was refused";

/// Some callbacks, by their commands.
const ADD_BLACK: &str = "callbackBeforeAddBlackCommand";
const MSG_MODIFY: &str = "callbackBeforeMsgModifyCommand";
const REGISTER: &str = "callbackBeforeUserRegisterCommand";
const SET_GROUP_INFO: &str = "callbackBeforeSetGroupInfoCommand";
pub(crate) const USER_ONLINE: &str = "callbackAfterUserOnlineCommand";
/// One that is not in the contract.
const UNKNOWN: &str = "callbackBeforeSomethingNewCommand";

/// The delay of a verdict that is tolerated after its deadline.
const GRACE: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_millis(300);

/// Settings with a short deadline, and more for all callbacks.
fn soon(defaults: &str) -> String {
    format!("[defaults]\ndeadline = '{}ms'\n{defaults}", DEADLINE.as_millis())
}

/// A change of a group, whose fields every allow echoes.
fn group() -> Value {
    json!({ "groupID": "g1", "groupName": "Rustaceans", "faceURL": "https://x/y.png", "introduction": "" })
}

fn users() -> Value {
    json!({ "users": [{ "userID": "u1", "nickname": "Alice" }, { "userID": "u2" }] })
}

/// Sends a callback in both styles. The verdict, which must not depend on the style, and comes in time.
fn ask(gateway: &Gateway, command: &str, body: &Value) -> Verdict {
    let began = Instant::now();
    let [path, query] = std::thread::scope(|scope| {
        let ask = |style: Style| move || gateway.call(style, command, body).verdict(style);
        STYLES.map(|style| scope.spawn(ask(style))).map(|asked| asked.join().expect("a verdict"))
    });
    assert!(began.elapsed() < DEADLINE + GRACE, "{command}: {:?}", began.elapsed());
    assert_eq!(without_id(&path), without_id(&query), "{command}");
    path
}

/// A refusal's detail may be the id of the callback, which no two share.
fn without_id(verdict: &Verdict) -> Verdict {
    let mut verdict = verdict.clone();
    if let Verdict::Refuse { detail, .. } = &mut verdict
        && is_callback_id(detail)
    {
        "an id".clone_into(detail);
    }
    verdict
}

/// Checks that a verdict is the refusal of a callback for which there is no decision. The app learns nothing of the
/// decider: the details are in the log, under the id.
fn assert_refused(verdict: &Verdict, what: &str) {
    match verdict {
        Verdict::Refuse { code: CODE, message, detail }
            if message == MESSAGE && is_callback_id(detail) => {}
        other => panic!("{what}: {other:?}"),
    }
}

fn assert_allowed(verdict: &Verdict, edits: &Value, what: &str) {
    match verdict {
        Verdict::Allow(members) => assert_eq!(json!(members), *edits, "{what}"),
        Verdict::Refuse { .. } => panic!("{what}: {verdict:?}"),
    }
}

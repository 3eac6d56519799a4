//! Answers that must not be passed on. They refuse, whatever the policies.

use harness::{Decider, Gateway};
use serde_json::{Value, json};

use super::{MSG_MODIFY, REGISTER, UNKNOWN, ask, assert_allowed, assert_refused, users};

/// Calls a decider with this response, through a gateway that allows whatever it may.
fn answer(command: &str, body: &Value, response: Value) -> harness::Verdict {
    let decider = Decider::saying(response);
    let gateway = Gateway::start(
        &decider.url(),
        "[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'",
    );
    let verdict = ask(&gateway, command, body);
    assert_eq!(decider.asked().len(), 2, "once in each style: {:?}", decider.asked());
    verdict
}

const MEMBERS_JOIN: &str = "callbackBeforeMembersJoinGroupCommand";

fn members() -> Value {
    json!({ "groupID": "g1", "memberList": [{ "userID": "u1" }, { "userID": "u2" }] })
}

#[test]
fn an_edit_of_an_entry_that_the_request_does_not_hold_is_refused() {
    for (list, command, body) in
        [("users", REGISTER, users()), ("memberCallbackList", MEMBERS_JOIN, members())]
    {
        for (what, edits) in [
            ("no key", json!([{ "nickname": "x" }])),
            ("an empty key", json!([{ "userID": "" }])),
            ("an unknown key", json!([{ "userID": "u3", "nickname": "x" }])),
            ("a key in another case", json!([{ "userID": "U1" }])),
            ("an unknown key behind a known one", json!([{ "userID": "u1" }, { "userID": "u3" }])),
            (
                "a key twice",
                json!([{ "userID": "u1", "nickname": "a" }, { "userID": "u1", "nickname": "b" }]),
            ),
        ] {
            let response = json!({ list: edits });
            assert_refused(&answer(command, &body, response), &format!("{command}: {what}"));
        }
        let nobody = json!({ "groupID": "g1" });
        let response = json!({ list: [{ "userID": "u1" }] });
        assert_refused(
            &answer(command, &nobody, response),
            &format!("{command}: a request without a list"),
        );
    }
}

#[test]
fn a_denial_beside_a_wrong_edit_is_a_denial() {
    let response = json!({ "denial": { "code": 7001 }, "users": [{ "userID": "nobody" }] });
    match answer(REGISTER, &users(), response) {
        harness::Verdict::Refuse { code: 7001, .. } => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn content_that_is_no_json_object_is_refused() {
    for content in [
        "", " ", "text", "null", "1", "\"{}\"", "[]", "[{}]", "{", "{} {}", "{}x", "{'a':1}",
        "{\"a\":}",
    ] {
        let verdict = answer(MSG_MODIFY, &json!({}), json!({ "content": content }));
        assert_refused(&verdict, content);
    }
    let content = " {\"content\": \"hello, 世界\"}\n";
    let verdict = answer(MSG_MODIFY, &json!({}), json!({ "content": content }));
    assert_allowed(&verdict, &json!({ "content": content }), "an object");
}

#[test]
fn fallback_edits_that_are_no_json_object_are_refused() {
    for edits in ["", "null", "text", "[]", "\"x\"", "{", "{}{}"] {
        assert_refused(&answer(UNKNOWN, &json!({}), json!({ "edits": edits })), edits);
    }
}

#[test]
fn fallback_edits_can_not_touch_the_verdict() {
    for key in [
        "actionCode",
        "errCode",
        "errMsg",
        "errDlt",
        "nextCode", // as they are
        "ACTIONCODE",
        "errcode",
        "ErrMsg",
        "errdlt",
        "NextCode", // in another case
        "errM\u{17f}g",
        "ERRM\u{17f}G", // a long s is an s to Go
        "next\\u0043ode",
        "err\\u004d\\u017fg", // escaped
    ] {
        let edits = format!(r#"{{ "a": 1, "{key}": 0 }}"#);
        assert_refused(&answer(UNKNOWN, &json!({}), json!({ "edits": edits })), key);
    }
    let edits = json!({ "nextCodes": 1, "errMsg ": 1, "": 1, "deep": { "nextCode": 0 } });
    let verdict = answer(UNKNOWN, &json!({}), json!({ "edits": edits.to_string() }));
    assert_allowed(&verdict, &edits, "other keys");
}

//! Cases beside a policy: which of them fail and why, and the mistakes in them.

use crate::support::policy;
use policy::{Cases, Policy, Report};
use serde_json::{Value, json};

const POLICY: &str = "
rules:
  - name: trimmed
    on: [BeforeUpdateUserInfo, BeforeUpdateUserInfoEx]
    when: request.nickname.startsWith(' ')
    edit: {nickname: request.nickname.trim()}
  - name: admin
    on: [BeforeUpdateUserInfo]
    when: request.nickname == 'admin'
    deny: {code: 5001, message: reserved, detail: nickname}
  - name: fails
    on: [BeforeUpdateUserInfo]
    when: request.nickname.startsWith('fail') && parseJson(request.ex).level > 0
    deny: {code: 5002}
  - name: skipped
    on: [BeforeUpdateUserInfo]
    when: request.nickname == 'skip' && parseJson(request.ex).level > 0
    edit: {ex: \"''\"}
    on_error: skip
  - name: tried
    on: [BeforeUpdateUserInfo]
    when: request.nickname == 'try'
    deny: {}
    mode: log
  - name: unknown
    on: [Decide]
    when: request.command == 'known'
    allow: true
";

fn parse<'a>(policy: &'a Policy, text: &str) -> Result<Cases<'a>, String> {
    let file = ("policy_test.yaml".to_owned(), text.to_owned());
    Cases::parse(policy, &[file]).map_err(|mistakes| mistakes.to_string())
}

fn run(text: &str) -> Report {
    let policy = policy(POLICY);
    parse(&policy, text).unwrap_or_else(|mistakes| panic!("{mistakes}")).run()
}

/// A case with this nickname and expectation.
fn case(nickname: &str, expect: &str) -> String {
    format!(
        "- {{name: c, rpc: BeforeUpdateUserInfo, request: {{nickname: \"{nickname}\"}}, expect: {expect}}}\n"
    )
}

/// The result of a case with this nickname and expectation: nothing if it passes.
fn result(nickname: &str, expect: &str) -> Option<Value> {
    let report = run(&case(nickname, expect));
    let mut report = serde_json::to_value(report).expect("it has a JSON form");
    assert_eq!(report["cases"], 1);
    assert_eq!(report["failed"], report["failures"].as_array().map_or(0, Vec::len));
    report["failures"].get_mut(0).map(Value::take)
}

fn passes(nickname: &str, expect: &str) -> bool {
    result(nickname, expect).is_none()
}

/// The differences of the case that fails, as field, expected, got.
fn differences(nickname: &str, expect: &str) -> Value {
    let report = run(&case(nickname, expect));
    let failure = report.failures.first().expect("it fails");
    let differences = failure.expected.differences(&failure.got);
    differences.iter().map(|part| json!([part.field, part.expected, part.got])).collect()
}

#[test]
fn allow_means_neither_denied_nor_edited() {
    assert!(passes("Ann", "allow"));
    assert!(!passes(" Ann", "allow"));
    assert!(!passes("admin", "allow"));
    assert!(passes("try", "allow"));
}

#[test]
fn of_a_denial_only_the_parts_that_are_named_count() {
    assert!(passes("admin", "{deny: {}}"));
    assert!(passes(
        "admin",
        "{deny: {code: 5001, message: reserved, detail: nickname, rule: admin}}"
    ));
    for other in ["code: 5002", "message: ''", "detail: name", "rule: trimmed"] {
        assert!(!passes("admin", &format!("{{deny: {{{other}}}}}")), "{other}");
    }
    assert!(!passes("Ann", "{deny: {}}"));
}

#[test]
fn of_edits_there_are_exactly_those_expected() {
    assert!(passes(" Ann", "{edit: {nickname: Ann}}"));
    assert!(!passes(" Ann", "{edit: {nickname: Ann, ex: a}}"));
    assert!(!passes(" Ann", "{edit: {ex: a}}"));
    assert!(!passes("Ann", "{edit: {nickname: Ann}}"));
}

#[test]
fn a_list_with_a_message_around_is_as_in_protos_json() {
    let policy = policy(
        "
rules:
  - name: mentions
    on: [BeforeMsgModify]
    when: request.msg.send_id == 'u1'
    edit: {at_user_ids: \"request.msg.at_user_ids.filter(id, id == 'u2')\"}
",
    );
    let failed = |mentioned, edit| {
        let case = format!(
            "- {{name: c, rpc: BeforeMsgModify, request: {{msg: {{send_id: u1, at_user_ids: {mentioned}}}}}, expect: {{edit: {{at_user_ids: {edit}}}}}}}"
        );
        parse(&policy, &case).unwrap_or_else(|mistakes| panic!("{mistakes}")).run().failed
    };
    assert_eq!(failed("[u3]", "{values: []}"), 0);
    assert_eq!(failed("[u3]", "{}"), 0);
    assert_eq!(failed("[u2, u3]", "{values: [u2]}"), 0);
    assert_eq!(failed("[u2, u3]", "{values: []}"), 1);
}

#[test]
fn a_failed_case_says_what_differs() {
    let edits = differences(" Ann", "{edit: {nickname: Bob, ex: a}}");
    assert_eq!(edits, json!([["ex", "a", null], ["nickname", "Bob", "Ann"]]));
    assert_eq!(differences(" Ann", "allow"), json!([["nickname", null, "Ann"]]));
    let denial = differences("admin", "{deny: {code: 5002, message: reserved, rule: admin}}");
    assert_eq!(denial, json!([["code", 5002, 5001]]));
    assert_eq!(differences("admin", "{edit: {nickname: a}}"), json!([]));
}

#[test]
fn a_failed_case_is_data() {
    let expected = json!({
        "file": "policy_test.yaml",
        "line": 1,
        "name": "c",
        "expected": {"deny": {"code": 5002}},
        "got": {"deny": {
            "code": 5001, "message": "reserved", "detail": "nickname", "rule": "admin"
        }},
        "rule_failures": [],
    });
    assert_eq!(result("admin", "{deny: {code: 5002}}"), Some(expected));
}

#[test]
fn a_rule_that_fails_is_a_failure_unless_its_denial_is_expected() {
    assert!(passes("fail", "{deny: {rule: fails}}"));
    let failure = "rule \"fails\" failed at policy.yaml:13:11: parseJson failed";
    let failures =
        |nickname, expect| result(nickname, expect).expect("it fails")["rule_failures"].take();
    assert_eq!(failures("fail", "{deny: {code: 5002}}"), json!([failure]));
    assert_eq!(failures("fail", "allow"), json!([failure]));
    let skipped = "rule \"skipped\" failed at policy.yaml:17:11: parseJson failed";
    assert_eq!(failures("skip", "allow"), json!([skipped]));
}

#[test]
fn a_rule_is_reached_where_its_condition_holds() {
    let all = ["trimmed", "admin", "fails", "skipped", "tried", "unknown"];
    assert_eq!(run(&case("Ann", "allow")).unreached, all);
    // One that fails does not hold; one that is only tried does.
    let some = ["admin", "fail", "skip", "try"].map(|nickname| case(nickname, "allow")).concat();
    assert_eq!(run(&some).unreached, ["trimmed", "fails", "skipped", "unknown"]);
    // A rule for several rpcs is reached by any of them.
    let other =
        "- {name: c, rpc: BeforeUpdateUserInfoEx, request: {nickname: ' a'}, expect: allow}";
    assert_eq!(run(other).unreached, all[1..]);
}

#[test]
fn a_rule_is_reached_even_if_its_edit_fails() {
    let policy = policy(
        "
rules:
  - name: edit fails
    on: [BeforeUpdateUserInfo]
    when: has(request.ex)
    edit: {ex: \"toJson(parseJson(request.ex).a)\"}
",
    );
    let case = "- {name: c, rpc: BeforeUpdateUserInfo, request: {ex: a}, expect: {deny: {rule: edit fails}}}";
    let report = parse(&policy, case).unwrap_or_else(|mistakes| panic!("{mistakes}")).run();
    assert_eq!((report.failed, report.unreached), (0, vec![]));
}

#[test]
fn a_callback_that_nobody_knows_is_unimplemented_without_a_verdict() {
    let failed = |command, expect| {
        run(&format!(
            "- {{name: c, rpc: Decide, request: {{command: {command}}}, expect: {expect}}}"
        ))
        .failed
    };
    assert_eq!(failed("known", "allow"), 0);
    assert_eq!(failed("other", "allow"), 1);
    assert_eq!(failed("other", "unimplemented"), 0);
    assert!(!passes("Ann", "unimplemented"));
}

#[test]
fn all_mistakes_in_cases_are_told_at_once() {
    let text = "- name: a
  rpc: BeforeUpdateUserInf
  expect: allow
- name: b
  rpc: BeforeSendSingleMsg
  request:
    msg: {contnt: x, content_type: 101}
    sned: 1
  expect: {deny: {rule: admin}}
- name: c
  rpc: BeforeUpdateUserInfo
  request: {nickname: 123, userID: u1}
  expect: {edit: {nicknme: a, ex: 1}}
- name: d
  rpc: AfterSendSingleMsg
  expect: allow
- name: e
  rpc: BeforeUpdateUserInfo
  expect: {deny: {rule: adnim}}
- name: f
  rpc: BeforeSendSingleMsg
  request: {msg: {content_type: CONTENT_TYPE_TXT}}
  expect: {deny: {}}
";
    let told = parse(&policy(POLICY), text).err().expect("it has mistakes");
    let expected =
        "policy_test.yaml:2:8: no rpc BeforeUpdateUserInf; did you mean `BeforeUpdateUserInfo`?
policy_test.yaml:7:10: no field contnt in Msg; did you mean `content`?
policy_test.yaml:8:5: no field sned in BeforeSendSingleMsgRequest
policy_test.yaml:9:25: no rule \"admin\" for BeforeSendSingleMsg
policy_test.yaml:12:23: nickname: invalid type: integer `123`, expected a string
policy_test.yaml:12:28: no field userID in BeforeUpdateUserInfoRequest; did you mean `user_id`?
policy_test.yaml:13:19: no field nicknme in BeforeUpdateUserInfoResponse; did you mean `nickname`?
policy_test.yaml:13:35: ex: invalid type: integer `1`, expected a string
policy_test.yaml:15:8: AfterSendSingleMsg tells what has happened, so no rule can change it
policy_test.yaml:19:25: no rule \"adnim\" for BeforeUpdateUserInfo; did you mean `admin`?
policy_test.yaml:22:18: msg: unrecognized enum value 'CONTENT_TYPE_TXT'";
    assert_eq!(told, expected);
}

#[test]
fn unknown_keys_and_missing_ones_are_mistakes() {
    for (text, expected) in [
        ("- {name: a, rpc: BeforeUpdateUserInfo, expect: allow, now: 1}", "unknown field `now`"),
        ("- {name: a, rpc: BeforeUpdateUserInfo, expect: {deny: {cod: 1}}}", "unknown field `cod`"),
        ("- {name: a, rpc: BeforeUpdateUserInfo, expect: alow}", "unknown variant `alow`"),
        ("- {name: a, expect: allow}", "missing field `rpc`"),
        ("- {name: a, rpc: BeforeUpdateUserInfo}", "missing field `expect`"),
        ("", "it has no case"),
    ] {
        let told = parse(&policy(POLICY), text).err().expect("it has a mistake");
        assert!(told.starts_with("policy_test.yaml:1:") && told.contains(expected), "{told}");
    }
}

//! Rules that fail while they run: they deny or are skipped, and never tell the user's content.

use crate::support::{decide_in_spite, holds, mistakes, policy};
use serde_json::json;

fn fails(condition: &str, request: serde_json::Value) -> String {
    holds(condition, request).expect_err("the rule fails")
}

#[test]
fn a_failure_names_the_rule_and_hides_the_content() {
    let ex = json!({"ex": "s3cret"});
    let rule = "rule \"condition\" failed: ";
    assert_eq!(fails("parseJson(request.ex) == 1", ex.clone()), format!("{rule}parseJson failed"));
    assert_eq!(fails("int(request.ex) == 1", ex.clone()), format!("{rule}int failed"));
    assert_eq!(
        fails("{'a': 1}[request.ex] == 1", ex.clone()),
        format!("{rule}a map has no such key")
    );
    assert_eq!(
        fails("1 / request.ex.indexOf('s') == 1", ex.clone()),
        format!("{rule}division by zero")
    );
    assert_eq!(fails("[1][request.ex.size()] == 1", ex), format!("{rule}a list has no such index"));
}

#[test]
fn json_of_another_type_than_the_rule_expects_is_a_failure() {
    let failed = fails("parseJson(request.ex).n > 1", json!({"ex": "{\"n\":\"s3cret\"}"}));
    assert_eq!(
        failed,
        "rule \"condition\" failed: found no matching overload for '_>_' applied to '(string, int)'"
    );
    let failed = fails("parseJson(request.ex)", json!({"ex": "\"s3cret\""}));
    assert_eq!(failed, "rule \"condition\" failed: the condition is no bool");
}

/// A rule that fails, one that is for the same rpc behind it, and the lines before them.
fn failing(before: &str, rule: &str) -> String {
    format!(
        "{before}
rules:
  - name: failing
    on: [BeforeUpdateUserInfo]
    {rule}
  - name: trim
    on: [BeforeUpdateUserInfo]
    when: 'true'
    edit: {{nickname: request.nickname.trim()}}
"
    )
}

const WHEN: &str = "when: parseJson(request.ex) == 1";

#[test]
fn a_rule_that_fails_denies_as_it_would_and_says_where_it_failed() {
    let reason = "rule \"failing\" failed at policy.yaml:5:11: parseJson failed";
    let own = format!("{WHEN}\n    deny: {{code: 5001, message: no, detail: d, reason: mine}}");
    let edit = "when: 'true'\n    edit: {ex: \"'x'\", nickname: string(parseJson(request.ex))}";
    let standard = json!({"code": 5000, "message": "not allowed", "reason": reason});
    let in_edit = "rule \"failing\" failed at policy.yaml:6:33: parseJson failed";
    for (before, rule, denial) in [
        ("", &*own, json!({"code": 5001, "message": "no", "detail": "d", "reason": reason})),
        ("", &format!("{WHEN}\n    edit: {{ex: \"'x'\"}}"), standard),
        ("", edit, json!({"code": 5000, "message": "not allowed", "reason": in_edit})),
        (
            "defaults: {deny: {code: 5002, message: sorry}}",
            edit,
            json!({"code": 5002, "message": "sorry", "reason": in_edit}),
        ),
        ("defaults: {on_error: skip}", &format!("{own}\n    on_error: deny"), {
            json!({"code": 5001, "message": "no", "detail": "d", "reason": reason})
        }),
    ] {
        let policy = policy(&failing(before, rule));
        let request = json!({"ex": "s3cret", "nickname": " a "});
        let (response, failures) = decide_in_spite(&policy, "BeforeUpdateUserInfo", request);
        assert_eq!(response, json!({"denial": denial}), "{rule}");
        assert_eq!(failures, [denial["reason"].as_str().expect("a reason")]);
    }
}

#[test]
fn a_rule_that_fails_and_is_skipped_does_nothing() {
    let edit = "when: 'true'\n    edit: {ex: \"'x'\", nickname: string(parseJson(request.ex))}";
    for (before, rule) in [
        ("", format!("{WHEN}\n    deny: {{}}\n    on_error: skip")),
        ("defaults: {on_error: skip}", format!("{WHEN}\n    deny: {{}}")),
        ("", format!("{edit}\n    on_error: skip")),
    ] {
        let policy = policy(&failing(before, &rule));
        let request = json!({"ex": "s3cret", "nickname": " a "});
        let (response, failures) = decide_in_spite(&policy, "BeforeUpdateUserInfo", request);
        assert_eq!(response, json!({"nickname": "a"}), "{rule}");
        assert_eq!(failures.len(), 1, "{failures:?}");
    }
}

#[test]
fn no_edit_of_a_rule_that_is_skipped_is_seen_by_later_rules() {
    let policy = policy(
        "
rules:
  - name: half
    on: [BeforeUserRegister]
    when: 'true'
    on_error: skip
    edit:
      users: |
        [{'user_id': 'u1', 'nickname': 'changed'}, {'user_id': 'nobody', 'nickname': 'changed'}]
  - name: seen
    on: [BeforeUserRegister]
    when: request.users.exists(user, user.nickname == 'changed')
    deny: {}
",
    );
    let users = json!({"users": [{"user_id": "u1", "nickname": "a"}]});
    let (response, failures) = decide_in_spite(&policy, "BeforeUserRegister", users);
    assert_eq!(response, json!({}));
    let failure =
        "rule \"half\" failed at policy.yaml:9:9: an edit's user_id is not in the request";
    assert_eq!(failures, [failure]);
}

#[test]
fn the_default_denial_is_checked() {
    assert_eq!(
        mistakes("defaults: {deny: {code: 1}}\nrules: []"),
        "policy.yaml:1:25: defaults: code 1 is not in 5000–9999 or 20001–29999"
    );
}

#[test]
fn the_deepest_expression_runs_on_an_ordinary_stack() {
    let sum = format!("0{} == 0", "+0".repeat(30));
    assert_eq!(holds(&sum, json!({})), Ok(true));
    let lists = format!("{}1{}.size() == 1", "[".repeat(29), "]".repeat(29));
    assert_eq!(holds(&lists, json!({})), Ok(true));
}

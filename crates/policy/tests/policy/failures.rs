//! Rules that fail while they run: an error, never an allow, and never with the user's content.

use crate::support::{decide, holds, policy};
use serde_json::json;

fn fails(condition: &str, request: serde_json::Value) -> String {
    holds(condition, request).expect_err("the rule fails")
}

#[test]
fn a_rule_that_fails_is_an_error_that_names_the_rule_and_hides_the_content() {
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

#[test]
fn a_decision_has_a_budget_of_steps() {
    let policy = policy(
        "
rules:
  - name: squared
    on: [BeforeImportFriends]
    when: |
      request.friend_user_ids.exists(a, request.friend_user_ids.exists(b, a == b + 'x')) || true
    deny: {}
",
    );
    let friends =
        |count| json!({"friend_user_ids": (0..count).map(|id| id.to_string()).collect::<Vec<_>>()});
    assert!(decide(&policy, "BeforeImportFriends", friends(90)).is_ok());
    // `|| true` does not save it.
    let failed = decide(&policy, "BeforeImportFriends", friends(224));
    let failure = "rule \"squared\" failed: the decision takes more than 50000 steps";
    assert_eq!(failed, Err(failure.into()));
    // The next decision has a budget of its own.
    assert!(decide(&policy, "BeforeImportFriends", friends(90)).is_ok());
}

#[test]
fn every_kind_of_loop_counts_its_rounds() {
    for condition in [
        "request.friend_user_ids.all(a, a != '')",
        "request.friend_user_ids.exists(a, a == '')",
        "request.friend_user_ids.exists_one(a, a == '')",
        "request.friend_user_ids.filter(a, a != '').size() > 0",
        "request.friend_user_ids.map(a, a + 'x').size() > 0",
        "request.friend_user_ids.map(a, a != '', a + 'x').size() > 0",
    ] {
        let policy = policy(&format!(
            "rules: [{{name: r, on: [BeforeImportFriends], deny: {{}}, when: \"{condition}\"}}]"
        ));
        let decide = |count| {
            let friends = json!({"friend_user_ids": vec!["x"; count]});
            decide(&policy, "BeforeImportFriends", friends)
        };
        assert!(decide(10_000).is_ok(), "{condition}");
        let failure = "rule \"r\" failed: the decision takes more than 50000 steps";
        assert_eq!(decide(50_001), Err(failure.into()), "{condition}");
    }
}

#[test]
fn reading_a_long_list_in_a_loop_counts() {
    let policy = policy(
        "
rules:
  - name: reads
    on: [BeforeImportFriends]
    when: \"[1, 2, 3, 4].exists(i, 'y' in request.friend_user_ids)\"
    deny: {}
",
    );
    let decide = |count| {
        let friends = json!({"friend_user_ids": vec!["x"; count]});
        decide(&policy, "BeforeImportFriends", friends)
    };
    assert!(decide(10_000).is_ok());
    let failure = "rule \"reads\" failed: the decision takes more than 50000 steps";
    assert_eq!(decide(150_000), Err(failure.into()));
}

#[test]
fn a_decision_of_few_but_long_steps_has_an_end() {
    let policy = policy(
        "
rules:
  - name: slow
    on: [BeforeOfflinePush]
    when: request.user_ids.all(id, parseJson(request.content).size() > 0)
    deny: {}
",
    );
    let content = json!(vec!["x"; 100_000]).to_string();
    let decide = |ids| {
        let request = json!({"user_ids": vec!["x"; ids], "content": content});
        decide(&policy, "BeforeOfflinePush", request)
    };
    assert!(decide(2).is_ok());
    let failure = "rule \"slow\" failed: the decision takes more than 500 ms";
    assert_eq!(decide(9_000), Err(failure.into()));
}

#[test]
fn the_deepest_expression_runs_on_an_ordinary_stack() {
    let sum = format!("0{} == 0", "+0".repeat(30));
    assert_eq!(holds(&sum, json!({})), Ok(true));
    let lists = format!("{}1{}.size() == 1", "[".repeat(29), "]".repeat(29));
    assert_eq!(holds(&lists, json!({})), Ok(true));
}

//! The bounds of a decision's cost: whatever a rule says and a request holds, it ends as a failure.

use crate::support::{decide, decide_in_spite, holds, mistakes, policy};
use serde_json::json;
use std::time::{Duration, Instant};

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

/// The rule's decision about pushes of this content, to so many users.
fn pushes(condition: &str, content: &str, users: usize) -> Result<serde_json::Value, String> {
    let policy = policy(&format!(
        "
lists: {{words: [casino]}}
rules:
  - name: r
    on: [BeforeOfflinePush]
    deny: {{}}
    when: |
      {condition}
"
    ));
    let request = json!({"user_ids": vec!["x"; users], "content": content});
    decide(&policy, "BeforeOfflinePush", request)
}

#[test]
fn each_function_takes_steps_for_the_text_that_it_reads() {
    let text = json!(vec!["x"; 100_000]).to_string();
    for condition in [
        "isJson(request.content)",
        "parseJson(request.content).size() > 0",
        "jsonText(request.content, ['a']) == ''",
        "request.content.matches('y$')",
        "request.content.replaceMatches('y', '') == ''",
        "request.content.replaceMatches('(y)', '$1') == ''",
        "request.content.containsAny(lists.words)",
        "request.content.mask(lists.words) == ''",
        "request.content.replace('y', '') == ''",
        "request.content.split('y').size() > 1",
        "[request.content].join() == ''",
        "request.content + 'y' == ''",
        "request.content.lowerAscii() == ''",
        "request.content.indexOf('y') > 0",
        "request.content.lastIndexOf('y') > 0",
        "request.content.size() == 0",
        "request.content.contains('y')",
        "bytes(request.content).size() == 0",
    ] {
        let all = format!("!request.user_ids.all(id, {condition} || true)");
        assert_eq!(pushes(&all, &text[..9_000], 1), Ok(json!({})), "{condition}");
        let failure = Err("rule \"r\" failed: the decision takes more than 50000 steps".to_owned());
        assert_eq!(pushes(&all, &text, 20_000), failure, "{condition}");
    }
}

#[test]
fn no_function_makes_what_the_budget_has_no_steps_for() {
    let text = "a".repeat(1 << 20);
    for condition in [
        "request.content.replace('a', request.content) == ''",
        "request.content.replace('', request.content) == ''",
        "request.content.replace('a', request.content, 1000) == ''",
        "request.content.replaceMatches('a', request.content) == ''",
        "request.content.replaceMatches('(a)', '$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1') == ''",
        "request.user_ids.join(request.content) == ''",
        "request.content.split('').size() > 0",
        "request.user_ids.map(id, request.content + id).size() > 0",
        "request.user_ids.map(id, [request.content + id]).size() > 0",
        "request.user_ids.all(id, parseJson('[' + request.content + ']') == 1)",
        "toJson(request.user_ids.map(id, {'t': request.content})) == ''",
        "'%s'.format([request.user_ids.map(id, request.content)]) == ''",
        "request.content.replaceMatches('(?s).+', request.user_ids.map(id, '$0').join()) == ''",
    ] {
        let failure = Err("rule \"r\" failed: the decision takes more than 50000 steps".to_owned());
        assert_eq!(pushes(condition, &text, 20_000), failure, "{condition}");
    }
}

#[test]
fn the_text_of_format_is_a_literal() {
    let rule = "rules: [{name: r, on: [BeforeOfflinePush], deny: {}, when: ";
    assert_eq!(mistakes(&format!("{rule}\"'%.3f'.format([1.5]) == ''\"}}]")), "");
    let mistakes = mistakes(&format!("{rule}\"request.content.format([1.5]) == ''\"}}]"));
    assert!(mistakes.contains("the text of format must be a literal"), "{mistakes}");
}

#[test]
fn an_edit_copies_no_more_than_the_budget_has_steps_for() {
    let policy = policy(
        "
rules:
  - name: r
    on: [BeforeUserRegister]
    when: true
    edit: {users: \"request.users.map(u, {'user_id': u.user_id, 'face_url': request.secret})\"}
",
    );
    let decide = |users: usize| {
        let users: Vec<_> = (0..users).map(|n| json!({"user_id": n.to_string()})).collect();
        let request = json!({"secret": "x".repeat(1 << 20), "users": users});
        decide(&policy, "BeforeUserRegister", request)
    };
    assert!(decide(10).is_ok());
    let failure = "rule \"r\" failed: the decision takes more than 50000 steps";
    assert_eq!(decide(1000), Err(failure.into()));
}

#[test]
fn a_search_takes_no_time_in_proportion_to_the_square_of_its_text() {
    let text = "a".repeat(400_000);
    let part = format!("{}b", &text[..200_000]);
    let condition = "request.content.indexOf(request.user_ids[0]) > 0 ||
      request.content.lastIndexOf(request.user_ids[0]) > 0";
    let policy = policy(&format!(
        "rules:\n  - name: r\n    on: [BeforeOfflinePush]\n    deny: {{}}\n    when: |\n      {condition}\n"
    ));
    let began = Instant::now();
    let request = json!({"user_ids": [part], "content": text});
    assert_eq!(decide(&policy, "BeforeOfflinePush", request), Ok(json!({})));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn places_in_a_text_are_counted_in_characters() {
    for (call, place) in [
        ("'äbäb'.indexOf('b')", 1),
        ("'äbäb'.indexOf('b', 2)", 3),
        ("'äbäb'.indexOf('x')", -1),
        ("'äbäb'.indexOf('')", 0),
        ("'äbäb'.indexOf('', 9)", 4),
        ("'äbäb'.lastIndexOf('b')", 3),
        ("'äbäb'.lastIndexOf('b', 2)", 1),
        ("'äbäb'.lastIndexOf('ä', 2)", 2),
        ("'äbäb'.lastIndexOf('')", 4),
    ] {
        assert_eq!(holds(&format!("{call} == {place}"), json!({})), Ok(true), "{call}");
    }
    for call in ["indexOf('b', 2)", "indexOf('', -1)", "lastIndexOf('a', 2)"] {
        let condition = format!("request.nickname.{call} == 0");
        assert!(holds(&condition, json!({"nickname": "ab"})).is_err(), "{call}");
    }
}

/// The response to a request that spends the budget of a rule, with a rule behind it.
fn behind_a_costly_rule(costly: &str, rule: &str, user: &str) -> serde_json::Value {
    let policy = policy(&format!(
        "
rules:
  - {{name: costly, on: [BeforeUpdateUserInfo], when: \"request.nickname.split('').size() > 5\", {costly}}}
  - {{name: real, on: [BeforeUpdateUserInfo], when: request.user_id == 'bad', {rule}}}
"
    ));
    let request = json!({"nickname": "x".repeat(1 << 20), "user_id": user});
    let (response, failures) = decide_in_spite(&policy, "BeforeUpdateUserInfo", request);
    assert_eq!(failures.len(), 1, "{failures:?}");
    response
}

#[test]
fn a_rule_that_is_tried_or_skipped_spends_nothing_of_another() {
    for costly in ["deny: {}, mode: log", "deny: {}, on_error: skip"] {
        for rule in ["deny: {}", "deny: {}, on_error: skip"] {
            assert_eq!(behind_a_costly_rule(costly, rule, "good"), json!({}), "{costly} {rule}");
            let denied = json!({"denial": {"reason": "real"}});
            assert_eq!(behind_a_costly_rule(costly, rule, "bad"), denied, "{costly} {rule}");
        }
    }
}

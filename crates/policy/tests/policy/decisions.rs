//! Conditions and denials: the rule that decides, and the values that it reads.

use crate::support::{decide, decide_in_spite, holds, policy, rpc};
use policy::Policy;
use prost_reflect::{DynamicMessage, Value};
use serde_json::json;

const TWO_DENIALS: &str = "
rules:
  - name: first
    on: [BeforeUpdateUserInfo]
    when: request.user_id == 'bad'
    deny: {code: 5001, message: no, detail: never, reason: it is bad}
  - name: second
    on: [BeforeUpdateUserInfo, BeforeAddBlack]
    when: 'true'
    deny: {code: 20001, reason: ''}
";

#[test]
fn the_first_denial_wins() {
    let policy = policy(TWO_DENIALS);
    let denied = decide(&policy, "BeforeUpdateUserInfo", json!({"user_id": "bad"}));
    let denial = json!({"code": 5001, "message": "no", "detail": "never", "reason": "it is bad"});
    assert_eq!(denied, Ok(json!({"denial": denial})));
    let denied = decide(&policy, "BeforeUpdateUserInfo", json!({"user_id": "good"}));
    assert_eq!(denied, Ok(json!({"denial": {"code": 20001, "reason": "second"}})));
}

#[test]
fn a_rule_is_asked_for_every_rpc_that_it_names_and_for_no_other() {
    let policy = policy(TWO_DENIALS);
    let denial = json!({"denial": {"code": 20001, "reason": "second"}});
    assert_eq!(decide(&policy, "BeforeAddBlack", json!({})), Ok(denial));
    assert_eq!(decide(&policy, "BeforeUpdateUserInfoEx", json!({})), Ok(json!({})));
    assert_eq!(policy.rpcs().collect::<Vec<_>>(), ["BeforeAddBlack", "BeforeUpdateUserInfo"]);
}

#[test]
fn a_denial_drops_the_edits_before_it() {
    let policy = policy(
        "
rules:
  - {name: edit, on: [BeforeUpdateUserInfo], when: 'true', edit: {ex: \"'x'\"}}
  - {name: deny, on: [BeforeUpdateUserInfo], when: request.ex == 'x', deny: {}}
",
    );
    let denied = decide(&policy, "BeforeUpdateUserInfo", json!({}));
    assert_eq!(denied, Ok(json!({"denial": {"reason": "deny"}})));
}

/// Two rules, of which the first one is told.
fn before_a_denial(rule: &str) -> Policy {
    policy(&format!(
        "
rules:
  - {{name: trim, on: [BeforeUpdateUserInfo], when: 'true', edit: {{nickname: request.nickname.trim()}}}}
  - {{name: first, on: [BeforeUpdateUserInfo], when: request.user_id == 'staff', {rule}}}
  - {{name: last, on: [BeforeUpdateUserInfo], when: request.nickname == 'a', deny: {{}}}}
"
    ))
}

#[test]
fn a_rule_that_allows_ends_the_evaluation_and_keeps_the_edits_before_it() {
    let policy = before_a_denial("allow: true");
    let decide = |user| {
        let request = json!({"user_id": user, "nickname": " a "});
        decide(&policy, "BeforeUpdateUserInfo", request)
    };
    assert_eq!(decide("staff"), Ok(json!({"nickname": "a"})));
    assert_eq!(decide("u1"), Ok(json!({"denial": {"reason": "last"}})));
}

#[test]
fn a_rule_of_mode_log_changes_nothing_and_is_told() {
    for (consequence, verdict) in
        [("deny: {}", "deny"), ("allow: true", "allow"), ("edit: {nickname: \"'b'\"}", "edit")]
    {
        let policy = before_a_denial(&format!("{consequence}, mode: log"));
        let rpc = rpc("BeforeUpdateUserInfo");
        for (user, logged) in [("staff", vec![("first", verdict)]), ("u1", vec![])] {
            let mut request = DynamicMessage::new(rpc.input());
            request.set_field_by_name("user_id", Value::String(user.to_owned()));
            request.set_field_by_name("nickname", Value::String(" a ".to_owned()));
            let decision = policy.evaluate(&rpc, &request);
            assert_eq!(decision.denied_by, Some("last"));
            let told: Vec<_> = decision.logged.iter().map(|it| (it.rule, it.verdict)).collect();
            assert_eq!(told, logged, "{consequence}");
        }
    }
}

#[test]
fn a_rule_of_mode_log_that_fails_is_skipped() {
    let policy = policy(
        "
rules:
  - {name: r, on: [BeforeUpdateUserInfo], when: parseJson(request.ex) == 1, deny: {}, mode: log, on_error: deny}
",
    );
    let decided = decide_in_spite(&policy, "BeforeUpdateUserInfo", json!({"ex": "x"}));
    let failure = "rule \"r\" failed at policy.yaml:3:49: parseJson failed".to_owned();
    assert_eq!(decided, (json!({}), vec![failure]));
}

#[test]
fn an_unset_field_reads_as_its_default_and_has_tells() {
    let unset = "!has(request.nickname) && request.nickname == ''";
    assert_eq!(holds(unset, json!({})), Ok(true));
    assert_eq!(holds(unset, json!({"nickname": ""})), Ok(false));
    assert_eq!(holds("has(request.nickname)", json!({"nickname": ""})), Ok(true));
}

#[test]
fn an_unset_message_reads_as_one_of_defaults() {
    let policy = policy(
        "
rules:
  - name: no message
    on: [BeforeSendSingleMsg]
    when: |
      !has(request.msg) && !has(request.msg.content) && request.msg.seq + 1 == 1 &&
      request.msg.at_user_ids.size() == 0 && !has(request.msg.key_version)
    deny: {}
",
    );
    let denied = |request| decide(&policy, "BeforeSendSingleMsg", request);
    assert_eq!(denied(json!({})), Ok(json!({"denial": {"reason": "no message"}})));
    assert_eq!(denied(json!({"msg": {}})), Ok(json!({})));
}

#[test]
fn fields_of_all_kinds_can_be_compared_and_calculated_with() {
    let policy = policy(
        "
rules:
  - name: all
    on: [BeforeSendGroupMsg]
    when: |
      request.msg.seq > 5 && request.msg.seq * 2 == 14 && request.msg.send_time - 1 == 41 &&
      request.msg.content_type == ContentType.CONTENT_TYPE_TEXT &&
      request.msg.sender_platform_id == 5 && request.msg.key_version == 3 &&
      'b' in request.msg.at_user_ids && request.msg.at_user_ids[0] == 'a' &&
      request.msg.at_user_ids.exists(id, id == request.group_id)
    deny: {}
",
    );
    let msg = json!({"seq": 7, "send_time": 42, "content_type": 101, "sender_platform_id": 5,
        "key_version": 3, "at_user_ids": ["a", "b"]});
    let denied =
        |group| decide(&policy, "BeforeSendGroupMsg", json!({"msg": msg, "group_id": group}));
    assert_eq!(denied("b"), Ok(json!({"denial": {"reason": "all"}})));
    assert_eq!(denied("c"), Ok(json!({})));
}

#[test]
fn text_can_be_compared_without_case_searched_and_matched() {
    let nickname = |nickname| json!({"nickname": nickname});
    let folded = "request.nickname.fold() == 'straße'.fold()";
    assert_eq!(holds(folded, nickname("STRASSE")), Ok(true));
    assert_eq!(holds("request.nickname.lower() == 'ä'", nickname("Ä")), Ok(true));
    assert_eq!(holds(r"request.nickname.matches(r'^\d+$')", nickname("123")), Ok(true));
    assert_eq!(holds(r"matches(request.nickname, r'^\d+$')", nickname("12a")), Ok(false));
    assert_eq!(holds("request.nickname.containsAny(lists.words)", nickname("myCASINO")), Ok(true));
    assert_eq!(holds("request.nickname in lists.words", nickname("Grüße")), Ok(true));
    assert_eq!(holds("request.nickname in lists.words", nickname("Casino")), Ok(false));
    let trimmed = "request.nickname.trim().replace('a', 'b').split(',').join('+') == 'b+b'";
    assert_eq!(holds(trimmed, nickname(" a,a ")), Ok(true));
}

#[test]
fn json_in_a_text_can_be_read() {
    let ex = |ex: serde_json::Value| json!({"ex": ex.to_string()});
    let level = "isJson(request.ex) && has(parseJson(request.ex).level) &&
      parseJson(request.ex).level > 2";
    assert_eq!(holds(level, ex(json!({"level": 3}))), Ok(true));
    assert_eq!(holds(level, ex(json!({"level": 2.5}))), Ok(true));
    assert_eq!(holds(level, ex(json!({}))), Ok(false));
    assert_eq!(holds(level, json!({"ex": "{"})), Ok(false));
    let round_trip = "toJson(parseJson(request.ex)) == request.ex";
    let all = json!({"a": [1, -1, 1.5, true, null, u64::MAX], "b": {"c": "ü\"/"}});
    assert_eq!(holds(round_trip, ex(all)), Ok(true));
}

#[test]
fn is_json_says_whether_parse_json_gives_a_value() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let (deep, deeper, deepest) = (nested(127), nested(128), nested(100_000));
    for (text, is_json) in [
        (r#"{"content":"hello"}"#, true),
        (r#" [1, "a", null, true, 1e308, -0] "#, true),
        (r#""\ud83d\ude00\u0000""#, true),
        (r#"{"a":1,"a":2}"#, true),
        (&deep, true),
        (&deeper, false),
        (&deepest, false),
        ("1e999", false),
        (r#"{"a":-1e999}"#, false),
        (r#""\ud800""#, false),
        (r#"{"\udc00":1}"#, false),
        ("\"a\nb\"", false),
        ("", false),
        ("{", false),
        ("{} {}", false),
        ("{'a':1}", false),
    ] {
        let ex = json!({"ex": text});
        assert_eq!(holds("isJson(request.ex)", ex.clone()), Ok(is_json), "{text:.40}");
        let parsed = holds("parseJson(request.ex) == 'x'", ex);
        assert_eq!(parsed.is_ok(), is_json, "{text:.40}");
    }
}

#[test]
fn the_texts_of_json_are_found_whatever_else_it_holds() {
    for (text, found) in [
        (r#"{"text":"a\nb","other":"c"}"#, "a\nb"),
        (r#"{"b":[{"TEXT":"a"}],"text":{"x":["b",1]},"texts":"c"}"#, "a\nb"),
        (r#"{"ſo":"a","other":"b"}"#, "a"),
        (r#"{"text":"a","x":{"text":"b"},"x":-1.5,"text":null}"#, "a\nb"),
        (r#" {} "#, ""),
        // A text that is no object, or can't be read, is taken as a whole.
        (r#""a\/b""#, r#""a/b""#),
        (r#"{"text":"a\ud800\/"}"#, "{\"text\":\"a\u{fffd}/\"}"),
        (r#"{"text":"\u0061","n":1e999}"#, r#"{"text":"a","n":1e999}"#),
        (r#"{"text":"a"} {"text":"b"}"#, r#"{"text":"a"} {"text":"b"}"#),
        (r"a\", "a"),
    ] {
        let request = json!({"ex": text, "nickname": found});
        let condition = "jsonText(request.ex, ['text', 'SO']) == request.nickname";
        assert_eq!(holds(condition, request), Ok(true), "{text}");
    }
}

#[test]
fn a_command_that_the_contract_does_not_know_can_be_decided() {
    let policy = policy(
        "
rules:
  - name: unknown
    on: [Decide]
    when: request.command == 'callbackNew' && parseJson(request.body).n == 1
    edit: {edits: \"toJson({'n': parseJson(request.body).n + 1})\"}
",
    );
    let request = json!({"command": "callbackNew", "body": "{\"n\":1}"});
    assert_eq!(decide(&policy, "Decide", request), Ok(json!({"edits": "{\"n\":2}"})));
}

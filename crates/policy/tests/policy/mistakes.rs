//! Mistakes in a policy file: each is reported with its place, its rule, and a suggestion.

use crate::support::mistakes;
use policy::Policy;
use std::path::Path;

/// The mistakes of a rule for BeforeUpdateUserInfo with this condition, without their places.
fn in_condition(condition: &str) -> String {
    let mistakes = mistakes(&format!(
        "lists: {{bad: [x]}}
rules:
  - name: r
    on: [BeforeUpdateUserInfo]
    deny: {{}}
    when: |
      {condition}
"
    ));
    let texts = mistakes.lines().map(|line| line.split("rule \"r\": ").last().unwrap_or(line));
    texts.collect::<Vec<_>>().join(" & ")
}

/// The mistakes of a rule with these edits, in flow style, with their columns.
fn in_edit(rpc: &str, edits: &str) -> String {
    let rule = format!("{{name: r, on: [{rpc}], when: 'true', edit:\n{edits}}}");
    mistakes(&format!("rules: [{rule}]")).replace("rule \"r\": ", "").replace("policy.yaml:2:", "")
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let text = "
lists:
  reserved: [admin, '']
  2nd: [a]
rules:
  - name: fields
    on: [BeforeUpdateUserInfo, BeforeUpdateUserInf, AfterUpdateUserInfo]
    when: has(request.nicknme) && request.ex in lists.reservd
    deny: {code: 42}
  - name: \"quoted\"
    on: [BeforeUpdateUserInfo]
    when: request.ex == 'ä' || nothing
    edit:
      nicknam: \"'x'\"
      denial: \"'x'\"
      ex: |
        request.ex +
          request.user
  - name: both
    on: []
    when: 'true'
    edit: {}
    deny: {}
  - name: neither
    on: [BeforeAddBlack]
    when: >-
      'a' ==
      request.nope
";
    let expected = r#"policy.yaml:3:21: list "reserved": a word is empty, so every text has it
policy.yaml:4:3: list "2nd": a name has letters, digits and _ only
policy.yaml:7:32: rule "fields": no rpc BeforeUpdateUserInf; did you mean `BeforeUpdateUserInfo`?
policy.yaml:7:53: rule "fields": AfterUpdateUserInfo tells what has happened, so no rule can change it
policy.yaml:8:23: rule "fields": no field nicknme in BeforeUpdateUserInfoRequest; did you mean `nickname`?
policy.yaml:8:55: rule "fields": no list reservd; did you mean `reserved`?
policy.yaml:9:18: rule "fields": code 42 is not in 5000–9999 or 20001–29999
policy.yaml:12:32: rule "quoted": no variable nothing
policy.yaml:14:7: rule "quoted": no field nicknam in BeforeUpdateUserInfoResponse; did you mean `nickname`?
policy.yaml:15:7: rule "quoted": to deny, write deny
policy.yaml:18:19: rule "quoted": no field user in BeforeUpdateUserInfoRequest
policy.yaml:19:5: rule "both": it can deny, edit or allow, one of them
policy.yaml:19:5: rule "both": it names no rpc
policy.yaml:24:5: rule "neither": nothing follows: it needs deny, edit or allow
policy.yaml:28:15: rule "neither": no field nope in BeforeAddBlackRequest"#;
    assert_eq!(mistakes(text), expected);
}

#[test]
fn a_rule_must_be_valid_for_each_of_its_rpcs() {
    let mistakes = mistakes(
        "
rules:
  - name: r
    on: [BeforeUpdateUserInfo, BeforeAddBlack]
    when: request.nickname == ''
    deny: {}
",
    );
    let expected = "policy.yaml:5:19: rule \"r\": no field nickname in BeforeAddBlackRequest";
    assert_eq!(mistakes, expected);
}

#[test]
fn what_is_no_policy_is_told_with_its_place() {
    let rule = |rest: &str| format!("rules:\n  - name: r\n    on: [Decide]\n    {rest}\n");
    for (text, mistake) in [
        ("", "1:1: missing field `rules`"),
        ("rules: [", "1:8: unclosed bracket '['"),
        (
            "rules: []\nruls: []",
            "2:1: unknown field `ruls`, expected one of lists, defaults, rules",
        ),
        (
            &rule("whn: 'true'"),
            "4:5: unknown field `whn`, expected one of name, on, when, deny, edit, allow, mode, on_error",
        ),
        // YAML takes what begins with an exclamation mark for a tag.
        (&rule("when: !has(request.command)"), "4:32: null is not allowed here"),
        (&rule("when: 'true'\n    deny: {code: high}"), "5:18: invalid i32"),
    ] {
        assert_eq!(mistakes(text), format!("policy.yaml:{mistake}"), "{text}");
    }
}

#[test]
fn a_key_without_a_value_is_a_mistake() {
    let rule = |rest: &str| format!("rules:\n- {{name: r, on: [Decide], when: 'true', {rest}}}");
    for (rest, column) in [
        ("deny: NULL, allow: true", 47),
        ("deny: {}, edit: NULL", 57),
        ("deny: {}, allow: NULL", 58),
        ("deny: {}, on_error: NULL", 61),
        ("deny: {code: NULL}", 54),
    ] {
        let told = "this key has no value: write one, or leave the key out";
        let expected = format!("policy.yaml:2:{column}: {told}");
        for null in ["~", "null"] {
            assert_eq!(mistakes(&rule(&rest.replace("NULL", null))), expected);
        }
        let mistakes = mistakes(&rule(&rest.replace("NULL", "")));
        assert!(mistakes.ends_with(told), "{rest}: {mistakes}");
    }
}

#[test]
fn a_file_that_is_too_large_or_not_there_is_told() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.yaml");
    std::fs::write(&file, "#".repeat((4 << 20) + 1)).expect("there is room");
    let told = |file| Policy::load(file).err().map(|mistake| mistake.to_string());
    let large = format!("{}: a policy may have 4194304 bytes, this has more", file.display());
    assert_eq!(told(&file), Some(large));
    let missing = "/nowhere.yaml: No such file or directory (os error 2)".to_owned();
    assert_eq!(told(Path::new("/nowhere.yaml")), Some(missing));
}

#[test]
fn a_condition_that_is_no_cel_is_told() {
    for (condition, mistake) in [
        ("request.ex ==", "it ends too early"),
        ("request.ex = 'x'", "unexpected '= '"),
        ("request.ex == 'x' and true", "unexpected 'and'"),
        ("request.?ex == 'x'", "unsupported syntax '.?'"),
        (r"request.ex.matches('\d')", r"unexpected ''\d', write r'…' around text with a backslash"),
    ] {
        assert_eq!(in_condition(condition), mistake, "{condition}");
    }
}

#[test]
fn a_name_in_a_condition_that_does_not_exist_is_told() {
    for (condition, mistake) in [
        ("reqest.ex == ''", "no variable reqest; did you mean `request`?"),
        ("request.nickname.size", "string has no field size"),
        ("has(request.ex.x)", "string has no field x"),
        ("request.ex.sizes() > 3", "no function sizes; did you mean `size`?"),
        ("request.ex in lists.bed", "no list bed; did you mean `bad`?"),
        ("request.ex in lists", "lists is no value: select one with lists.…"),
        (
            "Platform.PLATFORM_WEP == 1",
            "no value PLATFORM_WEP in Platform; did you mean `PLATFORM_WEB`?",
        ),
        ("User{ex: 'x'}.ex == ''", "no type User: write a message as a map"),
    ] {
        assert_eq!(in_condition(condition), mistake, "{condition}");
    }
}

#[test]
fn a_condition_whose_types_do_not_fit_is_told() {
    for (condition, mistake) in [
        ("request.ex", "the condition gives string, not bool"),
        ("request.ex == 3", "no operator for string == int"),
        ("request.ex + 1 == ''", "no operator for string + int"),
        ("!request.ex", "no operator for !string"),
        ("timestamp(1) > 1", "no operator for timestamp > int"),
        ("request.ex[0] == 'x'", "no operator for string[int]"),
        ("request.ex.size('x') > 3", "no string.size(string), but string.size() -> int"),
        (
            "request.ex.containsAny(['x'])",
            "no string.containsAny(list(string)), but string.containsAny(words) -> bool",
        ),
        ("request.ex.all(c, c == 'x')", "string can't be looped over"),
        ("[1].all(true)", "all has the wrong arguments"),
        (
            "request.ex.matches(request.nickname)",
            "a pattern must be a literal: it is compiled before any request",
        ),
        ("request.ex.matches('(a')", "bad pattern: unclosed group"),
    ] {
        assert_eq!(in_condition(condition), mistake, "{condition}");
    }
}

#[test]
fn an_expression_that_is_too_large_is_told() {
    let long = format!("request.ex == '{}'", "x".repeat(4096));
    assert_eq!(in_condition(&long), "an expression may have 4096 bytes, not 4113");
    let nested = format!("{}1{} == 1", "(".repeat(2000), ")".repeat(2000));
    assert_eq!(in_condition(&nested), "nested too deep");
    let calls = format!("{}1{} == 1", "dyn(".repeat(32), ")".repeat(32));
    assert_eq!(in_condition(&calls), "nested deeper than 32");
    let loops = "[1].all(a, [1].all(b, [1].all(c, true)))";
    assert_eq!(in_condition(loops), "loops may be nested 2 deep, not deeper");
}

#[test]
fn an_edit_that_does_not_fit_is_told() {
    for (rpc, edits, mistake) in [
        ("BeforeUpdateUserInfo", "{nickname: '1'}", "13: nickname takes string, not int"),
        (
            "BeforeSendSingleMsg",
            "{content: \"'{}'\"}",
            "2: BeforeSendSingleMsg can be denied, not edited",
        ),
        (
            "BeforeImportFriends",
            "{friend_user_ids: '[1]'}",
            "20: friend_user_ids takes list(string), not list(int)",
        ),
        ("BeforeMsgModify", "{status: \"'ok'\"}", "11: status takes int, not string"),
        (
            "BeforeMsgModify",
            "{options: \"{'history': 1}\"}",
            "12: options takes map(bool), not map(int)",
        ),
        (
            "BeforeMsgModify",
            "{offline_push_info: \"{'titel': 'x', 'desc': 1}\"}",
            "23: no field titel in OfflinePushInfo; did you mean `title`?
37: desc takes string, not int",
        ),
        (
            "BeforeOfflinePush",
            "{offline_push_info: request.offline_push_info}",
            "21: offline_push_info takes a map of its fields, not OfflinePushInfo",
        ),
        (
            "BeforeUserRegister",
            "{users: \"request.users.map(user, {'nickname': user.ex})\"}",
            "10: every entry of users needs its user_id",
        ),
    ] {
        assert_eq!(in_edit(rpc, edits), mistake, "{edits}");
    }
}

#[test]
fn types_that_show_only_when_a_rule_runs_are_tried() {
    let mixed = "(request.nickname == '' ? [1] : ['a'])[0] + 1 == 2";
    assert_eq!(in_condition(mixed), "for BeforeUpdateUserInfo: a value has the wrong type");
    // A failure that depends on the data stops no start.
    assert_eq!(in_condition("parseJson(request.ex).a > 1 && int(request.ex) / 0 == 1"), "");
}

#[test]
fn an_expression_that_fails_whatever_the_request_is_told() {
    for (rpc, edits, mistake) in [
        ("Decide", "{edits: \"'[]'\"}", "for Decide: edits is no JSON object"),
        ("Decide", "{edits: \"toJson(['a'])\"}", "for Decide: edits is no JSON object"),
        ("BeforeMsgModify", "{content: \"''\"}", "for BeforeMsgModify: content is no JSON object"),
        (
            "BeforeMsgModify",
            "{content_type: '3000000000'}",
            "for BeforeMsgModify: content_type is out of range",
        ),
    ] {
        assert_eq!(in_edit(rpc, edits).split_once(": ").expect("a place").1, mistake, "{edits}");
    }
    assert_eq!(in_edit("Decide", "{edits: \"toJson({'a': 1})\"}"), "");
    assert_eq!(in_edit("Decide", "{edits: request.body}"), "");
    assert_eq!(in_condition("1 / 0 == 1"), "for BeforeUpdateUserInfo: division by zero");
    assert_eq!(in_condition("parseJson('{').a"), "for BeforeUpdateUserInfo: parseJson failed");
}

#[test]
fn a_rule_allows_or_does_not_say() {
    let rule = "rules: [{name: r, on: [BeforeAddBlack], when: 'true', allow: false}]";
    let mistake = "policy.yaml:1:62: rule \"r\": allow is true, or left out: to refuse, write deny";
    assert_eq!(mistakes(rule), mistake);
    let rule = "rules: [{name: r, on: [BeforeAddBlack], when: 'true', allow: true, deny: {}}]";
    assert_eq!(
        mistakes(rule),
        "policy.yaml:1:9: rule \"r\": it can deny, edit or allow, one of them"
    );
}

//! Warnings about a policy that can be loaded.

use crate::support::{decide, policy};
use policy::{Finding, Policy};
use serde_json::json;
use std::path::Path;

/// The warnings of a policy, one a line.
pub(crate) fn warnings(text: &str) -> String {
    lines(&policy(text))
}

fn lines(policy: &Policy) -> String {
    policy.warnings().iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

/// Texts that users write.
pub(crate) const CONTENTS: [&str; 8] =
    ["", "x", "42", "[]", "{", "{\"a\": 1}", "99999999999999999999", "a,b,c"];

fn rule(key: &str, condition: &str) -> String {
    format!(
        "rules:
  - name: r
    on: [BeforeSendSingleMsg, BeforeSendGroupMsg]
    deny: {{}}
    {key}
    when: |
      {condition}
"
    )
}

/// True if a condition fails on some content.
fn fails(condition: &str) -> bool {
    let policy = policy(&rule("mode: enforce", condition));
    let mut requests =
        CONTENTS.iter().flat_map(|ex| [json!({"ex": ex}), json!({"ex": ex, "at_user_ids": [ex]})]);
    requests.any(|msg| decide(&policy, "BeforeSendGroupMsg", json!({"msg": msg})).is_err())
}

/// The columns of the warnings about a condition, with the first words of each.
fn in_condition(condition: &str) -> String {
    let rule = |key: &str| {
        let warnings = warnings(&rule(key, condition));
        let warning = |line: &str| {
            let (place, text) = line.split_once(": warning: rule \"r\": ").expect("a warning");
            let text: Vec<_> = text.split(' ').take(3).collect();
            format!("{} {}", place.rsplit(':').next().expect("a column"), text.join(" "))
        };
        warnings.lines().map(warning).collect::<Vec<_>>().join(", ")
    };
    let told = rule("on_error: deny");
    assert_eq!(rule("on_error: skip"), told);
    assert_eq!(rule("mode: log"), told);
    told
}

#[test]
fn what_content_can_make_fail_is_told_with_its_place() {
    for (condition, warning) in [
        ("'x' == parseJson(request.msg.ex).a.b[0]", "14 parseJson fails on"),
        ("isJson(request.msg.ex) && parseJson(request.msg.ex).a", "33 parseJson fails on"),
        ("uint(request.msg.ex) == 1u", "7 uint fails on"),
        ("duration(request.msg.ex) == duration('1s')", "7 duration fails on"),
        ("1 > int(request.msg.ex) && bool(request.msg.ex)", "11 int fails on, 34 bool fails on"),
        ("request.msg.at_user_ids[0] == 'x'", "30 an index fails"),
        ("request.msg.at_user_ids[size(request.msg.ex)] == 'x'", "30 an index fails"),
        ("['a'][request.msg.ex.size()] == 'a'", "12 an index fails"),
        ("{'a': 1, 'b': 2}[request.msg.ex] == 1", "23 an index fails"),
        ("{request.msg.ex: 1}['a'] == 1", "26 an index fails"),
        ("{request.msg.ex: 1}.a == 1", "27 a member may"),
        (
            "[parseJson(request.msg.ex)].exists(v, v.a == 1)",
            "8 parseJson fails on, 47 a member may",
        ),
        ("1 / request.msg.ex.size() == 1", "9 a division fails"),
        ("7 % (request.msg.ex.size() - 1) == 1", "9 a division fails"),
        ("request.msg.ex.substring(3) == 'x'", "22 substring fails on"),
        ("request.msg.ex.split(',', 0)[0] == 'x'", "35 an index fails"),
        ("request.msg.at_user_ids.exists(id, int(id) > 3)", "42 int fails on"),
        ("json(request.msg.ex).list('a')[0].text('', '') == ''", "37 an index fails"),
        ("int(request.msg.ex.split(',')[1]) > 3", "7 int fails on, 36 an index fails"),
        // One of two is safe.
        (
            "(request.msg.ex.size() > 1 && request.msg.ex.charAt(1) == 'x') == (request.msg.ex.charAt(1) == 'y')",
            "89 charAt fails on",
        ),
        (
            "request.msg.ex.size() > 1 && request.msg.at_user_ids[0] == request.msg.ex.charAt(1)",
            "59 an index fails",
        ),
        (
            "request.msg.at_user_ids[0] == 'x' && request.msg.at_user_ids[1] == 'y'",
            "30 an index fails, 67 an index fails",
        ),
    ] {
        assert_eq!(in_condition(condition), warning, "{condition}");
        assert!(fails(condition), "{condition}");
    }
}

#[test]
fn what_content_can_not_make_fail_is_not_told() {
    for condition in [
        "json(request.msg.ex).int('a.b', 0) == 1",
        "parseJson('{\"a\": [1]}').a[0] == request.msg.ex.size()",
        "int('42') == request.msg.ex.size() && int(request.msg.ex.size()) == 1",
        "request.msg.send_time / 1000 % 60 == 1",
        "request.msg.ex.size() / (60 * 60) == 1",
        "1.0 / double(request.msg.ex.size()) == 1.0",
        "[request.msg.ex, 'a'][1] == 'a' && {'a': request.msg.ex}.a == ''",
        "request.msg.ex.charAt(0) == request.msg.ex.substring(0)",
        "request.msg.ex.split(',')[0] == '' && request.msg.ex.indexOf('a') > 1",
        "timestamp(request.msg.send_time / 1000).getHours() > 3",
        "ContentType.CONTENT_TYPE_TEXT == request.msg.content_type",
        "request.msg.at_user_ids.filter(id, id != '').map(id, id.size()).exists(n, n > 3)",
    ] {
        assert_eq!(in_condition(condition), "", "{condition}");
        assert!(!fails(condition), "{condition}");
    }
}

#[test]
fn a_condition_beside_a_part_can_make_it_safe() {
    for condition in [
        "request.msg.at_user_ids.size() > 0 && request.msg.at_user_ids[0] == 'x'",
        "size(request.msg.at_user_ids) == 0 || request.msg.at_user_ids[0] == 'x'",
        "request.msg.at_user_ids[0] == 'x' && (request.msg.at_user_ids.size() > 0 && true)",
        "(request.msg.ex.size() > 3 ? request.msg.ex.substring(3) : '') == 'x'",
        "request.msg.at_user_ids.map(id, id.size() > 1, id.charAt(1)) == ['x']",
        "request.msg.ex.matches(r'^[0-9]{1,9}$') && int(request.msg.ex) > 3",
        "(request.msg.ex.size() == 0 ? 0 : 10 / request.msg.ex.size()) > 3",
        "has({request.msg.ex: 1}.a) && {request.msg.ex: 1}['a'] == 1",
        "'a' in {request.msg.ex: 1} && {request.msg.ex: 1}.a == 1",
    ] {
        assert_eq!(in_condition(condition), "", "{condition}");
        assert!(!fails(condition), "{condition}");
    }
}

#[test]
fn the_value_of_an_edit_is_searched_too() {
    let text = r#"rules:
  - name: r
    on: [BeforeUpdateUserInfo]
    when: has(request.ex)
    edit:
      ex: |
        string(
          int(request.ex) + 1)
"#;
    let warning = "policy.yaml:8:11: warning: rule \"r\": int fails on a text that is no number: write json(x).int('', 0)";
    assert_eq!(warnings(text), warning);
}

#[test]
fn a_rule_below_one_that_always_ends_is_never_asked() {
    let told = |first: &str| {
        warnings(&format!(
            "rules:
  - {{name: first, on: [BeforeAddBlack, BeforeAddFriend], {first}}}
  - {{name: second, on: [BeforeAddBlack, BeforeSendGroupMsg], when: 'true', deny: {{}}}}
  - {{name: third, on: [BeforeAddBlack], when: 'true', deny: {{}}}}
"
        ))
    };
    let never = |line, rule, first| {
        let why = format!("never asked for BeforeAddBlack, which rule \"{first}\" always ends");
        format!("policy.yaml:{line}:5: warning: rule \"{rule}\": {why}")
    };
    let both = [never(3, "second", "first"), never(4, "third", "first")].join("\n");
    assert_eq!(told("when: true, deny: {}"), both);
    assert_eq!(told("when: 'true', allow: true"), both);
    for first in
        ["when: 'true', deny: {}, mode: log", "when: 1 == 2, deny: {}", "when: 'false', deny: {}"]
    {
        assert_eq!(told(first), never(4, "third", "second"), "{first}");
    }
    let edit = "rules:
  - {name: first, on: [BeforeUpdateUserInfo], when: true, edit: {ex: \"'x'\"}}
  - {name: second, on: [BeforeUpdateUserInfo], when: true, deny: {}}
";
    assert_eq!(warnings(edit), "");
}

#[test]
fn a_list_that_no_rule_uses_is_told_in_the_file_that_has_it() {
    let folder = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("a.yaml", "lists: {used: [a]}");
    write("b.yaml", "lists:\n  idle: [a]\n  kept: [a]\n");
    let when = "when: request.ex in lists.used || request.ex.containsAny(lists.kept)";
    write(
        "c.yaml",
        &format!("rules: [{{name: r, on: [BeforeUpdateUserInfo], {when}, deny: {{}}}}]"),
    );
    let policy = Policy::load(folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let file = folder.path().join("b.yaml");
    let expected = format!("{}:2:3: warning: list \"idle\": no rule uses it", file.display());
    assert_eq!(lines(&policy), expected);
}

#[test]
fn plain_text_that_looks_like_an_expression_is_told() {
    let told = |deny: &str| {
        warnings(&format!(
            "rules: [{{name: r, on: [BeforeAddBlack], when: request.owner_user_id == 'x', deny:
{deny}}}]
"
        ))
    };
    let warning = |column: u32, name: &str| {
        let why =
            "looks like an expression, but is plain text: write it without request. and lists.";
        format!("policy.yaml:2:{column}: warning: rule \"r\": {name} {why}")
    };
    let all = "{message: \"Sorry, {request.ex}\", detail: lists.words, reason: request.ex}";
    let expected = [warning(11, "message"), warning(42, "detail"), warning(63, "reason")];
    assert_eq!(told(all), expected.join("\n"));
    for message in ["we refuse this request. Sorry", "see blacklists.example.org", "no request"] {
        assert_eq!(told(&format!("{{message: {message}}}")), "", "{message}");
    }
    let defaults = "defaults: {deny: {detail: request.ex}}\nrules: []";
    let warning = warning(0, "detail").replace("2:0", "1:27").replace("rule \"r\"", "defaults");
    assert_eq!(warnings(defaults), warning);
}

#[test]
fn what_ships_has_no_warnings() {
    for file in ["policy.yaml", "examples/policy.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        let policy = Policy::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(lines(&policy), "");
    }
}

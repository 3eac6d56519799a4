//! `json(text)`: reads what users write, whatever that is.

use crate::support::{decide, holds, mistakes, policy};
use policy::Policy;
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

#[test]
fn entries_of_lists_are_read_and_put_back() {
    let ex = json!({"ex": r#"{"tags":["a",{"name":"b","n":"2"},3]}"#});
    for condition in [
        "json(request.ex).list('tags').exists(tag, tag.text('', '') == 'a')",
        "json(request.ex).list('tags').exists(tag, tag.text('name', '') == 'b' && tag.int('n', 0) == 2)",
        "json(request.ex).with('tags', json(request.ex).list('tags').filter(tag, !tag.has('name')))
          == '{\"tags\":[\"a\",3]}'",
        "json(request.ex).with('tags', {'b': json(request.ex), 'a': null})
          == '{\"tags\":{\"a\":null,\"b\":' + request.ex + '}}'",
        "toJson(json(request.ex)) == request.ex && toJson(json('{')) == 'null'",
        "json('{\"l\":[{\"url\":\"evil\"}],\"l\":[{}]}').list('l').exists(l, l.text('url', '') == 'evil')",
    ] {
        assert_eq!(holds(condition, ex.clone()), Ok(true), "{condition}");
    }
}

#[test]
fn a_mistake_in_a_call_is_found_at_load() {
    for (condition, mistake) in [
        ("json(request.ex).txt('a', '') == ''", "no function txt; did you mean `text`?"),
        (
            "json(request.ex).text('a') == ''",
            "no json.text(string), but json.text(string, string) -> string",
        ),
        (
            "json(request.ex).int('a', '0') == 0",
            "no json.int(string, string), but json.int(string, int) -> int",
        ),
        ("json(request.ex).has(1)", "no json.has(int), but json.has(string) -> bool"),
        ("json(1).has('a')", "no json(int), but json(string) -> json"),
        ("request.ex.has('a')", "no string.has(string), but json.has(string) -> bool"),
        ("json(request.ex).text('a', '') > 1", "no operator for string > int"),
        ("json(request.ex).a == 1", "json has no field a"),
        ("json(request.ex) == json('{}')", "no operator for json == json"),
        ("json(request.ex).list('a')[0] == 'a'", "no operator for json == string"),
        (
            "json(request.ex).with('a', [b'x']) == ''",
            "no json.with(string, list(bytes)), but json.with(string, printable) -> string",
        ),
        (
            "toJson({'a': request.ex, 'b': timestamp(0)}) == ''",
            "no toJson(map), but toJson(printable) -> string",
        ),
    ] {
        let told = mistakes(&format!(
            "rules:\n  - name: r\n    on: [BeforeUpdateUserInfo]\n    deny: {{}}\n    when: |\n      {condition}\n"
        ));
        assert!(told.lines().count() == 1 && told.ends_with(mistake), "{condition}: {told}");
    }
}

#[test]
fn a_loop_over_json_is_bounded() {
    let read = "json(request.ex).list('').exists(entry, json('{}').has('x'))";
    let ex = |entries| json!({"ex": json!(vec![1; entries]).to_string()});
    assert_eq!(holds(read, ex(1_000)), Ok(false));
    let failed = holds(read, ex(20_000)).expect_err("three steps a round");
    assert!(failed.ends_with("the decision takes more than 50000 steps"), "{failed}");
}

/// A rule that uses every function, and holds for whatever can be in `ex`.
static EVERY_FUNCTION: LazyLock<Policy> = LazyLock::new(|| {
    policy(
        "
rules:
  - name: every function
    on: [BeforeUpdateUserInfo]
    when: |
      ['', 'a', 'a.b', request.nickname].all(path,
        json(request.ex).text(path, '-') + string(json(request.ex).int(path, 1)) != '' &&
        (json(request.ex).bool(path, true) || true) &&
        json(request.ex).list(path).all(entry, entry.has(path) || !entry.has(path)) &&
        json(json(request.ex).with(path, 'x')).text(path, '') == 'x' &&
        json(request.ex).with(path, json(request.ex)) != '')
    deny: {code: 5000}
",
    )
});

/// Texts that are nearly JSON, of which many are.
fn nearly_json() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"A\"",
        "\"b\"",
        "null",
        "true",
        "1e999",
        "-7",
        "\\ud800",
        "\\",
        "\"a\":",
        "{\"a\":{\"b\":",
        "\n",
        "ß",
    ]);
    let value =
        prop_oneof![Just("null"), Just("1e999"), Just("true"), Just("\"\\ud800\""), Just("\"9\"")]
            .prop_map(str::to_owned)
            .prop_recursive(5, 30, 4, |inner| {
                let member = (
                    prop::sample::select(vec!["a", "A", "b", "\\u0061", "\\udc00", ""]),
                    inner.clone(),
                );
                let member = member.prop_map(|(name, value)| format!("\"{name}\":{value}"));
                prop_oneof![
                    prop::collection::vec(inner, 0..4)
                        .prop_map(|list| format!("[{}]", list.join(","))),
                    prop::collection::vec(member, 0..4)
                        .prop_map(|object| format!("{{{}}}", object.join(","))),
                ]
            });
    prop_oneof![
        any::<String>(),
        prop::collection::vec(parts, 0..20).prop_map(|parts| parts.concat()),
        value
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_makes_a_function_fail(ex in nearly_json(), nickname in nearly_json()) {
        let request = json!({"ex": ex, "nickname": nickname});
        let decided = decide(&EVERY_FUNCTION, "BeforeUpdateUserInfo", request);
        prop_assert_eq!(decided.map(|decision| decision["denial"]["code"].clone()), Ok(json!(5000)));
    }
}

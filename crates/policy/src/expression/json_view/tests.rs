//! Each function of a JSON value, by a text and a path.

use super::*;
use cel::common::types::CelDouble;
use std::collections::HashMap;

fn read(text: &str) -> Json {
    budget::refill();
    json(&text.into()).expect("a small text")
}

fn text_at(json: &str, path: &str) -> String {
    let text = text(&read(json), &path.into(), &"?".into()).expect("few steps");
    text.inner().to_owned()
}

fn int_at(json: &str, path: &str) -> i64 {
    *int(&read(json), &path.into(), &7.into()).expect("few steps").inner()
}

fn bool_at(json: &str, path: &str, default: bool) -> bool {
    *bool(&read(json), &path.into(), &default.into()).expect("few steps").inner()
}

fn has_at(json: &str, path: &str) -> bool {
    *has(&read(json), &path.into()).expect("few steps").inner()
}

fn set(json: &str, path: &str, value: impl Val) -> String {
    let path = CowVal::owned(CelString::from(path));
    let printed = with(vec![CowVal::owned(read(json)), path, CowVal::owned(value)]);
    let printed = printed.expect("few steps");
    printed.downcast_ref::<CelString>().expect("a text").inner().to_owned()
}

#[test]
fn what_is_absent_of_another_type_or_no_json_is_the_default() {
    for json in ["", "x", "{", "[]", "1", "null", "{} {}", r#"{"a":{"b":null}}"#, "{'a':1}"] {
        assert_eq!(text_at(json, "a.b"), "?", "{json}");
        assert_eq!(int_at(json, "a.b"), 7, "{json}");
        assert!(bool_at(json, "a.b", true) && !bool_at(json, "a.b", false), "{json}");
        assert!(!has_at(json, "a.b"), "{json}");
    }
    let json = r#"{"t":"x","n":1,"y":true,"l":["x"],"o":{"a":1},"f":1.5}"#;
    assert_eq!(
        ["t", "n", "y", "l", "o"].map(|path| text_at(json, path)),
        ["x", "?", "?", "?", "?"]
    );
    assert_eq!(["t", "n", "y", "l", "o", "f"].map(|path| int_at(json, path)), [7, 1, 7, 7, 7, 7]);
    assert_eq!(
        ["t", "n", "y", "l", "o"].map(|path| bool_at(json, path, false)),
        [false, false, true, false, false]
    );
    assert_eq!(
        ["t", "l", "o", "x", "t.x", "l.0"].map(|path| has_at(json, path)),
        [true, true, true, false, false, false]
    );
}

#[test]
fn a_path_leads_into_objects_and_an_empty_one_to_the_value_itself() {
    assert_eq!(text_at(r#" {"a" : {"b":{"c" : "x\n\u00e4"} } } "#, "a.b.c"), "x\nä");
    assert_eq!(text_at(r#"{"":"x"}"#, ""), "?");
    assert_eq!(text_at(r#""x""#, ""), "x");
    assert_eq!(int_at(" 5 ", ""), 5);
    assert!(bool_at("true", "", false));
    assert!(has_at("{}", "") && !has_at("null", "") && !has_at("x", ""));
}

#[test]
fn the_last_member_of_the_type_counts_in_any_case() {
    for (json, found) in [
        (r#"{"max":"1","max":"2"}"#, "2"),
        (r#"{"max":"1","MAX":"2"}"#, "2"),
        (r#"{"MAX":"1","max":"2"}"#, "2"),
        (r#"{"ma\u0078":"1","\u004dax":"2"}"#, "2"),
        // As Go does, which also joins objects.
        (r#"{"max":"1","max":3}"#, "1"),
        (r#"{"max":"1","max":null}"#, "1"),
        (r#"{"max":null,"max":[],"MAX":{}}"#, "?"),
    ] {
        assert_eq!(text_at(json, "max"), found, "{json}");
    }
    assert_eq!(text_at(r#"{"a":{"b":"1"},"A":{"c":"2"}}"#, "a.b"), "1");
    assert_eq!(text_at(r#"{"a":{"b":"1"},"A":{"B":"2"}}"#, "a.b"), "2");
    assert_eq!(text_at(r#"{"a":{"b":"1"},"a":5}"#, "a.b"), "1");
    assert!(bool_at(r#"{"a":false,"a":true,"a":"false"}"#, "a", false));
    assert!(!has_at(r#"{"a":null,"A":null}"#, "a") && has_at(r#"{"a":1,"a":null}"#, "a"));
}

#[test]
fn a_name_is_the_same_for_go_if_its_letters_are() {
    for (name, other, same) in [
        ("desk", "DEſ\u{212a}", true),
        ("straße", "STRAẞE", true),
        ("class", "claß", false),
        ("file", "ﬁle", false),
        ("id", "ıd", false),
        ("id", "İD", false),
        ("a", "ab", false),
    ] {
        assert_eq!(same_name(name, other), same, "{name} {other}");
    }
}

#[test]
fn an_int_may_be_text_and_must_fit() {
    let values = ["\"42\"", "-0", "\"-9223372036854775808\"", "9223372036854775808"];
    assert_eq!(values.map(|json| int_at(json, "")), [42, 0, i64::MIN, 7]);
    let values = ["1e3", "1.0", "1e999", "\" 1\"", "\"1_000\"", "\"0x1\"", "\"\""];
    assert_eq!(values.map(|json| int_at(json, "")), [7; 7]);
}

#[test]
fn the_last_int_counts_unless_number_and_text_differ() {
    for (json, found) in [
        (r#"{"a":9,"a":10,"a":1.0}"#, 10),
        (r#"{"a":10,"a":"x"}"#, 10),
        (r#"{"a":"9","a":"10","a":{}}"#, 10),
        (r#"{"a":10,"a":"10"}"#, 10),
        (r#"{"a":10,"a":"11"}"#, 7),
        (r#"{"a":"11","a":10}"#, 7),
    ] {
        assert_eq!(int_at(json, "a"), found, "{json}");
    }
}

#[test]
fn half_of_a_surrogate_pair_is_one_replacement_character() {
    for (json, found) in [
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\ud800\udbffy\ud800\udc00\udc00""#, "\u{fffd}\u{fffd}y\u{10000}\u{fffd}"),
        (r#""\ud800\ud83d\ude00\ue000퟿""#, "\u{fffd}\u{1f600}\u{e000}퟿"),
        (r#""\ud800\\ud83d\n""#, "\u{fffd}\\ud83d\n"),
    ] {
        assert_eq!(text_at(json, ""), found, "{json}");
    }
}

#[test]
fn json_that_only_lenient_readers_take_is_read() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let json = format!(r#"{{"a":"x","n":1e999,"s":"\ud800y","\udc00":1,"deep":{deep}}}"#);
    assert_eq!(text_at(&json, "a"), "x");
    assert_eq!(text_at(&json, "s"), "\u{fffd}y");
    let printed = set(&json, "a", CelInt::from(1));
    assert!(printed.contains(&deep) && printed.contains(r#""s":"\ud800y""#));
    // The gateway takes names only if they are text.
    assert!(serde_json::from_str::<HashMap<String, &RawValue>>(&printed).is_ok());
    let objects = r#"{"a":"#.repeat(200) + r#""x""# + &"}".repeat(200);
    assert_eq!(text_at(&objects, &["a"; 200].join(".")), "x");
}

fn entries(json: &str, path: &str) -> Vec<String> {
    let entries = list(&read(json), &path.into()).expect("few steps");
    entries.inner().iter().map(|entry| print(&**entry).expect("JSON")).collect()
}

#[test]
fn the_entries_of_a_list_are_json() {
    let json = r#"{"a":{"b":[ "x", 1.50 ,{ "c":[] },null]}}"#;
    assert_eq!(entries(json, "a.b"), ["\"x\"", "1.50", "{ \"c\":[] }", "null"]);
    assert_eq!(entries("[true]", ""), ["true"]);
    assert!(entries(json, "a").is_empty() && entries(json, "x").is_empty());
    assert!(entries("[1,", "").is_empty());
}

#[test]
fn a_list_that_comes_again_is_joined() {
    for (json, joined) in [
        (r#"{"l":["x"],"l":[null]}"#, &["\"x\"", "null"][..]),
        (r#"{"l":["x","y"],"L":["z"],"l":5}"#, &["\"x\"", "\"z\"", "\"y\""]),
        (r#"{"l":[{"a":"x"}],"l":[{}]}"#, &[r#"{"a":"x"}"#]),
        (
            r#"{"l":[{"a":1 } ,{"c":1}],"l":[{ }],"l":[{ "b":2},3]}"#,
            &[r#"{"a":1,"b":2}"#, r#"{"c":1}"#, "3"],
        ),
        (r#"{"l":[{}],"l":null,"l":[{}]}"#, &["{}"]),
        (r#"{"l":[5],"l":[{"a":1},{"a":2}]}"#, &[r#"{"a":1}"#, "5", r#"{"a":2}"#]),
    ] {
        assert_eq!(entries(json, "l"), joined, "{json}");
    }
}

#[test]
fn a_member_is_set_and_its_other_spellings_go() {
    for (json, path, printed) in [
        (r#"{"a":"1","b":2.50}"#, "a", r#"{"b":2.50,"a":"x"}"#),
        (r#"{"A":1,"b":2,"a":null,"\u0061":3}"#, "a", r#"{"b":2,"a":"x"}"#),
        (
            r#"{"a":{"b":1,"c":[1, 2]},"A":{"B":{},"d":1}}"#,
            "a.b",
            r#"{"a":{"c":[1, 2],"d":1,"b":"x"}}"#,
        ),
        (r#"{"a":[1],"b":1}"#, "a.b", r#"{"b":1,"a":{"b":"x"}}"#),
        (r#"{"c":{"a":1}}"#, "a.b", r#"{"c":{"a":1},"a":{"b":"x"}}"#),
        ("{}", "a\"", r#"{"a\"":"x"}"#),
        ("[1]", "a", r#"{"a":"x"}"#),
        ("no JSON", "a.b", r#"{"a":{"b":"x"}}"#),
        (r#"{"a":1}"#, "", r#""x""#),
    ] {
        assert_eq!(set(json, path, CelString::from("x")), printed, "{json} {path}");
    }
}

#[test]
fn a_member_may_be_set_to_whatever_json_can_hold() {
    assert_eq!(set("", "a", CelInt::from(-1)), r#"{"a":-1}"#);
    assert_eq!(set("", "a", CelBool::from(true)), r#"{"a":true}"#);
    let list: Vec<Box<dyn Val>> = vec![Box::new(read("[1e999]")), Box::new(read("x"))];
    assert_eq!(set("", "a", CelList::from(list)), r#"{"a":[[1e999],null]}"#);
    assert_eq!(set("", "a", CelDouble::from(f64::NAN)), r#"{"a":null}"#);
}

#[test]
fn reading_takes_steps_in_proportion_to_the_text() {
    let long = "x".repeat(100 << 10);
    let json = read(&format!(r#"{{"a":"{long}"}}"#));
    assert_eq!(budget::taken(), 101);
    has(&json, &"a".into()).expect("few steps");
    // The object's members, and the value.
    assert_eq!(budget::taken(), 3 * 101);

    let json = read(&format!("[{}1]", "1,".repeat(9_999)));
    let before = budget::taken();
    list(&json, &"".into()).expect("few steps");
    // One for eight entries, beside those for the text.
    assert_eq!(budget::taken() - before, 10_000 / 8 + 20);

    let ones = format!("\"a\":[{}1]", "1,".repeat(9_999));
    let json = read(&format!("{{{ones},{ones}}}"));
    let before = budget::taken();
    list(&json, &"a".into()).expect("few steps");
    assert_eq!(budget::taken() - before, 20_000 / 8 + 40 + 40);

    let json = read(&format!("{{{}\"a\":1}}", "\"\":1,".repeat(9_999)));
    let before = budget::taken();
    int(&json, &"a".into(), &0.into()).expect("few steps");
    assert_eq!(budget::taken() - before, 10_000 / 8 + 49 + 1);
}

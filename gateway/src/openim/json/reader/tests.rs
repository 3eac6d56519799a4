//! The reader compared with `serde_json`.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde::de::IgnoredAny;

use super::*;

const SCALARS: [&str; 20] = [
    "null",
    "true",
    "false",
    "nul",
    "0",
    "-0",
    "-",
    "01",
    "-1",
    "42",
    "1.0",
    "1.",
    "1e400",
    "1E-2",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "\"\"",
    "\"a\":",
];

const IN_TEXT: [&str; 22] = [
    "a",
    "plain",
    "text that is longer than a block of vector instructions takes at once",
    "é",
    "世界",
    "#]",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b\\f\\n\\r\\t",
    "\\u0041",
    "\\u00e9\\u4e16",
    "\\uD83d\\uDe00",
    "\\ud83d",
    "\\udc00",
    "\\ud83d\\n",
    "\\ud83d\\u0041",
    "\\u12",
    "\\u+123",
    "\\x",
    "\u{1f}",
    "\u{7f}",
];

fn text() -> impl Strategy<Value = String> {
    vec(select(&IN_TEXT[..]), 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// JSON, and text that is almost JSON.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![select(&SCALARS[..]).prop_map(str::to_owned), text()];
    let value = scalar.prop_recursive(4, 24, 4, |value| {
        let member = (text(), value.clone()).prop_map(|(key, value)| format!("{key} :{value}"));
        prop_oneof![
            vec(value, 0..4).prop_map(|entries| format!("[ {}]", entries.join(",\n"))),
            vec(member, 0..4).prop_map(|members| format!("{{{} }}", members.join(", "))),
        ]
    });
    let changed = vec((any::<Index>(), select(vec!["", "\"", ",", ":", "{", "}", "[", "]"])), 0..2);
    (value, changed).prop_map(|(json, changes)| {
        changes.into_iter().fold(json, |json, (at, piece)| {
            let at = json.floor_char_boundary(at.index(json.len() + 1));
            let mut rest = json[at..].chars();
            rest.next();
            format!("{}{piece}{}", &json[..at], rest.as_str())
        })
    })
}

fn all<'de, T>(
    json: &'de str,
    read: impl FnOnce(&mut Reader<'de>) -> Result<T, Error>,
) -> Result<T, String> {
    let mut reader = Reader::new(json, 0);
    let value = read(&mut reader).map_err(|e| e.to_string())?;
    reader.end().map_err(|e| e.to_string())?;
    Ok(value)
}

fn judged<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

fn members(reader: &mut Reader<'_>) -> Result<BTreeMap<String, bool>, Error> {
    let mut members = BTreeMap::new();
    reader.object("a map")?;
    while let Some(key) = reader.key(members.is_empty())? {
        members.insert(key.into_owned(), reader.bool()?);
    }
    Ok(members)
}

fn integer(reader: &mut Reader<'_>) -> Result<i128, Error> {
    match reader.peek() {
        Some(b'-' | b'0'..=b'9') => reader.integer("i128"),
        _ => Err(reader.wrong_type("i128")),
    }
}

fn entries(reader: &mut Reader<'_>) -> Result<Vec<String>, Error> {
    let mut entries = Vec::new();
    reader.array("a sequence")?;
    while reader.entry(entries.is_empty())? {
        entries.push(reader.string()?.into_owned());
    }
    Ok(entries)
}

fn for_all<S: Strategy<Value = String>>(
    strategy: &S,
    test: impl Fn(&str) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig { cases: 4_000, failure_persistence: None, ..Default::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tested = TestRunner::new_with_rng(config, rng).run(strategy, |json| test(&json));
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn json_is_skipped_or_rejected_as_by_serde_json() {
    for_all(&json(), |json| {
        let judged = judged::<IgnoredAny>(json).map(|_| ());
        prop_assert_eq!(all(json, Reader::skip).ok(), judged.ok(), "{}", json);
        Ok(())
    });
}

#[test]
fn text_is_unescaped_or_rejected_with_the_words_of_serde_json() {
    for_all(&text(), |json| {
        let text = all(json, |reader| reader.string().map(Cow::into_owned));
        prop_assert_eq!(text, judged::<String>(json), "{}", json);
        Ok(())
    });
}

#[test]
fn members_and_entries_and_numbers_are_those_of_serde_json() {
    for_all(&json(), |json| {
        prop_assert_eq!(all(json, entries).ok(), judged(json).ok(), "{}", json);
        prop_assert_eq!(all(json, members).ok(), judged(json).ok(), "{}", json);
        // It reads larger numbers into an i128 than the gateway has fields for.
        let number = judged::<i64>(json).map(i128::from);
        let number = number.or_else(|_| judged::<u64>(json).map(i128::from));
        prop_assert_eq!(all(json, integer).ok(), number.ok(), "{}", json);
        Ok(())
    });
}

#[test]
fn any_depth_is_skipped() {
    let deep = |depth: usize| ["[{\"a\":".repeat(depth), "}]".repeat(depth)].join("1");
    assert_eq!(all(&deep(100_000), Reader::skip), Ok(()));
}

//! The comparison of an expected edit with a decider's edits.

use serde_json::{Map, Value};

use super::edits::{Edits, entries};

/// The part of the changes that must be expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Further changes are right.
    Part,
    /// Every change must be written.
    Whole,
}

/// True if the edits are as expected. A value may also be written whole, as OpenIM gets it.
pub(super) fn meets(edits: &Edits, expected: &Map<String, Value>, extent: Extent) -> bool {
    let is_met = |(key, expected): (&String, &Value)| {
        edits.changes.get(key).is_some_and(|change| {
            matches(expected, &edits.values[key], Extent::Whole)
                || match edits.entry_key(key) {
                    Some(key) => entries_match(expected, change, key, extent),
                    None => matches(expected, change, extent),
                }
        })
    };
    (extent == Extent::Part || expected.len() == edits.changes.len()) && expected.iter().all(is_met)
}

/// Entries are found by their keys, in any order.
fn entries_match(expected: &Value, changed: &Value, key: &str, extent: Extent) -> bool {
    let of = |list, entry: &Value| entries(list).find(|other| other[key] == entry[key]);
    let mut expected_entries = entries(expected).peekable();
    expected_entries.peek().is_some()
        && expected_entries
            .all(|entry| of(changed, entry).is_some_and(|c| matches(entry, c, extent)))
        && (extent == Extent::Part || entries(changed).all(|entry| of(expected, entry).is_some()))
}

/// True if a value is the expected one, or holds it as JSON in text. An empty object is never a part.
fn matches(expected: &Value, value: &Value, extent: Extent) -> bool {
    match (expected, value) {
        (Value::Object(expected), Value::Object(members))
            if extent == Extent::Whole || !expected.is_empty() =>
        {
            (extent == Extent::Part || expected.len() == members.len())
                && expected.iter().all(|(key, expected)| {
                    members.get(key).is_some_and(|value| matches(expected, value, extent))
                })
        }
        (Value::Array(expected), Value::Array(values)) => {
            expected.len() == values.len()
                && expected.iter().zip(values).all(|(e, value)| matches(e, value, Extent::Whole))
        }
        (Value::Object(_) | Value::Array(_), Value::String(text)) => {
            serde_json::from_str(text).is_ok_and(|value| matches(expected, &value, extent))
        }
        _ => expected == value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::edits::tests::edits;
    use super::*;

    /// If an expected edit is met, in part and as a whole.
    fn met(request: &Value, values: &Value, expected: Value) -> (bool, bool) {
        let Value::Object(expected) = expected else { panic!("an object") };
        let edits = edits(request, values.clone()).expect("an edit");
        let meets = |extent| meets(&edits, &expected, extent);
        (meets(Extent::Part), meets(Extent::Whole))
    }

    const NOT: (bool, bool) = (false, false);
    const PART: (bool, bool) = (true, false);
    const WHOLE: (bool, bool) = (true, true);

    #[test]
    fn in_part_only_what_is_written_counts() {
        let (request, values) =
            (json!({"ex": "x", "a": 1}), json!({"name": "Ann", "ex": "", "a": 1}));
        let met = |expected| met(&request, &values, expected);
        assert_eq!(met(json!({"name": "Ann"})), PART);
        assert_eq!(met(json!({"name": "Ann", "ex": ""})), WHOLE);
        assert_eq!(met(json!({"name": "Bob"})), NOT);
        assert_eq!(met(json!({"name": "Ann", "face": ""})), NOT);
        assert_eq!(met(json!({"a": 1})), NOT, "OpenIM sent it");
    }

    #[test]
    fn objects_match_in_part_and_an_empty_one_as_a_whole() {
        let request =
            json!({"push": {"title": "a", "desc": "b", "ios": {"badge": 1, "sound": "x"}}});
        let values =
            json!({"push": {"title": "c", "desc": "b", "ios": {"badge": 2, "sound": "x"}}});
        let met_by = |expected| met(&request, &values, json!({ "push": expected }));
        assert_eq!(met_by(json!({"title": "c"})), PART);
        assert_eq!(met_by(json!({"title": "c", "ios": {"badge": 2}})), WHOLE);
        assert_eq!(met_by(json!({"title": "c", "desc": "b"})), NOT, "desc does not change");
        assert_eq!(met_by(values["push"].clone()), WHOLE, "as OpenIM gets it");
        assert_eq!(met_by(json!({})), NOT);
        let emptied = json!({"push": {}});
        assert_eq!(met(&request, &emptied, emptied.clone()), WHOLE);
    }

    #[test]
    fn an_entry_is_found_by_its_key_and_matched_in_part() {
        let request = json!({"users": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "c"}]});
        let values = json!({"users": [{"id": "1", "name": "a"}, {"id": "2", "name": "B", "ex": "x"}, {"id": "3", "name": "C"}]});
        let met_by = |expected| met(&request, &values, json!({ "users": expected }));
        assert_eq!(met_by(json!([{"id": "3", "name": "C"}])), PART);
        assert_eq!(
            met_by(json!([{"id": "3", "name": "C"}, {"id": "2", "name": "B", "ex": "x"}])),
            WHOLE
        );
        assert_eq!(met_by(json!([{"id": "3", "name": "C"}, {"id": "2", "name": "B"}])), PART);
        assert_eq!(met_by(json!([{"id": "3", "name": "C"}, {"id": "3", "name": "C"}])), PART);
        assert_eq!(met_by(json!([{"id": "2", "name": "C"}])), NOT);
        assert_eq!(met_by(json!([{"id": "1", "name": "a"}])), NOT, "it does not change");
        assert_eq!(met_by(json!([{"name": "C"}])), NOT, "it has no key");
        assert_eq!(met_by(json!([])), NOT);
        assert_eq!(met_by(values["users"].clone()), WHOLE, "as OpenIM gets it");
    }

    #[test]
    fn other_lists_match_entry_by_entry() {
        let (request, values) = (json!({}), json!({"ids": ["1", "2"], "texts": ["{\"a\":1}"]}));
        let met_by = |expected| met(&request, &values, expected);
        assert_eq!(met_by(json!({"ids": ["1", "2"]})), PART);
        assert_eq!(met_by(json!({"ids": ["1"]})), NOT);
        assert_eq!(met_by(json!({"ids": ["2", "1"]})), NOT);
        assert_eq!(met_by(json!({"ids": ["1", "2"], "texts": [{"a": 1}]})), WHOLE);
    }

    #[test]
    fn json_in_text_is_compared_by_what_it_holds() {
        let (request, values) =
            (json!({"content": "{}"}), json!({"content": r#"{ "content" : "hi", "id": 7 }"#}));
        let met_by = |expected| met(&request, &values, json!({ "content": expected }));
        assert_eq!(met_by(json!({"content": "hi", "id": 7})), WHOLE);
        assert_eq!(met_by(json!({"content": "hi"})), PART);
        assert_eq!(met_by(json!({"content": "ho"})), NOT);
        assert_eq!(met_by(values["content"].clone()), WHOLE);
    }
}

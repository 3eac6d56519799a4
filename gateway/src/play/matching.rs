//! The comparison of an expected edit with a decider's edits.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::difference::{entries, id};
use super::edits::Edits;
use super::json_text;

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
            value_matches(expected, &edits.values[key], Extent::Whole)
                || match edits.entry_key(key) {
                    Some(key) => entries_match(expected, change, key, extent),
                    None => value_matches(expected, change, extent),
                }
        })
    };
    (extent == Extent::Part || expected.len() == edits.changes.len()) && expected.iter().all(is_met)
}

/// Entries are found by their keys, in any order.
fn entries_match(expected: &Value, changed: &Value, key: &str, extent: Extent) -> bool {
    let (expected, changed) = (by_id(expected, key), by_id(changed, key));
    let with_id =
        |lists: &HashMap<&str, Vec<_>>, id: &str| lists.get(id).cloned().unwrap_or_default();
    let mut ids = expected.keys().chain(changed.keys());
    !expected.is_empty()
        && ids.all(|id| {
            let (expected, changed) = (with_id(&expected, id), with_id(&changed, id));
            let is_met = |e: &&Value| changed.iter().any(|c| value_matches(e, c, extent));
            let is_expected = |c: &&Value| expected.iter().any(|e| value_matches(e, c, extent));
            let all_expected = expected.len() == changed.len() && changed.iter().all(is_expected);
            expected.iter().all(is_met) && (extent == Extent::Part || all_expected)
        })
}

/// A registration may have several entries of one key.
fn by_id<'v>(list: &'v Value, key: &str) -> HashMap<&'v str, Vec<&'v Value>> {
    let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
    entries(list).for_each(|entry| by_id.entry(id(entry, key)).or_default().push(entry));
    by_id
}

/// True if a value is the expected one, or holds it as JSON in text.
fn value_matches(expected: &Value, value: &Value, extent: Extent) -> bool {
    match (expected, value) {
        (Value::Object(expected), Value::Object(members)) => {
            members_match(expected, members, extent, value_matches)
        }
        (Value::Object(_) | Value::Array(_), Value::String(text)) => {
            json_text::read(text).is_some_and(|value| json_matches(expected, &value, extent))
        }
        _ => json_matches(expected, value, extent),
    }
}

/// The same for JSON from a text, in which text is only text: an object in place of a text, or the other way round, is
/// another value.
fn json_matches(expected: &Value, value: &Value, extent: Extent) -> bool {
    match (expected, value) {
        (Value::Object(expected), Value::Object(members)) => {
            members_match(expected, members, extent, json_matches)
        }
        (Value::Array(expected), Value::Array(values)) => {
            expected.len() == values.len()
                && expected
                    .iter()
                    .zip(values)
                    .all(|(e, value)| json_matches(e, value, Extent::Whole))
        }
        (Value::Number(expected), Value::Number(number)) => expected == number && is_exact(number),
        _ => expected == value,
    }
}

/// An empty object is never a part.
fn members_match(
    expected: &Map<String, Value>,
    members: &Map<String, Value>,
    extent: Extent,
    member_matches: fn(&Value, &Value, Extent) -> bool,
) -> bool {
    let is_met = |(key, expected): (&String, &Value)| {
        members.get(key).is_some_and(|value| member_matches(expected, value, extent))
    };
    let fits = match extent {
        Extent::Part => !expected.is_empty(),
        Extent::Whole => expected.len() == members.len(),
    };
    fits && expected.iter().all(is_met)
}

/// False for a number beyond 64 bits, of which the last digits are lost.
fn is_exact(number: &Number) -> bool {
    const LIMIT: f64 = (1_u64 << 63) as f64;
    !number.is_f64() || number.as_f64().is_some_and(|number| number.abs() < LIMIT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::edits::tests::edits;
    use super::*;

    /// If an expected edit of a callback is met, in part and as a whole.
    fn met(callback: &str, request: &Value, values: &Value, expected: Value) -> (bool, bool) {
        let Value::Object(expected) = expected else { panic!("an object") };
        let edits = edits(callback, request, values.clone()).expect("an edit");
        let meets = |extent| meets(&edits, &expected, extent);
        (meets(Extent::Part), meets(Extent::Whole))
    }

    const NOT: (bool, bool) = (false, false);
    const PART: (bool, bool) = (true, false);
    const WHOLE: (bool, bool) = (true, true);

    #[test]
    fn in_part_only_what_is_written_counts() {
        let (request, values) =
            (json!({"ex": "x", "status": 1}), json!({"recvID": "u1", "ex": "", "status": 1}));
        let met = |expected| met("beforeMsgModify", &request, &values, expected);
        assert_eq!(met(json!({"recvID": "u1"})), PART);
        assert_eq!(met(json!({"recvID": "u1", "ex": ""})), WHOLE);
        assert_eq!(met(json!({"recvID": "u2"})), NOT);
        assert_eq!(met(json!({"recvID": "u1", "groupID": ""})), NOT);
        assert_eq!(met(json!({"status": 1})), NOT, "OpenIM sent it");
    }

    #[test]
    fn of_an_object_what_changes_can_be_written_or_all() {
        let request = json!({"title": "a", "desc": "b", "ex": "", "iOSPushSound": "x"});
        let push = json!({"title": "c", "desc": "b", "ex": "{\"vip\":true}", "iOSPushSound": "x"});
        let values = json!({ "offlinePushInfo": push });
        let met_by = |expected| {
            let expected = json!({ "offlinePushInfo": expected });
            met("beforeOfflinePush", &request, &values, expected)
        };
        assert_eq!(met_by(json!({"title": "c"})), PART);
        assert_eq!(met_by(json!({"title": "c", "ex": {"vip": true}})), WHOLE);
        assert_eq!(met_by(json!({"title": "c", "desc": "b"})), NOT, "desc does not change");
        assert_eq!(met_by(values["offlinePushInfo"].clone()), WHOLE, "as OpenIM gets it");
        assert_eq!(met_by(json!({})), NOT);
    }

    #[test]
    fn an_entry_is_found_by_its_key_and_matched_in_part() {
        let request = json!({"users": [{"userID": "1", "nickname": "a"}, {"userID": "2", "nickname": "b"}, {"userID": "3", "nickname": "c"}]});
        let values = json!({"users": [{"userID": "1", "nickname": "a"}, {"userID": "2", "nickname": "B", "ex": "x"}, {"userID": "3", "nickname": "C"}]});
        let met_by =
            |expected| met("beforeUserRegister", &request, &values, json!({ "users": expected }));
        let (c, b) = (
            json!({"userID": "3", "nickname": "C"}),
            json!({"userID": "2", "nickname": "B", "ex": "x"}),
        );
        assert_eq!(met_by(json!([c])), PART);
        assert_eq!(met_by(json!([c, b])), WHOLE);
        assert_eq!(met_by(json!([c, {"userID": "2", "nickname": "B"}])), PART);
        assert_eq!(met_by(json!([c, c])), PART);
        assert_eq!(met_by(json!([{"userID": "2", "nickname": "C"}])), NOT);
        assert_eq!(met_by(json!([{"userID": "1", "nickname": "a"}])), NOT, "it does not change");
        assert_eq!(met_by(json!([{"nickname": "C"}])), NOT, "it has no key");
        assert_eq!(met_by(json!([])), NOT);
        assert_eq!(met_by(values["users"].clone()), WHOLE, "as OpenIM gets it");
    }

    #[test]
    fn entries_of_one_key_are_expected_one_by_one() {
        let users = |one: &str, other: &str| json!({"users": [{"userID": "1", "nickname": one}, {"userID": "1", "nickname": other}]});
        let met =
            |expected| met("beforeUserRegister", &users("a", "b"), &users("c", "d"), expected);
        assert_eq!(met(users("d", "c")), WHOLE);
        assert_eq!(met(users("c", "c")), PART);
        assert_eq!(met(users("c", "e")), NOT);
        let both = edits("beforeUserRegister", &users("a", "b"), users("c", "c")).expect("edits");
        let one = json!({"users": [{"userID": "1", "nickname": "c"}]});
        let one = one.as_object().expect("an object");
        assert!(meets(&both, one, Extent::Part) && !meets(&both, one, Extent::Whole));
    }

    #[test]
    fn other_lists_match_entry_by_entry() {
        let values = json!({"userIDList": ["1", "2"]});
        let met_by = |expected| {
            met("beforeOfflinePush", &json!({}), &values, json!({ "userIDList": expected }))
        };
        assert_eq!(met_by(json!(["1", "2"])), WHOLE);
        assert_eq!(met_by(json!(["1"])), NOT);
        assert_eq!(met_by(json!(["2", "1"])), NOT);
    }

    fn met_by_content(content: &str, expected: Value) -> (bool, bool) {
        let values = json!({ "content": content });
        met("beforeMsgModify", &json!({"content": "{}"}), &values, json!({ "content": expected }))
    }

    #[test]
    fn json_in_text_is_compared_by_what_it_holds() {
        let content = r#"{ "content" : "hi", "id": 7 }"#;
        let met_by = |expected| met_by_content(content, expected);
        assert_eq!(met_by(json!({"content": "hi", "id": 7})), WHOLE);
        assert_eq!(met_by(json!({"content": "hi"})), PART);
        assert_eq!(met_by(json!({"content": "ho"})), NOT);
        assert_eq!(met_by(content.into()), WHOLE);
    }

    #[test]
    fn a_value_that_became_text_is_another() {
        let content = r#"{"content":"****","id":7,"more":"{\"deep\":[true,null]}"}"#;
        let sent = json!({"content": "****", "id": 7, "more": {"deep": [true, null]}});
        assert_eq!(met_by_content(content, sent), NOT);
        let ex = json!({"ex": r#""{\"vip\": true}""#});
        let expected = json!({"ex": {"vip": true}});
        assert_eq!(met("beforeMsgModify", &json!({"ex": ""}), &ex, expected), NOT);
    }

    #[test]
    fn json_in_text_with_a_repeated_key_or_a_number_beyond_64_bits_is_only_its_text() {
        let twice = r#"{"content":"darn","content":"****"}"#;
        assert_eq!(met_by_content(twice, json!({"content": "****"})), NOT);
        assert_eq!(met_by_content(twice, twice.into()), WHOLE);
        let long = r#"{"n":12345678901234567890123}"#;
        let rounded: Value = serde_json::from_str(r#"{"n":1.2345678901234568e+22}"#).expect("JSON");
        assert_eq!(met_by_content(long, rounded), NOT);
        assert_eq!(met_by_content(long, long.into()), WHOLE);
        assert_eq!(met_by_content(r#"{"n":0.5}"#, json!({"n": 0.5})), WHOLE);
    }

    #[test]
    fn fractions_are_the_same_float_or_others() {
        let expected = json!({"n": 120.397_312_253_960_64});
        assert_eq!(met_by_content(r#"{"n":120.39731225396064}"#, expected.clone()), WHOLE);
        assert_eq!(met_by_content(r#"{"n":120.39731225396065}"#, expected), NOT);
    }
}

//! The difference of edits to their counterparts in the request.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::openim::contract::{Callback, Counterpart};
use crate::openim::json::integer_in;

/// The part of an edit that OpenIM did not send. A member that the contract does not have is no counterpart: the gateway
/// ignores it.
pub(super) fn change(
    key: &str,
    value: &Value,
    request: &Value,
    callback: Option<&'static Callback>,
) -> Option<Value> {
    let known = callback.map(|callback| callback.members);
    match callback.and_then(|callback| callback.counterpart(key)) {
        Some(Counterpart::Beside) => {
            let changes = changed_members(request, value, known.unwrap_or_default(), true);
            (!changes.is_empty()).then(|| changes.into())
        }
        Some(Counterpart::Entries { list, key, members, whole }) => {
            let changed = changed_entries(&request[list], value, key, members, *whole);
            (!changed.is_empty()).then(|| changed.into())
        }
        Some(Counterpart::Member(member)) => replaced(&request[member], value),
        None if known.is_none_or(|known| known.contains(&key)) => replaced(&request[key], value),
        None => Some(value.clone()),
    }
}

fn replaced(sent: &Value, value: &Value) -> Option<Value> {
    (!is_sent(sent, value, false)).then(|| value.clone())
}

/// The changed entries of a list of edits. One that the gateway completes has an entry for each of the request's, in
/// their order; in it, a value that the request leaves out is written as empty.
fn changed_entries(
    sent: &Value,
    list: &Value,
    key: &str,
    members: &[&str],
    whole: bool,
) -> Vec<Value> {
    let change = |(entry, sent): (&Value, &Value)| {
        let mut changes = changed_members(sent, entry, members, whole);
        (!changes.is_empty()).then(|| {
            changes.insert(key.to_owned(), id(entry, key).into());
            Value::from(changes)
        })
    };
    if whole {
        return entries(list).zip(entries(sent)).filter_map(change).collect();
    }
    let sent: HashMap<_, _> = entries(sent).map(|entry| (id(entry, key), entry)).collect();
    let counterpart = |entry| *sent.get(id(entry, key)).unwrap_or(&&Value::Null);
    entries(list).map(|entry| (entry, counterpart(entry))).filter_map(change).collect()
}

/// The members of an object that differ from those that OpenIM sent, of which only the known ones count.
fn changed_members(
    sent: &Value,
    edited: &Value,
    known: &[&str],
    absent_is_empty: bool,
) -> Map<String, Value> {
    let sent = |key: &str| if known.contains(&key) { &sent[key] } else { &Value::Null };
    let members = edited.as_object().into_iter().flatten();
    let changed = members.filter(|(key, value)| !is_sent(sent(key), value, absent_is_empty));
    changed.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// True if OpenIM sent a value. Its null means absent, and its numbers may be text, of which the empty one is none.
fn is_sent(sent: &Value, value: &Value, absent_is_empty: bool) -> bool {
    match (sent, value) {
        (Value::String(text), Value::Number(number)) if !text.is_empty() => {
            integer_in(text).is_some_and(|sent| number.as_i64().map(i128::from) == Some(sent))
        }
        (Value::Null, value) | (Value::String(_), value @ Value::Number(_)) => {
            absent_is_empty && is_empty(value)
        }
        (sent, value) => sent == value,
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value.as_str(), Some("")) || value.as_i64() == Some(0) || value == false
}

/// The entries of a list, which OpenIM's pages also write as one entry without the list. Null has none.
pub(super) fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    let (list, single) = match list {
        Value::Array(list) => (&list[..], None),
        Value::Null => (&[][..], None),
        single => (&[][..], Some(single)),
    };
    list.iter().chain(single)
}

/// The text that identifies an entry; one that lacks it has the empty one.
pub(super) fn id<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::edits::tests::edits;
    use super::*;

    /// The changes of these edits; null if there is none.
    fn changes(callback: &str, request: Value, values: Value) -> Value {
        edits(callback, &request, values).map_or(Value::Null, |edits| edits.changes.into())
    }

    const MESSAGE: &str = "beforeMsgModify";
    const REGISTRATION: &str = "beforeUserRegister";
    const JOIN: &str = "beforeMemberJoinGroup";

    #[test]
    fn a_value_that_openim_sent_is_no_edit() {
        let changes = |request, values| changes(MESSAGE, request, values);
        assert_eq!(changes(json!({"ex": "Ann"}), json!({"ex": "Ann"})), Value::Null);
        assert_eq!(changes(json!({"ex": null}), json!({"ex": ""})), json!({"ex": ""}));
        let face = json!({"senderFaceURL": "a.png"});
        assert_eq!(changes(json!({"faceURL": "a.png"}), face), Value::Null);
        let request = json!({"ex": "a", "content": "{}"});
        let edits = edits(MESSAGE, &request, json!({"ex": "a", "content": "{\"a\":1}"}));
        let edits = edits.expect("an edit");
        assert_eq!(edits.values, edits.changes, "{edits}");
    }

    #[test]
    fn a_member_that_the_contract_does_not_have_hides_no_edit() {
        let push = json!({"title": "a", "desc": "", "ex": "", "iOSPushSound": "", "iOSBadgeCount": false, "signalInfo": ""});
        let edit = json!({"options": {"history": true}, "offlinePushInfo": push});
        assert_eq!(changes(MESSAGE, edit.clone(), edit.clone()), edit);

        let sent = json!({"memberList": [{"userID": "u1", "ex": "", "nickname": "Ann"}]});
        let edit = json!({"memberCallbackList": [{"userID": "u1", "nickname": "Ann"}]});
        assert_eq!(changes(JOIN, sent, edit.clone()), edit);
    }

    #[test]
    fn a_list_that_is_absent_has_no_entries() {
        assert_eq!(entries(&Value::Null).count(), 0);
        assert_eq!(entries(&json!({"userID": "u1"})).count(), 1);
    }

    #[test]
    fn of_an_object_whose_members_lie_beside_others_the_changed_ones_count() {
        let push = |title: &str, desc: &str| {
            json!({"offlinePushInfo": {"title": title, "desc": desc, "ex": "", "iOSPushSound": "",
                "iOSBadgeCount": false, "signalInfo": ""}})
        };
        let sent = || json!({"title": "a", "desc": "b", "ex": null, "iOSPushSound": ""});
        for callback in ["beforeOfflinePush", "beforeOnlinePush"] {
            assert_eq!(changes(callback, sent(), push("a", "b")), Value::Null);
            let changed = json!({"offlinePushInfo": {"desc": "c"}});
            assert_eq!(changes(callback, sent(), push("a", "c")), changed);
            let emptied = json!({"offlinePushInfo": {"title": ""}});
            assert_eq!(changes(callback, sent(), push("", "b")), emptied);
        }
        let group = "beforeGroupOnlinePush";
        assert_eq!(changes(group, sent(), push("a", "b")), push("a", "b"), "it does not have them");
    }

    #[test]
    fn of_a_list_of_edits_the_changed_members_of_each_entry_count() {
        let sent =
            json!({"users": [{"userID": "1", "nickname": "Ann", "ex": "x"}, {"userID": "2"}]});
        let completed = json!({"users": [{"userID": "1", "nickname": "Bea", "ex": "x"},
            {"userID": "2", "nickname": "", "createTime": 0}]});
        let changed = json!({"users": [{"userID": "1", "nickname": "Bea"}]});
        assert_eq!(changes(REGISTRATION, sent, completed), changed);
        let single = json!({"users": {"userID": "1", "nickname": "Bea"}});
        assert_eq!(changes(REGISTRATION, single.clone(), single), Value::Null);
        let sent = json!({"memberList": [{"userID": "2", "ex": "x"}, {"userID": "1"}]});
        let emptied = json!({"memberCallbackList": [{"userID": "1", "nickname": ""}]});
        assert_eq!(changes(JOIN, sent, emptied.clone()), emptied);
    }

    #[test]
    fn entries_of_a_complete_list_are_compared_by_their_place() {
        let sent = json!({"users": [{"userID": "1", "nickname": "a"}, {"userID": "1", "nickname": "b"}, {"ex": "x"}]});
        let values = json!({"users": [{"userID": "1", "nickname": "a"}, {"userID": "1", "nickname": "a"}, {"userID": "", "ex": "x"}]});
        let changed = json!({"users": [{"userID": "1", "nickname": "a"}]});
        assert_eq!(changes(REGISTRATION, sent, values), changed);
    }

    #[test]
    fn long_lists_are_compared_in_a_moment() {
        let list = |ex: &str| {
            let entries = (0..20_000).map(|n| json!({"userID": n.to_string(), "ex": ex}));
            Value::from(entries.collect::<Vec<_>>())
        };
        for (callback, request, reply) in
            [(REGISTRATION, "users", "users"), (JOIN, "memberList", "memberCallbackList")]
        {
            let began = std::time::Instant::now();
            let changes =
                changes(callback, json!({ request: list("") }), json!({ reply: list("x") }));
            assert_eq!(changes[reply].as_array().map(Vec::len), Some(20_000));
            assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn a_number_that_came_as_text_is_the_same_number() {
        let sent = |time: &str| json!({"users": [{"userID": "1", "createTime": time}]});
        let written = |time| json!({"users": [{"userID": "1", "createTime": time}]});
        for (text, number) in [("7", 7), ("-1", -1), ("007", 7), ("\u{2}", 2), ("", 0)] {
            let changes = changes(REGISTRATION, sent(text), written(number));
            assert_eq!(changes, Value::Null, "{text:?}");
        }
        for (text, number) in [("7", 8), ("", 7), ("\u{2}", 3)] {
            assert_eq!(changes(REGISTRATION, sent(text), written(number)), written(number));
        }
        let status = |status: Value| json!({ "status": status });
        assert_eq!(changes(MESSAGE, status("1".into()), status(1.into())), Value::Null);
    }

    #[test]
    fn lists_without_a_key_change_as_a_whole() {
        let sent = json!({"userIDList": ["1", "2"]});
        let changes = |values| changes("beforeOfflinePush", sent.clone(), values);
        assert_eq!(changes(json!({"userIDList": ["2"]})), json!({"userIDList": ["2"]}));
        assert_eq!(changes(sent.clone()), Value::Null);
    }
}

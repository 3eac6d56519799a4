//! The edits of a reply, and their difference to what OpenIM sent.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::openim::contract::PairedEdit;

/// Edits, of which at least one changes something.
#[derive(Clone, Debug)]
pub struct Edits {
    /// The values that OpenIM gets, by its keys. The gateway completes some lists.
    pub values: Map<String, Value>,
    /// The same, as far as they differ from the request: of an object the changed members, null where one is missing
    /// now; of a list whose entries have a key the changed entries, each with its key and its changed members.
    pub changes: Map<String, Value>,
    /// The edits with a rule of their own for finding the difference.
    pub(super) paired: &'static [PairedEdit],
}

impl Edits {
    /// The edits among the members of a reply to a request; none if it changes nothing.
    pub(super) fn new(
        mut values: Map<String, Value>,
        request: &Value,
        paired: &'static [PairedEdit],
    ) -> Option<Self> {
        let mut changes = Map::new();
        values.retain(|key, value| {
            let edit = paired.iter().find(|edit| edit.reply == key);
            let before = present(request.get(edit.map_or(key.as_str(), |edit| edit.request)));
            let change = match edit.and_then(|edit| Some((edit.key?, edit.whole))) {
                Some((key, whole)) => changed_entries(before, value, key, whole),
                None => difference(before, value),
            };
            change.is_some_and(|change| changes.insert(key.clone(), change).is_none())
        });
        (!changes.is_empty()).then_some(Self { values, changes, paired })
    }

    /// The key of the entries of an edit, if it is a list whose entries have one.
    pub(super) fn entry_key(&self, reply: &str) -> Option<&'static str> {
        self.paired.iter().find(|edit| edit.reply == reply)?.key
    }

    /// Each changed value, with its path.
    pub(super) fn paths(&self) -> Vec<(String, &Value)> {
        let mut paths = Vec::new();
        for (key, change) in &self.changes {
            match self.entry_key(key) {
                Some(entry_key) => entries(change).for_each(|entry| {
                    let id = entry[entry_key].as_str().unwrap_or_default();
                    for (member, value) in entry.as_object().into_iter().flatten() {
                        if member != entry_key {
                            collect(format!("{key}[{id}].{member}"), value, &mut paths);
                        }
                    }
                }),
                None => collect(key.clone(), change, &mut paths),
            }
        }
        paths
    }
}

/// The values that OpenIM gets.
impl Serialize for Edits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

/// The changes.
impl fmt::Display for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_members(f, &self.changes)
    }
}

pub(super) fn write_members(f: &mut fmt::Formatter<'_>, edits: &Map<String, Value>) -> fmt::Result {
    edits.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
}

/// The entries of a list, which OpenIM's pages also write as one entry without the list.
pub(super) fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    let (list, single) = match list {
        Value::Array(list) => (&list[..], None),
        single => (&[][..], Some(single)),
    };
    list.iter().chain(single)
}

/// OpenIM's null means absent.
fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn difference(before: Option<&Value>, value: &Value) -> Option<Value> {
    match (before, value) {
        (Some(before), value) if before == value => None,
        (Some(Value::Object(before)), Value::Object(members)) if !members.is_empty() => {
            let removed = before.keys().filter(|key| !members.contains_key(*key));
            let mut changes: Map<_, _> = removed.map(|key| (key.clone(), Value::Null)).collect();
            for (key, value) in members {
                let change = difference(before.get(key), value);
                changes.extend(change.map(|change| (key.clone(), change)));
            }
            Some(changes.into())
        }
        _ => Some(value.clone()),
    }
}

/// The changed entries of a list of edits. In one that the gateway completes, a value that the request leaves out is
/// empty: the gateway writes it so.
fn changed_entries(before: Option<&Value>, list: &Value, key: &str, whole: bool) -> Option<Value> {
    let change = |entry: &Value| {
        let sent = before.and_then(|before| entries(before).find(|sent| sent[key] == entry[key]));
        let mut changes = Map::new();
        for (member, value) in entry.as_object().into_iter().flatten().filter(|(m, _)| *m != key) {
            let before = present(sent.and_then(|sent| sent.get(member)));
            if before.is_some() || !(whole && is_empty(value)) {
                let change = difference(before, value);
                changes.extend(change.map(|change| (member.clone(), change)));
            }
        }
        (!changes.is_empty()).then(|| {
            changes.insert(key.to_owned(), entry[key].clone());
            Value::from(changes)
        })
    };
    let changed: Vec<_> = entries(list).filter_map(change).collect();
    (!changed.is_empty()).then(|| changed.into())
}

fn is_empty(value: &Value) -> bool {
    value.as_str() == Some("") || value.as_i64() == Some(0)
}

fn collect<'v>(path: String, value: &'v Value, paths: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, value)| collect(format!("{path}.{key}"), value, paths));
        }
        _ => paths.push((path, value)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// One list of each kind.
    static PAIRED: [PairedEdit; 3] = [
        PairedEdit { reply: "users", request: "users", key: Some("id"), whole: true },
        PairedEdit { reply: "edited", request: "members", key: Some("id"), whole: false },
        PairedEdit { reply: "faceURL", request: "face", key: None, whole: false },
    ];

    pub(crate) fn edits(request: &Value, values: Value) -> Option<Edits> {
        let Value::Object(values) = values else { panic!("an object") };
        Edits::new(values, request, &PAIRED)
    }

    fn changes(request: Value, values: Value) -> Value {
        edits(&request, values).map_or(Value::Null, |edits| edits.changes.into())
    }

    #[test]
    fn a_value_that_openim_sent_is_no_edit() {
        assert_eq!(changes(json!({"name": "Ann"}), json!({"name": "Ann"})), Value::Null);
        assert_eq!(changes(json!({"name": null}), json!({"name": ""})), json!({"name": ""}));
        assert_eq!(changes(json!({"face": "a.png"}), json!({"faceURL": "a.png"})), Value::Null);
        let edits = edits(&json!({"a": 1, "b": 1}), json!({"a": 1, "b": 2})).expect("an edit");
        assert_eq!(edits.values, edits.changes, "{edits}");
    }

    #[test]
    fn of_an_object_the_changed_members_count() {
        let sent = json!({"push": {"title": "hi", "desc": "long", "more": {"a": 1, "b": 1}}});
        let replaced = json!({"push": {"title": "hi", "more": {"a": 1, "b": 2}}});
        assert_eq!(
            changes(sent.clone(), replaced),
            json!({"push": {"desc": null, "more": {"b": 2}}})
        );
        assert_eq!(changes(sent, json!({"push": {}})), json!({"push": {}}));
    }

    #[test]
    fn of_a_list_of_edits_the_changed_members_of_each_entry_count() {
        let sent = json!({"users": [{"id": "1", "name": "Ann", "ex": "x"}, {"id": "2"}]});
        let completed = json!({"users": [{"id": "1", "name": "Bea", "ex": "x"}, {"id": "2", "name": "", "n": 0}]});
        assert_eq!(changes(sent, completed), json!({"users": [{"id": "1", "name": "Bea"}]}));
        let single = json!({"users": {"id": "1", "name": "Bea"}});
        assert_eq!(changes(single.clone(), single), Value::Null);
        let sent = json!({"members": [{"id": "1"}]});
        let emptied = json!({"edited": [{"id": "1", "name": ""}]});
        assert_eq!(changes(sent, emptied.clone()), emptied);
    }

    #[test]
    fn lists_without_a_key_change_as_a_whole() {
        let sent = json!({"ids": ["1", "2"]});
        assert_eq!(changes(sent.clone(), json!({"ids": ["2"]})), json!({"ids": ["2"]}));
        assert_eq!(changes(sent.clone(), sent), Value::Null);
    }
}

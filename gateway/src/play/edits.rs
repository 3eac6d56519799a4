//! The edits of a reply.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::difference::{change, entries, id};
use super::terminal::escaped;
use crate::openim::contract::{Callback, Counterpart};

/// Edits, of which at least one changes something.
#[derive(Clone, Debug)]
pub struct Edits {
    /// The values that OpenIM gets, by its keys. The gateway completes some lists.
    pub values: Map<String, Value>,
    /// The same, as far as they differ from their counterparts in the request: of an object the changed members; of a
    /// list whose entries have a key the changed entries, each with its key and its changed members.
    pub changes: Map<String, Value>,
    callback: Option<&'static Callback>,
}

impl Edits {
    /// The edits among the members of a reply to a request; none if it changes nothing.
    pub(super) fn new(
        replied: Map<String, Value>,
        request: &Value,
        callback: Option<&'static Callback>,
    ) -> Option<Self> {
        let (mut values, mut changes) = (Map::new(), Map::new());
        for (key, value) in replied {
            if let Some(change) = change(&key, &value, request, callback) {
                changes.insert(key.clone(), change);
                values.insert(key, value);
            }
        }
        (!changes.is_empty()).then_some(Self { values, changes, callback })
    }

    /// The key of the entries of an edit, if it is a list whose entries have one.
    pub(super) fn entry_key(&self, reply: &str) -> Option<&'static str> {
        match self.callback?.counterpart(reply)? {
            Counterpart::Entries { key, .. } => Some(key),
            Counterpart::Member(_) | Counterpart::Beside => None,
        }
    }

    /// Each changed value, with its path.
    pub(super) fn paths(&self) -> Vec<(String, &Value)> {
        let mut paths = Vec::new();
        for (key, change) in &self.changes {
            match self.entry_key(key) {
                Some(entry_key) => entries(change).for_each(|entry| {
                    let id = id(entry, entry_key);
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
    edits
        .iter()
        .try_for_each(|(key, value)| write!(f, " {}={}", escaped(key), escaped(&value.to_string())))
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
    use crate::openim::key::by_any_name;

    /// The edits in a reply to a callback.
    pub(crate) fn edits(callback: &str, request: &Value, values: Value) -> Option<Edits> {
        let Value::Object(values) = values else { panic!("an object") };
        Edits::new(values, request, Some(by_any_name(callback).expect("a callback")))
    }

    #[test]
    fn no_value_can_pass_for_another_line() {
        let edits = edits(
            "beforeMsgModify",
            &json!({}),
            json!({"options": {"a\u{9b}": true}, "ex": "\u{7f}\u{202e}"}),
        );
        let line = edits.expect("edits").to_string();
        assert_eq!(line, r#" ex="\u{7f}\u{202e}" options={"a\u{9b}":true}"#);
    }
}

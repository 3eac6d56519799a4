//! Lists of edits whose entries are identified by a key: members that an edit lacks stay unchanged.

use crate::expression::Failure;
use prost_reflect::{ReflectMessage, Value};
use std::collections::{HashMap, HashSet};

/// Adds the edits of a rule to those of earlier rules.
pub(crate) fn join(edits: Vec<Value>, earlier: &mut Vec<Value>, key: &str) {
    let index = index(earlier, key);
    for edit in edits {
        match key_of(&edit, key).and_then(|key| index.get(&key)) {
            Some(entry) => overlay(&mut earlier[*entry], &edit),
            None => earlier.push(edit),
        }
    }
}

/// Applies edits to the request's own list.
///
/// # Errors
/// When an edit is for no entry, or two are for one: the gateway would refuse such an answer.
pub(crate) fn apply(edits: &[Value], entries: &mut [Value], key: &str) -> Result<(), Failure> {
    let index = index(entries, key);
    let mut edited = HashSet::new();
    for edit in edits {
        let entry = key_of(edit, key).and_then(|key| index.get(&key));
        let Some(entry) = entry else {
            return Err(Failure::wrong_value(format!("an edit's {key} is not in the request")));
        };
        if !edited.insert(entry) {
            return Err(Failure::wrong_value(format!("two edits have the same {key}")));
        }
        overlay(&mut entries[*entry], edit);
    }
    Ok(())
}

fn index(entries: &[Value], key: &str) -> HashMap<String, usize> {
    let keys = entries.iter().enumerate();
    keys.filter_map(|(at, entry)| Some((key_of(entry, key)?, at))).collect()
}

fn key_of(entry: &Value, key: &str) -> Option<String> {
    let key = entry.as_message()?.get_field_by_name(key)?;
    key.as_str().map(str::to_owned)
}

/// Sets the fields that the edit sets, where the entry has them.
fn overlay(entry: &mut Value, edit: &Value) {
    let (Some(entry), Some(edit)) = (entry.as_message_mut(), edit.as_message()) else {
        return;
    };
    for (field, value) in edit.fields() {
        if let Some(field) = entry.descriptor().get_field_by_name(field.name())
            && value.is_valid_for_field(&field)
        {
            entry.set_field(&field, value.clone());
        }
    }
}

//! Functions that read JSON that users write: none can fail, whatever it holds.

use super::budget::{self, Exceeded};
use super::json::print;
use super::json_level::{self, members, same_name, text_of};
use super::json_value::Json;
use cel::common::types::{CelBool, CelInt, CelList, CelString, DYN_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use serde_json::value::RawValue;
use std::sync::Arc;

const NULL: &str = "null";

pub(super) fn functions(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn json: (CelString) -> Result<Json>)?;
    cel::add_member_overload!(env, fn text: (Json, CelString, CelString) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn int: (Json, CelString, CelInt) -> Result<CelInt>)?;
    cel::add_member_overload!(env, fn bool: (Json, CelString, CelBool) -> Result<CelBool>)?;
    cel::add_member_overload!(env, fn list: (Json, CelString) -> Result<CelList>)?;
    cel::add_member_overload!(env, fn has: (Json, CelString) -> Result<CelBool>)?;
    let parameters = vec![STRING_TYPE, DYN_TYPE];
    env.add_member_overload("with", "json_with", Json::cel_type().to_owned(), parameters, with)
}

/// Go reads what `RawValue` does: any number, any depth, half of a surrogate pair.
fn json(text: &CelString<'_>) -> Result<Json, ExecutionError> {
    json_level::spend_bytes(text.inner().len())?;
    let value = serde_json::from_str::<&RawValue>(text.inner());
    Ok(Json(value.map_or(NULL, RawValue::get).into()))
}

fn text(
    json: &Json,
    path: &CelString<'_>,
    default: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    let text = json.find(path)?.into_iter().rev().find_map(text_of);
    Ok(text.unwrap_or_else(|| default.inner().into()).into_owned().into())
}

fn int(json: &Json, path: &CelString<'_>, default: &CelInt) -> Result<CelInt, ExecutionError> {
    let values = json.find(path)?;
    let number = values.iter().rev().find_map(|value| value.parse().ok());
    let text = values.iter().rev().find_map(|value| text_of(value)?.parse().ok());
    let int = match (number, text) {
        // Go reads the one or the other, by the type that it expects.
        (Some(number), Some(text)) if number != text => None,
        _ => number.or(text),
    };
    Ok(int.unwrap_or(*default.inner()).into())
}

fn bool(json: &Json, path: &CelString<'_>, default: &CelBool) -> Result<CelBool, ExecutionError> {
    let bool = json.find(path)?.into_iter().rev().find_map(|value| value.parse().ok());
    Ok(bool.unwrap_or(*default.inner()).into())
}

fn list(json: &Json, path: &CelString<'_>) -> Result<CelList<'static>, ExecutionError> {
    let lists = json.find(path)?.into_iter().map(serde_json::from_str::<Vec<&RawValue>>);
    let entries = lists.flatten().flat_map(|list| list.into_iter().map(RawValue::get).enumerate());
    let mut entries: Vec<_> = entries.collect();
    budget::spend_entries(entries.len())?;
    // Go decodes a list that comes again into the entries that it has.
    entries.sort_by_key(|(index, _)| *index);
    let entries = entries.chunk_by(|(a, _), (b, _)| a == b).flat_map(join);
    let entry = |entry| Box::new(Json(entry)) as Box<dyn Val>;
    Ok(entries.map(entry).collect::<Vec<_>>().into())
}

/// The values for one entry of a list: the objects as a single one, in which members may come twice, and all others.
fn join(values: &[(usize, &str)]) -> impl Iterator<Item = Arc<str>> {
    let values = values.iter().map(|(_, value)| *value);
    let (objects, others): (Vec<_>, Vec<_>) = values.partition(|value| value.starts_with('{'));
    let object = match &objects[..] {
        [] => None,
        [object] => Some((*object).into()),
        _ => {
            let members = objects.iter().map(|object| object[1..object.len() - 1].trim());
            let members: Vec<_> = members.filter(|members| !members.is_empty()).collect();
            Some(format!("{{{}}}", members.join(",")).into())
        }
    };
    object.into_iter().chain(others.into_iter().map(Arc::from))
}

fn has(json: &Json, path: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok((!json.find(path)?.is_empty()).into())
}

/// The object with a member set, after the others of each object on the way.
///
/// A cel function, written out since the value may be of any type.
fn with<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [json, path, value] = &arguments[..] else {
        return Err(ExecutionError::invalid_argument_count(3, arguments.len()));
    };
    let (Some(json), Some(path)) = (json.downcast_ref::<Json>(), path.downcast_ref::<CelString>())
    else {
        return Err(ExecutionError::function_error("with", "not JSON and a path"));
    };
    let (mut printed, mut braces) = (String::new(), String::new());
    let mut here = vec![&*json.0];
    for name in names(path.inner()) {
        let (same, others): (Vec<_>, Vec<_>) =
            members(&here)?.into_iter().partition(|(key, _)| same_name(key, name));
        printed.push('{');
        for (key, value) in others {
            printed.extend([&*print(&CelString::from(&*key))?, ":", value, ","]);
        }
        printed.extend([&*print(&CelString::from(name))?, ":"]);
        braces.push('}');
        here = same.into_iter().map(|(_, value)| value).collect();
    }
    printed.extend([print(&**value)?, braces]);
    Ok(CowVal::owned(CelString::from(printed)))
}

/// The names on a path. An empty one leads to the value itself.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(move |_| !path.is_empty())
}

impl Json {
    /// The values at a path, in order: several if a member comes several times. Null is none.
    fn find(&self, path: &CelString<'_>) -> Result<Vec<&str>, Exceeded> {
        let mut found = vec![&*self.0];
        for name in names(path.inner()) {
            let same = members(&found)?.into_iter().filter(|(key, _)| same_name(key, name));
            found = same.map(|(_, value)| value).collect();
        }
        found.retain(|value| *value != NULL);
        json_level::spend_bytes(found.iter().map(|value| value.len()).sum())?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;

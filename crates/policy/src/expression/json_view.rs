//! JSON that users write: a value that can be read without knowing what it holds, since nothing in it is an error.

use super::budget::{self, Exceeded};
use super::json::print;
use super::json_level::{members, same_name, spend, text_of};
use cel::common::types::{CelBool, CelInt, CelList, CelString, DYN_TYPE, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::any::Any;
use std::sync::Arc;

static TYPE: Type = Type::new_unspecified_type("json");

/// A JSON value as its text, of which each function reads what it needs; `null` where there is no JSON.
///
/// A member is found as Go's `encoding/json` finds it, which OpenIM's server and clients use: its name may be in any
/// case, the last one counts, `null` leaves one before it in force, and an object that comes twice is joined.
#[derive(Clone, Debug)]
pub(super) struct Json(Arc<str>);

const NULL: &str = "null";

pub(super) fn functions(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn json: (CelString) -> Result<Json>)?;
    cel::add_member_overload!(env, fn text: (Json, CelString, CelString) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn int: (Json, CelString, CelInt) -> Result<CelInt>)?;
    cel::add_member_overload!(env, fn bool: (Json, CelString, CelBool) -> Result<CelBool>)?;
    cel::add_member_overload!(env, fn list: (Json, CelString) -> Result<CelList>)?;
    cel::add_member_overload!(env, fn has: (Json, CelString) -> Result<CelBool>)?;
    let parameters = vec![STRING_TYPE, DYN_TYPE];
    env.add_member_overload("with", "json_with", TYPE.to_owned(), parameters, with)
}

/// Go reads what `RawValue` does: any number, any depth, half of a surrogate pair.
fn json(text: &CelString<'_>) -> Result<Json, ExecutionError> {
    spend(text.inner().len())?;
    let value = serde_json::from_str::<&RawValue>(text.inner());
    Ok(Json(value.map_or(NULL, RawValue::get).into()))
}

fn text(
    json: &Json,
    path: &CelString<'_>,
    default: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    let text = json.find(path)?.and_then(text_of);
    Ok(text.unwrap_or_else(|| default.inner().into()).into_owned().into())
}

fn int(json: &Json, path: &CelString<'_>, default: &CelInt) -> Result<CelInt, ExecutionError> {
    let int = json.find(path)?.and_then(|value| match text_of(value) {
        Some(text) => text.parse().ok(),
        None => value.parse().ok(),
    });
    Ok(int.unwrap_or(*default.inner()).into())
}

fn bool(json: &Json, path: &CelString<'_>, default: &CelBool) -> Result<CelBool, ExecutionError> {
    let bool = json.find(path)?.and_then(|value| value.parse().ok());
    Ok(bool.unwrap_or(*default.inner()).into())
}

fn list(json: &Json, path: &CelString<'_>) -> Result<CelList<'static>, ExecutionError> {
    let list = json.find(path)?.map(serde_json::from_str::<Vec<&RawValue>>);
    let entries = list.and_then(Result::ok).unwrap_or_default();
    budget::spend_entries(entries.len())?;
    let entry = |entry: &RawValue| Box::new(Json(entry.get().into())) as Box<dyn Val>;
    Ok(entries.into_iter().map(entry).collect::<Vec<_>>().into())
}

fn has(json: &Json, path: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok(json.find(path)?.is_some().into())
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
    /// The value at a path. Null is none.
    fn find(&self, path: &CelString<'_>) -> Result<Option<&str>, Exceeded> {
        let mut found = vec![&*self.0];
        for name in names(path.inner()) {
            let same = members(&found)?.into_iter().filter(|(key, _)| same_name(key, name));
            found = same.map(|(_, value)| value).collect();
        }
        let value = found.into_iter().rfind(|value| *value != NULL);
        spend(value.map_or(0, str::len))?;
        Ok(value)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).ok().serialize(serializer)
    }
}

impl Val for Json {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Json {}

#[cfg(test)]
mod tests;

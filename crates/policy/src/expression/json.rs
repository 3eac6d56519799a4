//! JSON texts to CEL values and back: the content of a message is JSON in a string.

use super::budget::{self, Exceeded};
use cel::ExecutionError;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use serde_json::{Map, Number, Value};

/// The steps for a KiB of JSON: each byte or two may be a value of some 50 bytes.
const STEPS: usize = 64;

/// Reads a JSON text. Stricter than other readers, it rejects a number beyond any double, half of a surrogate pair,
/// nesting deeper than 127.
fn read(text: &CelString<'_>) -> Result<Option<Value>, Exceeded> {
    budget::spend_bytes(text.inner().len() * STEPS)?;
    Ok(serde_json::from_str(text.inner()).ok())
}

/// True if `parseJson` of the text gives a value.
pub(super) fn is_json(text: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    Ok(read(text)?.is_some().into())
}

/// A cel function, written out since its result may be of any type.
pub(super) fn parse_json<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = arguments.first().and_then(|text| text.downcast_ref::<CelString>());
    let value = text.map(read).transpose()?.flatten();
    value
        .map(|value| CowVal::Owned(from_json(value)))
        .ok_or_else(|| ExecutionError::function_error("parseJson", "the text is no JSON"))
}

/// A cel function, written out since its argument may be of any type.
pub(super) fn to_json<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let json = arguments.first().and_then(|value| into_json(&**value));
    json.map(|json| CowVal::owned(CelString::from(json.to_string())))
        .ok_or_else(|| ExecutionError::function_error("toJson", "the value has no form in JSON"))
}

fn from_json<'v>(value: Value) -> Box<dyn Val + 'v> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(bool) => Box::new(CelBool::from(bool)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Box::new(CelInt::from(int)),
            (None, Some(uint)) => Box::new(CelUInt::from(uint)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text)),
        Value::Array(entries) => {
            Box::new(CelList::from(entries.into_iter().map(from_json).collect::<Vec<_>>()))
        }
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key.into(), from_json(value)));
            Box::new(CelMap::from(members.collect::<std::collections::HashMap<_, _>>()))
        }
    }
}

fn into_json(value: &dyn Val) -> Option<Value> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        Some(Value::from(text.inner()))
    } else if let Some(bool) = value.downcast_ref::<CelBool>() {
        Some(Value::from(*bool.inner()))
    } else if let Some(int) = value.downcast_ref::<CelInt>() {
        Some(Value::from(*int.inner()))
    } else if let Some(uint) = value.downcast_ref::<CelUInt>() {
        Some(Value::from(*uint.inner()))
    } else if let Some(double) = value.downcast_ref::<CelDouble>() {
        Number::from_f64(*double.inner()).map(Value::Number)
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner()
            .iter()
            .map(|entry| into_json(&**entry))
            .collect::<Option<_>>()
            .map(Value::Array)
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        let members = map.inner().iter().map(|(key, value)| match key {
            CelMapKey::String(key) => Some((key.inner().to_owned(), into_json(&**value)?)),
            _ => None,
        });
        members.collect::<Option<Map<_, _>>>().map(Value::Object)
    } else {
        value.downcast_ref::<CelNull>().map(|_| Value::Null)
    }
}

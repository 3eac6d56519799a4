//! JSON texts to CEL values and back: the content of a message is JSON in a string.

use super::budget::{self, Exceeded};
use super::json_value::Json;
use cel::ExecutionError;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The bytes of a text that are made before the budget is asked for more.
const GROWTH: usize = 1 << 14;
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
    let [value] = &arguments[..] else {
        return Err(ExecutionError::invalid_argument_count(1, arguments.len()));
    };
    Ok(CowVal::owned(CelString::from(print(&**value)?)))
}

/// The value as JSON, with the keys of maps in order.
pub(super) fn print(value: &dyn Val) -> Result<String, ExecutionError> {
    let mut printed = Charged { text: Vec::new(), paid: 0 };
    let result = serde_json::to_writer(&mut printed, &Printable(value));
    budget::check()?;
    let text = result.ok().and_then(|()| String::from_utf8(printed.text).ok());
    text.ok_or_else(|| ExecutionError::UnexpectedType {
        got: value.get_type().name().to_owned(),
        want: "a value with a form in JSON".to_owned(),
    })
}

/// A text that grows as far as the budget has steps for it.
struct Charged {
    text: Vec<u8>,
    /// The bytes for which it had steps.
    paid: usize,
}

impl Write for Charged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let unpaid = self.text.len() + bytes.len() - self.paid;
        if unpaid >= GROWTH {
            budget::spend_bytes(unpaid).map_err(io::Error::other)?;
            self.paid += unpaid;
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

struct Printable<'a, 'v>(&'a (dyn Val + 'v));

impl Serialize for Printable<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        if let Some(text) = value.downcast_ref::<CelString>() {
            serializer.serialize_str(text.inner())
        } else if let Some(bool) = value.downcast_ref::<CelBool>() {
            serializer.serialize_bool(*bool.inner())
        } else if let Some(int) = value.downcast_ref::<CelInt>() {
            serializer.serialize_i64(*int.inner())
        } else if let Some(uint) = value.downcast_ref::<CelUInt>() {
            serializer.serialize_u64(*uint.inner())
        } else if let Some(double) = value.downcast_ref::<CelDouble>() {
            serializer.serialize_f64(*double.inner())
        } else if let Some(json) = value.downcast_ref::<Json>() {
            json.serialize(serializer)
        } else if let Some(list) = value.downcast_ref::<CelList>() {
            serializer.collect_seq(list.inner().iter().map(|entry| Printable(&**entry)))
        } else if let Some(map) = value.downcast_ref::<CelMap>() {
            let members = map.inner().iter().map(|(key, value)| match key {
                CelMapKey::String(key) => Ok((key.inner(), Printable(&**value))),
                _ => Err(S::Error::custom("a key is no text")),
            });
            serializer.collect_map(members.collect::<Result<BTreeMap<_, _>, _>>()?)
        } else if value.downcast_ref::<CelNull>().is_some() {
            serializer.serialize_unit()
        } else {
            Err(S::Error::custom("no form in JSON"))
        }
    }
}

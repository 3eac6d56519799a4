//! The value of an edit's expression as the value of the response field that it is for.

use crate::expression::{Failure, budget};
use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey};
use cel::common::types::{CelString, CelUInt};
use cel::common::value::{FromVal, Val};
use contract::values_of;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use std::collections::HashMap;

/// Converts a value for a field.
///
/// # Errors
/// When the field can't hold it.
pub(crate) fn convert(value: &dyn Val, field: &FieldDescriptor) -> Result<Value, Failure> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let kind = entry.map_entry_value_field().kind();
            let members = get::<CelMap>(value, field)?.inner().iter().map(|(key, value)| {
                let key = MapKey::String(name(key, field)?.to_owned());
                Ok((key, convert_one(&**value, &kind, field)?))
            });
            members.collect::<Result<HashMap<_, _>, _>>().map(Value::Map)
        }
        kind if field.is_list() => {
            let entries = get::<CelList>(value, field)?.inner().iter();
            let entries = entries.map(|entry| convert_one(&**entry, &kind, field));
            entries.collect::<Result<_, _>>().map(Value::List)
        }
        kind => convert_one(value, &kind, field),
    }
}

fn convert_one(value: &dyn Val, kind: &Kind, field: &FieldDescriptor) -> Result<Value, Failure> {
    Ok(match kind {
        Kind::Message(message) => Value::Message(convert_message(value, message, field)?),
        Kind::Bool => Value::Bool(*get::<CelBool>(value, field)?.inner()),
        Kind::String => {
            let text = get::<CelString>(value, field)?.inner();
            budget::spend_bytes(text.len())?;
            Value::String(text.to_owned())
        }
        Kind::Bytes => {
            let bytes = get::<CelBytes>(value, field)?.inner();
            budget::spend_bytes(bytes.len())?;
            Value::Bytes(bytes.to_vec().into())
        }
        Kind::Double => Value::F64(*get::<CelDouble>(value, field)?.inner()),
        Kind::Float => Value::F32(*get::<CelDouble>(value, field)?.inner() as f32),
        Kind::Enum(_) => Value::EnumNumber(int(value, field)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(int(value, field)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(int(value, field)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(int(value, field)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(*get::<CelUInt>(value, field)?.inner()),
    })
}

fn convert_message(
    value: &dyn Val,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
) -> Result<DynamicMessage, Failure> {
    let mut converted = DynamicMessage::new(message.clone());
    if let Some(values) = values_of(message) {
        converted.set_field(&values, convert(value, &values)?);
        return Ok(converted);
    }
    for (key, value) in get::<CelMap>(value, field)?.inner() {
        let member = message.get_field_by_name(name(key, field)?).ok_or_else(|| {
            Failure::wrong_type(format!("{} has a field that it does not know", field.name()))
        })?;
        converted.set_field(&member, convert(&**value, &member)?);
    }
    Ok(converted)
}

fn int<T: TryFrom<i64>>(value: &dyn Val, field: &FieldDescriptor) -> Result<T, Failure> {
    let int = *get::<CelInt>(value, field)?.inner();
    int.try_into().map_err(|_| Failure::wrong_value(format!("{} is out of range", field.name())))
}

fn name<'k>(key: &'k CelMapKey<'_>, field: &FieldDescriptor) -> Result<&'k str, Failure> {
    match key {
        CelMapKey::String(name) => Ok(name.inner()),
        _ => Err(wrong_type(field)),
    }
}

fn get<'b, 'v, T: FromVal<'b, 'v>>(
    value: &'b (dyn Val + 'v),
    field: &FieldDescriptor,
) -> Result<&'b T, Failure> {
    value.downcast_ref().ok_or_else(|| wrong_type(field))
}

fn wrong_type(field: &FieldDescriptor) -> Failure {
    Failure::wrong_type(format!("{} has the wrong type", field.name()))
}

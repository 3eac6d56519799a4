//! A protobuf message as a CEL value that copies nothing before a rule reads it.

use super::budget;
use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelString, CelUInt, Type,
};
use cel::common::value::{CowVal, Val};
use process::suggest;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use std::borrow::Cow;
use std::collections::HashMap;

static TYPE: Type = Type::new_unspecified_type("message");

/// The checker puts this before the field of a `has(message.field)`: cel reads a field in the same way for tests and
/// reads, but the read of an unset field is no error: it gives the default.
pub(super) const TEST: char = '?';

/// The error that a message has no such field.
pub(crate) fn no_field(name: &str, message: &MessageDescriptor) -> String {
    let known: Vec<_> = message.fields().map(|field| field.name().to_owned()).collect();
    let suggestion = suggest(name, known.iter().map(String::as_str));
    format!("no field {name} in {}{suggestion}", message.name())
}

/// A message that is set, or the default that an unset one reads as.
#[derive(Clone, Debug)]
pub(super) enum Message<'a> {
    Set(&'a DynamicMessage),
    Unset(MessageDescriptor),
}

impl<'a> Message<'a> {
    fn read<'v>(&self, name: &str) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        'a: 'v,
    {
        let (name, is_test) = match name.strip_prefix(TEST) {
            Some(name) => (name, true),
            None => (name, false),
        };
        let descriptor = match self {
            Self::Set(message) => message.descriptor(),
            Self::Unset(descriptor) => descriptor.clone(),
        };
        let field =
            descriptor.get_field_by_name(name).ok_or_else(|| ExecutionError::no_such_key(name))?;
        let value = match self {
            Self::Set(message) if message.has_field(&field) => match message.get_field(&field) {
                Cow::Borrowed(value) => Some(value),
                Cow::Owned(_) => None,
            },
            _ => None,
        };
        match value {
            _ if is_test => Ok(Box::new(CelBool::from(value.is_some()))),
            Some(value) => read(value),
            None => Ok(default(&field)),
        }
    }
}

fn read<'v>(value: &'v Value) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    Ok(match value {
        Value::Bool(bool) => Box::new(CelBool::from(*bool)),
        Value::I32(int) | Value::EnumNumber(int) => Box::new(CelInt::from(i64::from(*int))),
        Value::I64(int) => Box::new(CelInt::from(*int)),
        Value::U32(int) => Box::new(CelInt::from(i64::from(*int))),
        Value::U64(uint) => Box::new(CelUInt::from(*uint)),
        Value::F32(double) => Box::new(CelDouble::from(f64::from(*double))),
        Value::F64(double) => Box::new(CelDouble::from(*double)),
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Bytes(bytes) => Box::new(CelBytes::from(&bytes[..])),
        Value::Message(message) => Box::new(Message::Set(message)),
        Value::List(entries) => {
            budget::spend_entries(entries.len())?;
            Box::new(CelList::from(entries.iter().map(read).collect::<Result<Vec<_>, _>>()?))
        }
        Value::Map(members) => {
            budget::spend_entries(members.len())?;
            let members = members.iter().map(|(key, value)| Ok((read_key(key), read(value)?)));
            Box::new(CelMap::from(members.collect::<Result<HashMap<_, _>, ExecutionError>>()?))
        }
    })
}

fn read_key(key: &MapKey) -> CelMapKey<'_> {
    match key {
        MapKey::Bool(bool) => (*bool).into(),
        MapKey::I32(int) => i64::from(*int).into(),
        MapKey::I64(int) => (*int).into(),
        MapKey::U32(int) => i64::from(*int).into(),
        MapKey::U64(uint) => (*uint).into(),
        MapKey::String(text) => text.as_str().into(),
    }
}

/// The value that an unset field reads as.
fn default<'v>(field: &FieldDescriptor) -> Box<dyn Val + 'v> {
    match field.kind() {
        _ if field.is_map() => Box::new(CelMap::from(HashMap::new())),
        _ if field.is_list() => Box::new(CelList::from(Vec::new())),
        Kind::Message(message) => Box::new(Message::Unset(message)),
        Kind::String => Box::new(CelString::from("")),
        Kind::Bytes => Box::new(CelBytes::from(&[][..])),
        Kind::Bool => Box::new(CelBool::from(false)),
        Kind::Double | Kind::Float => Box::new(CelDouble::from(0.0)),
        Kind::Uint64 | Kind::Fixed64 => Box::new(CelUInt::from(0)),
        _ => Box::new(CelInt::from(0)),
    }
}

impl Indexer for Message<'_> {
    fn get<'b, 'v>(&'b self, field: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(name) = field.downcast_ref::<CelString>() else {
            return Err(ExecutionError::UnexpectedType {
                got: field.get_type().name().to_owned(),
                want: "a field's name".to_owned(),
            });
        };
        self.read(name.inner()).map(CowVal::Owned)
    }

    fn steal<'v>(self: Box<Self>, field: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(field).map(CowVal::into_owned)
    }
}

impl Val for Message<'_> {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

//! The types that a checker gives to expressions: CEL's, the contract's messages, and this crate's own.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use std::fmt;

/// The static type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Anything: parsed JSON, or values of different types.
    Dyn,
    /// The entries of an empty list.
    Nothing,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Box<Type>),
    /// A map, by the type of its values.
    Map(Box<Type>),
    /// A map written out with literal keys, such as an edit of a message.
    Record(Vec<Member>),
    Message(MessageDescriptor),
    /// A view of JSON in a text.
    Json,
    /// Anything with a form in JSON. Only parameters have this type.
    Printable,
    /// A word list of the policy file.
    WordList,
    /// A regular expression, compiled.
    Pattern,
}

/// A member of a map that is written out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// The place of the key in the expression's text.
    pub(crate) offset: usize,
    pub(crate) value: Type,
}

impl Type {
    pub(crate) fn list(entry: Type) -> Self {
        Self::List(Box::new(entry))
    }

    /// The type as which a rule reads the field. 32-bit unsigned integers are ints, so that rules can calculate
    /// with them; enums are their numbers.
    pub(crate) fn of_field(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                Self::Map(Box::new(Self::of_kind(entry.map_entry_value_field().kind())))
            }
            kind if field.is_list() => Self::list(Self::of_kind(kind)),
            kind => Self::of_kind(kind),
        }
    }

    fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Message(message) => Self::Message(message),
            Kind::Bool => Self::Bool,
            Kind::String => Self::String,
            Kind::Bytes => Self::Bytes,
            Kind::Double | Kind::Float => Self::Double,
            Kind::Uint64 | Kind::Fixed64 => Self::Uint,
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => Self::Int,
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Enum(_) => Self::Int,
        }
    }

    /// The type of a value of either type.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::Nothing) | (Self::Nothing, one) => one,
            (Self::List(one), Self::List(other)) => Self::list(one.or(*other)),
            (one, other) if one == other => one,
            _ => Self::Dyn,
        }
    }

    /// True if a value of this type may be used where the other is expected.
    pub(crate) fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Dyn | Self::Nothing, _) | (_, Self::Dyn) => true,
            (Self::List(entry), Self::List(wanted)) => entry.fits(wanted),
            (Self::Map(value), Self::Map(wanted)) => value.fits(wanted),
            (Self::Record(members), Self::Map(wanted)) => {
                members.iter().all(|member| member.value.fits(wanted))
            }
            (Self::List(value) | Self::Map(value), Self::Printable) => value.fits(wanted),
            (Self::Record(members), Self::Printable) => {
                members.iter().all(|member| member.value.fits(wanted))
            }
            (Self::Null | Self::Bool | Self::String | Self::Json, Self::Printable) => true,
            (_, Self::Printable) => self.is_number(),
            _ => self == wanted,
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn | Self::Nothing => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::List(entry) if matches!(**entry, Self::Dyn | Self::Nothing) => "list",
            Self::List(entry) => return write!(f, "list({entry})"),
            Self::Map(value) if matches!(**value, Self::Dyn | Self::Nothing) => "map",
            Self::Map(value) => return write!(f, "map({value})"),
            Self::Record(members) => {
                let values = members.iter().map(|member| member.value.clone());
                let map = Self::Map(Box::new(values.fold(Self::Nothing, Self::or)));
                return map.fmt(f);
            }
            Self::Message(message) => message.name(),
            Self::Json => "json",
            Self::Printable => "printable",
            Self::WordList => "words",
            Self::Pattern => "pattern",
        })
    }
}

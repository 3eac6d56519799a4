//! Reads OpenIM's JSON into messages, as leniently as its servers are inconsistent and no more; the generated code
//! names the keys.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
    value::MapAccessDeserializer,
};
use serde::{Deserialize, Serialize, Serializer};

/// The body's own word for the callback that it belongs to.
const COMMAND: &str = "callbackCommand";

/// A request's body, read.
#[derive(Debug)]
pub struct Body<Q> {
    /// The message that the body's members make.
    pub message: Q,
    /// What the body says that its command is.
    pub command: Option<String>,
    /// The lists that came as one object.
    pub lone: Lone,
}

/// The keys of lists that came as one object, as OpenIM's documentation shows them, in place of an array.
#[derive(Debug, Default)]
pub struct Lone(Vec<String>);

/// A message that is read from the members of a JSON object.
pub trait Object: Default {
    /// Reads one member. Answers false, with the value unread, where the message has no such key.
    ///
    /// # Errors
    /// The value is not of the member's type.
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        member: Member<'_, A>,
    ) -> Result<bool, A::Error>;

    /// The id of the operation that the callback is part of, in messages that have one.
    fn operation_id(&mut self) -> Option<&mut String> {
        None
    }
}

/// Reads a request's body.
///
/// # Errors
/// The body is not one JSON object, or a member has a type that does not fit.
pub fn read<Q: Object>(body: &[u8]) -> Result<Body<Q>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = deserializer.deserialize_map(BodyVisitor(PhantomData))?;
    deserializer.end()?;
    Ok(read)
}

struct BodyVisitor<Q>(PhantomData<Q>);

impl<'de, Q: Object> Visitor<'de> for BodyVisitor<Q> {
    type Value = Body<Q>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<Q>, A::Error> {
        let mut body = Body { message: Q::default(), command: None, lone: Lone::default() };
        while let Some(Key(key)) = map.next_key()? {
            if key == COMMAND {
                Member { key: &key, map: &mut map, lone: &mut body.lone }
                    .read(&mut body.command)?;
            } else {
                read_member(&mut body.message, &key, &mut map, &mut body.lone)?;
            }
        }
        Ok(body)
    }
}

fn read_member<'de, A: MapAccess<'de>>(
    message: &mut impl Object,
    key: &str,
    map: &mut A,
    lone: &mut Lone,
) -> Result<(), A::Error> {
    if !message.member(key, Member { key, map, lone })? {
        map.next_value::<IgnoredAny>()?;
    }
    Ok(())
}

/// The value of a member that is about to be read.
#[derive(Debug)]
pub struct Member<'m, A> {
    key: &'m str,
    map: &'m mut A,
    lone: &'m mut Lone,
}

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// Reads the value into a field. A null leaves the field as it is.
    ///
    /// # Errors
    /// The value is not of the field's type.
    pub fn read<T: Value>(self, field: &mut T) -> Result<(), A::Error> {
        let mut lone = false;
        let read = self
            .map
            .next_value_seed(Nullable::<T> { lone: &mut lone, value: PhantomData })
            .map_err(|e| A::Error::custom(format_args!("{}: {e}", self.key)))?;
        if let Some(value) = read {
            *field = value;
        }
        if lone {
            self.lone.0.push(self.key.to_owned());
        }
        Ok(())
    }
}

impl Lone {
    /// Whether the list under this key came as one object.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|k| k == key)
    }
}

/// The value of a field.
pub trait Value: Sized {
    /// Reads a value that is not null. `lone` is set where a list came as one object.
    ///
    /// # Errors
    /// The value is of another type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D, lone: &mut bool) -> Result<Self, D::Error>;
}

impl Value for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _: &mut bool) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl Value for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _: &mut bool) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl<T: Value> Value for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, lone: &mut bool) -> Result<Self, D::Error> {
        T::read(deserializer, lone).map(Some)
    }
}

impl<T: Value> Value for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, lone: &mut bool) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor { lone, value: PhantomData })
    }
}

impl<Q: Object> Value for Q {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _: &mut bool) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Value for $integer {
            fn read<'de, D: Deserializer<'de>>(deserializer: D, _: &mut bool) -> Result<Self, D::Error> {
                let number = deserializer.deserialize_any(IntegerVisitor)?;
                Self::try_from(number).map_err(|_| {
                    D::Error::custom(format_args!("{number} does not fit into {}", stringify!($integer)))
                })
            }
        }
    )*};
}
integers!(i32, i64, u32, u64);

/// A number as OpenIM may send it: a JSON number, decimal text, or one control character that stands for its code.
struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i128, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i128, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        match text.as_bytes() {
            [] => Ok(0),
            [code @ (0..0x20 | 0x7f)] => Ok((*code).into()),
            _ => text
                .parse::<i64>()
                .map(i128::from)
                .or_else(|_| text.parse::<u64>().map(i128::from))
                .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

/// A value, or null for none.
struct Nullable<'m, T> {
    lone: &'m mut bool,
    value: PhantomData<T>,
}

impl<'de, T: Value> DeserializeSeed<'de> for Nullable<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Value> Visitor<'de> for Nullable<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        T::read(deserializer, self.lone).map(Some)
    }
}

/// A list, which may come as its only entry.
struct ListVisitor<'m, T> {
    lone: &'m mut bool,
    value: PhantomData<T>,
}

impl<'de, T: Value> Visitor<'de> for ListVisitor<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        let mut lone = false;
        while let Some(entry) = seq.next_element_seed(Entry(&mut lone, PhantomData))? {
            list.push(entry);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        *self.lone = true;
        T::read(MapAccessDeserializer::new(map), &mut false).map(|only| vec![only])
    }
}

struct Entry<'m, T>(&'m mut bool, PhantomData<T>);

impl<'de, T: Value> DeserializeSeed<'de> for Entry<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer, self.0)
    }
}

/// A message below the body's own. Unlike serde's derived code, it takes no array.
struct ObjectVisitor<Q>(PhantomData<Q>);

impl<'de, Q: Object> Visitor<'de> for ObjectVisitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Q, A::Error> {
        let mut message = Q::default();
        let mut lone = Lone::default();
        while let Some(Key(key)) = map.next_key()? {
            read_member(&mut message, &key, &mut map, &mut lone)?;
        }
        Ok(message)
    }
}

/// A key, borrowed from the body unless it has escapes.
#[derive(Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

/// A list in an answer, written in the form that the request's list came in.
#[derive(Debug)]
pub struct InForm<'a, T> {
    /// The entries.
    pub list: &'a [T],
    /// Whether a list of one entry is written as that entry.
    pub lone: bool,
}

impl<T: Serialize> Serialize for InForm<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.list {
            [only] if self.lone => only.serialize(serializer),
            list => list.serialize(serializer),
        }
    }
}

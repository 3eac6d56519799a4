//! Reads OpenIM's JSON into messages, as leniently as its servers are inconsistent and no more; the generated code
//! names the keys.

mod value;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use self::value::Nullable;
pub use self::value::Value;

/// The body's own word for the callback that it belongs to.
pub(crate) const COMMAND: &str = "callbackCommand";

/// A request's body, read.
#[derive(Debug)]
pub struct Body<'de, Q> {
    /// The message that the body's members make.
    pub message: Q,
    /// What the body says that its command is.
    pub command: Option<Cow<'de, str>>,
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

    /// Makes the id of the operation the same in the message and in the call, whichever has it. Does nothing in
    /// messages that have none.
    fn share_operation_id(&mut self, _call: &mut Cow<'_, str>) {}
}

/// Gives the one of two texts that is empty the value of the other.
pub(crate) fn share(message: &mut String, call: &mut Cow<'_, str>) {
    match (message.is_empty(), call.is_empty()) {
        (true, false) => message.push_str(call),
        (false, true) => *call = Cow::Owned(message.clone()),
        _ => {}
    }
}

/// Reads a request's body.
///
/// # Errors
/// The body is not one JSON object, or a member has a type that does not fit.
pub fn read<Q: Object>(body: &str) -> Result<Body<'_, Q>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let read = deserializer.deserialize_map(BodyVisitor(PhantomData))?;
    deserializer.end()?;
    Ok(read)
}

struct BodyVisitor<Q>(PhantomData<Q>);

impl<'de, Q: Object> Visitor<'de> for BodyVisitor<Q> {
    type Value = Body<'de, Q>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de, Q>, A::Error> {
        let mut body = Body { message: Q::default(), command: None, lone: Lone::default() };
        while let Some(Text(key)) = map.next_key()? {
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
    pub fn read<T: Value<'de>>(self, field: &mut T) -> Result<(), A::Error> {
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
        while let Some(Text(key)) = map.next_key()? {
            read_member(&mut message, &key, &mut map, &mut lone)?;
        }
        Ok(message)
    }
}

/// Text, borrowed from the body unless it has escapes.
#[derive(Deserialize)]
struct Text<'k>(#[serde(borrow)] Cow<'k, str>);

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

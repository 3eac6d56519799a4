//! Messages that are read from JSON objects, the body's own and those below it.

use std::borrow::Cow;

use super::lists::SingletonLists;
use super::reader::{Error, Reader};
use super::value::Value;

/// The key under which a body names its command.
pub(crate) const COMMAND: &str = "callbackCommand";

/// A request's body, read.
#[derive(Debug)]
pub struct Body<'de, Q> {
    /// The message that the body's members make.
    pub message: Q,
    /// The command that the body names.
    pub command: Option<Cow<'de, str>>,
    /// The lists that came as one object.
    pub singletons: SingletonLists,
}

/// A message that is read from the members of a JSON object.
pub trait Object: Default {
    /// Reads one member. False, with the value unread, if the message has no such key.
    ///
    /// # Errors
    /// The value is not of the member's type.
    fn member(&mut self, key: &str, member: Member<'_, '_>) -> Result<bool, Error>;

    /// Copies the operation id between message and call, from the one that has it. Messages without the field do
    /// nothing.
    fn share_operation_id(&mut self, _call: &mut Cow<'_, str>) {}

    /// The key of the event's order. Only requests of ordered callbacks have one.
    fn order_key(&self) -> Option<String> {
        None
    }
}

/// Copies the value of one text to the other if that is empty.
pub(crate) fn share(message: &mut String, call: &mut Cow<'_, str>) {
    match (message.is_empty(), call.is_empty()) {
        (true, false) => message.push_str(call),
        (false, true) => *call = Cow::Owned(message.clone()),
        _ => {}
    }
}

/// Reads a request's body, in which lists of messages have no more entries than `entries`, all lists together.
///
/// # Errors
/// The body is not one JSON object, or a member has a type that does not fit.
pub fn read<Q: Object>(body: &str, entries: usize) -> Result<Body<'_, Q>, Error> {
    let mut reader = Reader::new(body, entries);
    let mut body =
        Body { message: Q::default(), command: None, singletons: SingletonLists::default() };
    reader.object("a JSON object")?;
    let mut first = true;
    while let Some(key) = reader.key(first)? {
        if key == COMMAND {
            Member { key: &key, reader: &mut reader, singletons: &mut body.singletons }
                .read(&mut body.command)?;
        } else {
            read_member(&mut body.message, &key, &mut reader, &mut body.singletons)?;
        }
        first = false;
    }
    reader.end()?;
    Ok(body)
}

fn read_member(
    message: &mut impl Object,
    key: &str,
    reader: &mut Reader<'_>,
    singletons: &mut SingletonLists,
) -> Result<(), Error> {
    if !message.member(key, Member { key, reader, singletons })? {
        reader.skip()?;
    }
    Ok(())
}

/// The value of a member that is about to be read.
#[derive(Debug)]
pub struct Member<'m, 'de> {
    key: &'m str,
    reader: &'m mut Reader<'de>,
    singletons: &'m mut SingletonLists,
}

impl<'de> Member<'_, 'de> {
    /// Reads the value into a field. A null leaves the field as it is.
    ///
    /// # Errors
    /// The value is not of the field's type.
    pub fn read<T: Value<'de>>(self, field: &mut T) -> Result<(), Error> {
        let mut single = false;
        let read = match self.reader.null() {
            Ok(false) => T::read(self.reader, &mut single),
            Ok(true) => Ok(None),
            Err(e) => Err(e),
        };
        if let Some(value) = read.map_err(|e| e.of_member(self.key))? {
            *field = value;
        }
        if single {
            self.singletons.push(self.key);
        }
        Ok(())
    }
}

/// A message below the body's own.
impl<'de, Q: Object> Value<'de> for Q {
    const IS_MESSAGE: bool = true;

    fn read(reader: &mut Reader<'de>, _: &mut bool) -> Result<Option<Self>, Error> {
        let (mut message, mut first) = (Q::default(), true);
        // Only the body's own lists come back in replies.
        let mut singletons = SingletonLists::default();
        reader.object("an object")?;
        while let Some(key) = reader.key(first)? {
            read_member(&mut message, &key, reader, &mut singletons)?;
            first = false;
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message that holds lists of messages and of text.
    #[derive(Debug, Default)]
    struct Group {
        groups: Vec<Group>,
        ids: Vec<String>,
    }

    impl Object for Group {
        fn member(&mut self, key: &str, member: Member<'_, '_>) -> Result<bool, Error> {
            match key {
                "groups" => member.read(&mut self.groups)?,
                "ids" => member.read(&mut self.ids)?,
                _ => return Ok(false),
            }
            Ok(true)
        }
    }

    fn read(body: &str, entries: usize) -> Result<usize, String> {
        super::read::<Group>(body, entries)
            .map(|body| body.message.groups.len())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn lists_of_messages_are_bounded_together() {
        let body = r#"{"groups":[{"groups":[{}]},{}],"ids":["a","b","c","d"]}"#;
        assert_eq!(read(body, 3), Ok(2));
        let refused = "groups: more than 2 entries in lists at line 1 column 27";
        assert_eq!(read(body, 2), Err(refused.to_owned()));
        let refused = "groups: groups: more than 1 entries in lists at line 1 column 20";
        assert_eq!(read(r#"{"groups":{"groups":{}}}"#, 1), Err(refused.to_owned()));
    }

    #[test]
    fn an_error_names_the_member_and_not_its_value() {
        for (body, error) in [
            (r#"{"groups":"s3cret"}"#, "groups: expected an array at line 1 column 18"),
            (
                "{\n\"groups\":[{\"ids\":[12]}]}",
                "groups: ids: expected a string at line 2 column 20",
            ),
            (r#"["s3cret"]"#, "expected a JSON object at line 1 column 0"),
        ] {
            assert_eq!(read(body, 9), Err(error.to_owned()));
        }
    }
}

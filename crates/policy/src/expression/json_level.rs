//! One level of a JSON text: the members of an object, as they stand in the text.

use super::budget::{self, Exceeded};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::string::FromUtf8Error;

/// The members of all these values that are objects, in order, duplicates too.
pub(super) fn members<'t>(values: &[&'t str]) -> Result<Vec<(Cow<'t, str>, &'t str)>, Exceeded> {
    spend_bytes(values.iter().map(|value| value.len()).sum())?;
    let objects = values.iter().filter_map(|value| serde_json::from_str::<Members>(value).ok());
    let members: Vec<_> = objects.flat_map(|members| members.0).collect();
    budget::spend_entries(members.len())?;
    Ok(members)
}

/// Takes the steps for JSON of so many bytes, at least one.
pub(super) fn spend_bytes(bytes: usize) -> Result<(), Exceeded> {
    budget::spend(1 + bytes / 1024)
}

/// The text that a value is, with U+FFFD for half of a surrogate pair.
pub(super) fn text_of(value: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text>(value).ok().map(Text::decode)
}

/// True if Go takes a member of one name for one of the other: by simple case folding, which changes no lengths. With a
/// fold of `ß` to `ss`, a member `paß` would be read for `pass`, and hide it.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    a.chars().map(fold).eq(b.chars().map(fold))
}

fn fold(char: char) -> char {
    // The dotless i has a capital of I, but is no spelling of i.
    if char == 'ı' { char } else { single(single(char, char::to_uppercase), char::to_lowercase) }
}

/// The character that another becomes, unless it becomes several.
fn single<C: ExactSizeIterator<Item = char>>(char: char, map: fn(char) -> C) -> char {
    let mut mapped = map(char);
    if mapped.len() == 1 { mapped.next().unwrap_or(char) } else { char }
}

/// Bytes, since serde_json takes half of a surrogate pair only into these.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'t>(#[serde(borrow)] Cow<'t, [u8]>);

impl<'t> Text<'t> {
    fn decode(self) -> Cow<'t, str> {
        match self.0 {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => String::from_utf8(bytes).unwrap_or_else(replace_halves).into(),
        }
    }
}

/// One U+FFFD for each half of a surrogate pair, as in Go. A half is 0xED and two more bytes, each invalid by itself; all
/// other bytes are UTF-8.
fn replace_halves(error: FromUtf8Error) -> String {
    let mut text = String::new();
    for chunk in error.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        if chunk.invalid() == [0xED] {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

struct Members<'t>(Vec<(Cow<'t, str>, &'t str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = vec![];
        while let Some((name, value)) = entries.next_entry::<Text, &RawValue>()? {
            members.push((name.decode(), value.get()));
        }
        Ok(Members(members))
    }
}

//! The visible text of a JSON text, even if a sender hides it from searches.

use super::budget;
use super::word_list::fold_case;
use cel::ExecutionError;
use cel::common::types::{CelList, CelString};
use cel::common::value::CowVal;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The steps for a KiB of JSON.
const STEPS: usize = 8;

/// The texts in an object's members of these names, one a line: at any depth, with the names in any case, and both of a
/// duplicate name, since OpenIM's clients may show either. For any other text it is the whole text, which a more
/// lenient reader may show.
///
/// A cel function, written out since cel converts no lists.
pub(super) fn json_text<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, names] = &arguments[..] else {
        return Err(ExecutionError::invalid_argument_count(2, arguments.len()));
    };
    let (Some(text), Some(names)) =
        (text.downcast_ref::<CelString>(), names.downcast_ref::<CelList>())
    else {
        return Err(ExecutionError::function_error("jsonText", "not a text and a list"));
    };
    budget::spend_bytes(text.inner().len() * STEPS)?;
    let names = names.inner().iter().filter_map(|name| name.downcast_ref::<CelString>());
    let names: HashSet<_> = names.map(|name| fold_case(name.inner())).collect();
    budget::spend_entries(names.len())?;
    let texts = texts(text.inner(), &names).unwrap_or_else(|_| unescape(text.inner()));
    Ok(CowVal::owned(CelString::from(texts)))
}

fn texts(json: &str, names: &HashSet<String>) -> Result<String, serde_json::Error> {
    if !json.trim_start().starts_with('{') {
        return Err(Error::custom("not an object"));
    }
    let mut found = vec![];
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Texts { names, is_named: false, found: &mut found }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found.join("\n"))
}

/// Collects the texts of a value. It visits the text, not a value read from it, so that it meets duplicate members.
struct Texts<'a> {
    /// The names of the members to take texts from, case-folded.
    names: &'a HashSet<String>,
    /// The value is in such a member.
    is_named: bool,
    found: &'a mut Vec<String>,
}

impl Texts<'_> {
    fn inner(&mut self, is_named: bool) -> Texts<'_> {
        Texts { names: self.names, is_named: self.is_named || is_named, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.is_named {
            self.found.push(text.to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_element_seed(self.inner(false))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            let is_named = self.names.contains(&fold_case(&name));
            members.next_value_seed(self.inner(is_named))?;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

/// The text with all escapes of JSON strings decoded.
fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = vec![];
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        units.extend(before.encode_utf16());
        let hex = || u16::from_str_radix(escape.get(1..5)?, 16).ok();
        let (unit, length) = match escape.bytes().next() {
            Some(b'b') => (Some(0x08), 1),
            Some(b'f') => (Some(0x0c), 1),
            Some(b'n') => (Some(0x0a), 1),
            Some(b'r') => (Some(0x0d), 1),
            Some(b't') => (Some(0x09), 1),
            Some(b'\\') => (Some(0x5c), 1),
            Some(b'u') if let Some(unit) = hex() => (Some(unit), 5),
            // The escaped character stands for itself.
            _ => (None, 0),
        };
        units.extend(unit);
        rest = &escape[length..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_wherever_they_stand() {
        for (text, decoded) in [
            (r#"a\n\tb\/\"c"#, "a\n\tb/\"c"),
            (r"\\n", r"\n"),
            (r"\u0068\u00E4 \ud83d\ude00", "hä 😀"),
            (r"\ud800x \u12 \u12ä4 \", "\u{fffd}x u12 u12ä4 "),
        ] {
            assert_eq!(unescape(text), decoded, "{text}");
        }
    }
}

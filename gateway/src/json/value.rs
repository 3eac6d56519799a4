//! The values of fields: what each type of field takes, and in which forms.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::{Object, ObjectVisitor, Text};

/// A type that a field can have.
pub trait Value<'de>: Sized {
    /// Reads a value that is not null. None is text that stands for no value. `lone` is set where a list came as one
    /// object.
    ///
    /// # Errors
    /// The value is of another type.
    fn read<D>(deserializer: D, lone: &mut bool) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>;
}

macro_rules! as_they_are {
    ($($value:ty),*) => {$(
        impl<'de> Value<'de> for $value {
            fn read<D>(deserializer: D, _: &mut bool) -> Result<Option<Self>, D::Error>
            where
                D: Deserializer<'de>,
            {
                Self::deserialize(deserializer).map(Some)
            }
        }
    )*};
}
as_they_are!(String, bool);

/// Text that is only looked at, borrowed unless it has escapes.
impl<'de> Value<'de> for Cow<'de, str> {
    fn read<D>(deserializer: D, _: &mut bool) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Text::deserialize(deserializer).map(|Text(text)| Some(text))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl<'de> Value<'de> for $integer {
            fn read<D>(deserializer: D, _: &mut bool) -> Result<Option<Self>, D::Error>
            where
                D: Deserializer<'de>,
            {
                let number = deserializer.deserialize_any(IntegerVisitor)?;
                number.map(Self::try_from).transpose().map_err(|_| {
                    D::Error::custom(concat!("the number does not fit into ", stringify!($integer)))
                })
            }
        }
    )*};
}
integers!(i32, i64, u32, u64);

impl<'de, T: Value<'de>> Value<'de> for Option<T> {
    fn read<D>(deserializer: D, lone: &mut bool) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        T::read(deserializer, lone).map(Some)
    }
}

impl<'de, T: Value<'de>> Value<'de> for Vec<T> {
    fn read<D>(deserializer: D, lone: &mut bool) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(ListVisitor { lone, value: PhantomData }).map(Some)
    }
}

impl<'de, Q: Object> Value<'de> for Q {
    fn read<D>(deserializer: D, _: &mut bool) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Some)
    }
}

/// A number as OpenIM may send it: a JSON number, decimal text, or one control character that stands for its code.
/// Empty text is no number.
struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = Option<i128>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<i128>, E> {
        Ok(Some(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<i128>, E> {
        Ok(Some(number.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<i128>, E> {
        match text.as_bytes() {
            [] => Ok(None),
            [code @ (0..0x20 | 0x7f)] => Ok(Some((*code).into())),
            _ => text.parse().map(Some).map_err(|_| E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

/// A value, or null for none.
pub(super) struct Nullable<'m, T> {
    pub(super) lone: &'m mut bool,
    pub(super) value: PhantomData<T>,
}

impl<'de, T: Value<'de>> DeserializeSeed<'de> for Nullable<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Value<'de>> Visitor<'de> for Nullable<'_, T> {
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
        T::read(deserializer, self.lone)
    }
}

/// A list, which may come as its only entry.
struct ListVisitor<'m, T> {
    lone: &'m mut bool,
    value: PhantomData<T>,
}

impl<'de, T: Value<'de>> Visitor<'de> for ListVisitor<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element_seed(Entry(PhantomData))? {
            list.push(entry);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        *self.lone = true;
        Entry(PhantomData).deserialize(MapAccessDeserializer::new(map)).map(|only| vec![only])
    }
}

/// An entry of a list, which can't be absent.
struct Entry<T>(PhantomData<T>);

impl<'de, T: Value<'de>> DeserializeSeed<'de> for Entry<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let entry = T::read(deserializer, &mut false)?;
        entry.ok_or_else(|| D::Error::custom("an entry of the list is empty"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'de> Value<'de>>(json: &str) -> Result<Option<T>, String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        T::read(&mut deserializer, &mut false).map_err(|e| e.to_string())
    }

    #[test]
    fn a_number_comes_as_a_number_or_text_or_a_control_character() {
        for (json, number) in [("2", 2), ("-1", -1), (r#""2""#, 2), (r#""\u0002""#, 2)] {
            assert_eq!(read::<i32>(json), Ok(Some(number)), "{json}");
        }
        for json in ["2.0", "true", "[]", "{}", r#""two""#, r#""2 ""#, "2147483648", r#""é""#] {
            assert!(read::<i32>(json).is_err(), "{json}");
        }
        assert_eq!(read::<i64>("1766361600000"), Ok(Some(1_766_361_600_000)));
        assert_eq!(read::<i32>(r#""""#), Ok(None));
        assert!(read::<u32>("-1").is_err());
        assert!(read::<u64>("18446744073709551616").is_err());
    }

    #[test]
    fn a_list_is_an_array_and_its_entries_are_of_its_type() {
        assert_eq!(read::<Vec<String>>(r#"["a","b"]"#), Ok(Some(vec!["a".into(), "b".into()])));
        assert_eq!(read::<Vec<i64>>(r#"[1,"2"]"#), Ok(Some(vec![1, 2])));
        for json in [r#""a""#, "1", r#"{"a":1}"#, r#"["a",1]"#, r#"["a",null]"#] {
            assert!(read::<Vec<String>>(json).is_err(), "{json}");
        }
    }
}

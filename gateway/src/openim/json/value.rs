//! The values of fields: what each type of field takes, and in which forms.

use std::borrow::Cow;

use super::reader::{Error, Reader};

/// A type that a field can have.
pub trait Value<'de>: Sized {
    /// True for a message: lists of messages are bounded, since an entry of two bytes becomes hundreds.
    const IS_MESSAGE: bool = false;

    /// Reads a value that is not null. None is text that stands for no value. `single` is set where a list came as one
    /// object.
    ///
    /// # Errors
    /// The value is of another type.
    fn read(reader: &mut Reader<'de>, single: &mut bool) -> Result<Option<Self>, Error>;
}

impl<'de> Value<'de> for String {
    fn read(reader: &mut Reader<'de>, _: &mut bool) -> Result<Option<Self>, Error> {
        reader.string().map(Cow::into_owned).map(Some)
    }
}

impl<'de> Value<'de> for bool {
    fn read(reader: &mut Reader<'de>, _: &mut bool) -> Result<Option<Self>, Error> {
        reader.bool().map(Some)
    }
}

/// Text, borrowed unless it has escapes.
impl<'de> Value<'de> for Cow<'de, str> {
    fn read(reader: &mut Reader<'de>, _: &mut bool) -> Result<Option<Self>, Error> {
        reader.string().map(Some)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl<'de> Value<'de> for $integer {
            fn read(reader: &mut Reader<'de>, _: &mut bool) -> Result<Option<Self>, Error> {
                let number = integer(reader)?.map(Self::try_from).transpose();
                number.map_err(|_| {
                    reader.error(concat!("the number does not fit into ", stringify!($integer)))
                })
            }
        }
    )*};
}
integers!(i32, i64, u32, u64);

/// A number as OpenIM may send it: a JSON number, decimal text, or one control character that stands for its code.
/// Empty text is no number.
fn integer(reader: &mut Reader<'_>) -> Result<Option<i128>, Error> {
    const EXPECTED: &str = "a whole number";
    match reader.peek() {
        Some(b'-' | b'0'..=b'9') => reader.integer(EXPECTED).map(Some),
        Some(b'"') => {
            let text = reader.string()?;
            match &text[..] {
                "" => Ok(None),
                text => integer_in(text).map(Some).ok_or_else(|| reader.expected(EXPECTED)),
            }
        }
        _ => Err(reader.wrong_type(EXPECTED)),
    }
}

/// The number that a text stands for, if it is one.
pub(crate) fn integer_in(text: &str) -> Option<i128> {
    match text.as_bytes() {
        [code @ (0..0x20 | 0x7f)] => Some((*code).into()),
        _ => text.parse().ok(),
    }
}

impl<'de, T: Value<'de>> Value<'de> for Option<T> {
    fn read(reader: &mut Reader<'de>, single: &mut bool) -> Result<Option<Self>, Error> {
        T::read(reader, single).map(Some)
    }
}

/// A list, which may come as its only entry.
impl<'de, T: Value<'de>> Value<'de> for Vec<T> {
    fn read(reader: &mut Reader<'de>, single: &mut bool) -> Result<Option<Self>, Error> {
        if reader.peek() == Some(b'{') {
            *single = true;
            return Ok(Some(vec![entry(reader)?]));
        }
        let mut list = Vec::new();
        reader.array("an array")?;
        while reader.entry(list.is_empty())? {
            list.push(entry(reader)?);
        }
        Ok(Some(list))
    }
}

/// An entry of a list, which can't be absent.
fn entry<'de, T: Value<'de>>(reader: &mut Reader<'de>) -> Result<T, Error> {
    if T::IS_MESSAGE {
        reader.count_entry()?;
    }
    let entry = T::read(reader, &mut false)?;
    entry.ok_or_else(|| reader.error("an entry of the list is empty"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'de> Value<'de>>(json: &str) -> Result<Option<T>, String> {
        T::read(&mut Reader::new(json, 0), &mut false).map_err(|e| e.to_string())
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

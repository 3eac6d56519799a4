//! Functions over text whose results may be far larger than what they are made of: cel's own have no bound.

use super::budget::{self, Exceeded};
use cel::ExecutionError;
use cel::common::types::{CelBytes, CelInt, CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};

/// The steps for a KiB of a text that becomes a list, of which each byte may be an entry.
const SPLIT: usize = 128;

/// The value, once the budget has steps for its size.
///
/// A cel function, written out since its value may be of any type.
pub(super) fn made<'b, 'v>(
    mut value: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = value.swap_remove(0);
    budget::spend_bytes(size(&*value))?;
    Ok(value)
}

/// The text, once the budget has steps for a list of its parts.
pub(super) fn split_text<'b, 'v>(
    mut text: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = text.swap_remove(0);
    budget::spend_bytes(size(&*text) * SPLIT)?;
    Ok(text)
}

/// The list, once the budget has steps for all that it holds to be printed.
pub(super) fn printed<'b, 'v>(
    mut list: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = list.swap_remove(0);
    budget::spend_bytes(deep_size(&*list))?;
    Ok(list)
}

/// The bytes of a value with all that it holds.
fn deep_size(value: &dyn Val) -> usize {
    let own = size(value);
    if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().iter().fold(own, |sum, entry| sum.saturating_add(deep_size(&**entry)))
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        let values = map.inner().values();
        values.fold(own, |sum, value| sum.saturating_add(deep_size(&**value)))
    } else {
        own
    }
}

/// The bytes of a value: of a list or map those of its own entries, without what they refer to.
pub(super) fn size(value: &dyn Val) -> usize {
    if let Some(text) = value.downcast_ref::<CelString>() {
        text.inner().len()
    } else if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        bytes.inner().len()
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        size_of_val(list.inner())
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner().len() * size_of::<[Box<dyn Val>; 2]>()
    } else {
        0
    }
}

pub(super) fn replace(
    text: &CelString<'_>,
    from: &CelString<'_>,
    to: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    replace_n(text, from, to, &CelInt::from(-1))
}

/// Replaces the first `n`, or all where `n` is negative.
pub(super) fn replace_n(
    text: &CelString<'_>,
    from: &CelString<'_>,
    to: &CelString<'_>,
    n: &CelInt,
) -> Result<CelString<'static>, ExecutionError> {
    let (text, from, to) = (text.inner(), from.inner(), to.inner());
    let limit = usize::try_from(*n.inner()).unwrap_or(usize::MAX);
    budget::spend_bytes(text.len())?;
    let found = text.matches(from).take(limit).count();
    budget::spend_bytes(found.saturating_mul(to.len()))?;
    Ok(text.replacen(from, to, limit).into())
}

/// A cel function, written out since cel converts no lists.
pub(super) fn join<'b, 'v>(
    arguments: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let wrong = || ExecutionError::function_error("join", "not a list of texts");
    let list = arguments.first().and_then(|list| list.downcast_ref::<CelList>());
    let texts = list.ok_or_else(wrong)?.inner().iter();
    let texts = texts.map(|text| Some(text.downcast_ref::<CelString>()?.inner()));
    let texts: Vec<&str> = texts.collect::<Option<_>>().ok_or_else(wrong)?;
    let between = match arguments.get(1) {
        Some(between) => between.downcast_ref::<CelString>().ok_or_else(wrong)?.inner(),
        None => "",
    };
    let bytes = texts.iter().map(|text| text.len()).sum::<usize>();
    budget::spend_bytes(bytes.saturating_add(between.len().saturating_mul(texts.len())))?;
    Ok(CowVal::owned(CelString::from(texts.join(between))))
}

/// A text to search, and the part to find, once the budget has steps for it.
fn searched<'a>(
    text: &'a CelString<'_>,
    part: &'a CelString<'_>,
) -> Result<(&'a str, &'a str), Exceeded> {
    budget::spend_bytes(text.inner().len())?;
    Ok((text.inner(), part.inner()))
}

pub(super) fn index_of(
    text: &CelString<'_>,
    part: &CelString<'_>,
) -> Result<CelInt, ExecutionError> {
    let (text, part) = searched(text, part)?;
    Ok(position(text, text.find(part), 0))
}

/// The place of the first one that begins at `from` or behind.
pub(super) fn index_of_from(
    text: &CelString<'_>,
    part: &CelString<'_>,
    from: &CelInt,
) -> Result<CelInt, ExecutionError> {
    let (text, part) = searched(text, part)?;
    let from = offset(text, part, from)?;
    Ok(position(text, text[from..].find(part), from))
}

pub(super) fn last_index_of(
    text: &CelString<'_>,
    part: &CelString<'_>,
) -> Result<CelInt, ExecutionError> {
    let (text, part) = searched(text, part)?;
    Ok(position(text, text.rfind(part), 0))
}

/// The place of the last one that begins at `from` or before.
pub(super) fn last_index_of_from(
    text: &CelString<'_>,
    part: &CelString<'_>,
    from: &CelInt,
) -> Result<CelInt, ExecutionError> {
    let (text, part) = searched(text, part)?;
    let end = offset(text, part, from)?.saturating_add(part.len()).min(text.len());
    // It ends within a character where no such part can begin.
    Ok(position(text, text[..text.floor_char_boundary(end)].rfind(part), 0))
}

/// The byte at which a character begins. Any will do for an empty part.
fn offset(text: &str, part: &str, at: &CelInt) -> Result<usize, ExecutionError> {
    let found = usize::try_from(*at.inner()).ok().map(|at| text.char_indices().nth(at));
    match found {
        Some(Some((byte, _))) => Ok(byte),
        Some(None) if part.is_empty() => Ok(text.len()),
        _ => Err(ExecutionError::function_error("indexOf", "no such index")),
    }
}

/// The number of the character at this byte behind `from`; -1 without one.
fn position(text: &str, found: Option<usize>, from: usize) -> CelInt {
    let place = found.map(|at| text[..from + at].chars().count());
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1).into()
}

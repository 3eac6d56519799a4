//! Functions over text whose results may be far larger than what they are made of: cel's own have no bound.

use super::budget;
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

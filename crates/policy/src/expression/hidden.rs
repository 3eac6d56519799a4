//! The functions that the checker puts into expressions, so that they take steps. CEL has no way to write their names.

/// The one around the body of every loop.
pub(super) const TICK: &str = "@tick";
/// The one around what may be large.
pub(super) const MADE: &str = "@made";
/// The one around a text that is split.
pub(super) const SPLIT_TEXT: &str = "@splitText";
/// The one instead of cel's own `replace`.
pub(super) const REPLACE: &str = "@replace";
/// The one instead of cel's own `join`.
pub(super) const JOIN: &str = "@join";
/// The one instead of cel's own `indexOf`.
pub(super) const INDEX_OF: &str = "@indexOf";
/// The one instead of cel's own `lastIndexOf`.
pub(super) const LAST_INDEX_OF: &str = "@lastIndexOf";
/// The one around a list that is printed.
pub(super) const PRINTED: &str = "@printed";

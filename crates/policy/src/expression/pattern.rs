//! Regular expressions, compiled when the policy is loaded; cel's own `matches` compiles at every call.

use cel::common::types::{CelBool, CelString, Type};
use cel::common::value::{StaticVal, Val};
use regex::{Regex, RegexBuilder};
use std::any::Any;

/// The bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;

static TYPE: Type = Type::new_unspecified_type("pattern");

/// A compiled pattern, as a value for `matches` and `replaceMatches`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern, or returns the mistake in it.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let compiled = RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build();
        compiled.map(Self).map_err(|error| {
            // Only the last line of the message; the others draw the place.
            let error = error.to_string();
            let what = error.lines().last().unwrap_or_default();
            format!("bad pattern: {}", what.trim_start_matches("error: "))
        })
    }
}

pub(super) fn matches(text: &CelString<'_>, pattern: &Pattern) -> CelBool {
    pattern.0.is_match(text.inner()).into()
}

/// The text with every match replaced; `$1` in the replacement is the match's first group.
pub(super) fn replace_matches(
    text: &CelString<'_>,
    pattern: &Pattern,
    by: &CelString<'_>,
) -> CelString<'static> {
    pattern.0.replace_all(text.inner(), by.inner()).into_owned().into()
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

//! Regular expressions, compiled when the policy is loaded; cel's own `matches` compiles at every call.

use super::budget::{self, Exceeded};
use cel::ExecutionError;
use cel::common::types::{CelBool, CelString, Type};
use cel::common::value::{StaticVal, Val};
use regex::{Regex, RegexBuilder};
use std::any::Any;
use std::ops::Range;

/// The KiB that a compiled pattern may take.
const MAX_KIB: usize = 1 << 10;

static TYPE: Type = Type::new_unspecified_type("pattern");

/// The steps for a KiB of a text that is searched.
const SEARCH: usize = 16;
/// Those for each KiB of the compiled pattern, where the groups of each match are needed: these searches take a time in
/// proportion to it, and are many times slower.
const GROUPS: usize = 80;
/// The bytes of a result that are made before the budget is asked for more.
const GROWTH: usize = 1 << 16;

/// A compiled pattern, as a value for `matches` and `replaceMatches`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// About as many KiB as it takes.
    kib: usize,
}

impl Pattern {
    /// Compiles a pattern, or returns the mistake in it.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let compile = |kib: usize| RegexBuilder::new(pattern).size_limit(kib << 10).build();
        let sizes = std::iter::successors(Some(1), |kib| Some(kib * 2));
        let fitting =
            sizes.take_while(|kib| *kib < MAX_KIB).find_map(|kib| Some((compile(kib).ok()?, kib)));
        if let Some((regex, kib)) = fitting {
            return Ok(Self { regex, kib });
        }
        let compiled = compile(MAX_KIB).map(|regex| Self { regex, kib: MAX_KIB });
        compiled.map_err(|error| {
            // Only the last line of the message; the others draw the place.
            let error = error.to_string();
            let what = error.lines().last().unwrap_or_default();
            format!("bad pattern: {}", what.trim_start_matches("error: "))
        })
    }
}

pub(super) fn matches(text: &CelString<'_>, pattern: &Pattern) -> Result<CelBool, ExecutionError> {
    budget::spend_bytes(text.inner().len() * SEARCH)?;
    Ok(pattern.regex.is_match(text.inner()).into())
}

/// The text with every match replaced; `$1` in the replacement is the match's first group.
pub(super) fn replace_matches(
    text: &CelString<'_>,
    pattern: &Pattern,
    by: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    let (text, by) = (text.inner(), by.inner());
    let mut replaced = Replaced { text, made: String::new(), copied: 0, paid: 0 };
    if by.contains('$') {
        budget::spend_bytes(text.len() * pattern.kib * GROUPS)?;
        for groups in pattern.regex.captures_iter(text) {
            let range = groups.get_match().range();
            budget::spend_bytes(by.matches('$').count().saturating_mul(range.len()))?;
            replaced.add(range, |made| groups.expand(by, made))?;
        }
    } else {
        budget::spend_bytes(text.len() * SEARCH)?;
        for found in pattern.regex.find_iter(text) {
            replaced.add(found.range(), |made| made.push_str(by))?;
        }
    }
    Ok(replaced.finish().into())
}

/// A text whose matches are replaced one after the other.
struct Replaced<'a> {
    text: &'a str,
    made: String,
    /// The end of what was copied or replaced.
    copied: usize,
    /// The bytes for which the budget had steps.
    paid: usize,
}

impl Replaced<'_> {
    fn add(
        &mut self,
        range: Range<usize>,
        replace: impl FnOnce(&mut String),
    ) -> Result<(), Exceeded> {
        self.made.push_str(&self.text[self.copied..range.start]);
        replace(&mut self.made);
        self.copied = range.end;
        let unpaid = self.made.len() - self.paid;
        if unpaid >= GROWTH {
            self.paid = self.made.len();
            return budget::spend_bytes(unpaid);
        }
        // A search that reads far ahead for each match takes a time in proportion to the square of the text.
        budget::spend(0)
    }

    fn finish(mut self) -> String {
        self.made.push_str(&self.text[self.copied..]);
        self.made
    }
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

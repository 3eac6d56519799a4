//! The word lists of a policy file: `x in lists.name` is a hash lookup, a search one pass over the text.

use super::budget;
use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use cel::ExecutionError;
use cel::common::traits::Container;
use cel::common::types::{CelBool, CelString, Type};
use cel::common::value::{StaticVal, Val};
use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;

/// The steps for a KiB of a text that is searched.
const STEPS: usize = 8;

static TYPE: Type = Type::new_unspecified_type("words");

/// A word list. `in` compares exactly; searches ignore case.
#[derive(Clone, Debug)]
pub(crate) struct WordList(Arc<Lists>);

#[derive(Debug)]
struct Lists {
    exact: HashSet<String>,
    /// Searches a folded text for the folded words.
    search: AhoCorasick,
}

impl WordList {
    /// # Errors
    /// When the words are too many to be searched for.
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Result<Self, BuildError> {
        let exact: HashSet<String> = words.into_iter().collect();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(exact.iter().map(|word| fold(word)))?;
        Ok(Self(Arc::new(Lists { exact, search })))
    }
}

/// True if any of the words is part of the text.
pub(super) fn contains_any(
    text: &CelString<'_>,
    words: &WordList,
) -> Result<CelBool, ExecutionError> {
    budget::spend_bytes(text.inner().len() * STEPS)?;
    Ok(words.0.search.is_match(&fold(text.inner())).into())
}

/// The text with an asterisk for every character of a word.
pub(super) fn mask(
    text: &CelString<'_>,
    words: &WordList,
) -> Result<CelString<'static>, ExecutionError> {
    budget::spend_bytes(text.inner().len() * STEPS)?;
    let folded = fold(text.inner());
    let mut matches = words.0.search.find_iter(&folded).peekable();
    let masked = text.inner().chars().zip(folded.char_indices()).map(|(char, (at, _))| {
        while matches.next_if(|found| found.end() <= at).is_some() {}
        let in_word = matches.peek().is_some_and(|found| found.start() <= at);
        if in_word { '*' } else { char }
    });
    Ok(masked.collect::<String>().into())
}

/// The text as it is compared where case does not matter: `ẞ`, `ß` and `SS` are all `ss`.
pub(super) fn fold_case(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

/// The text in lower case, one character for one, so that offsets in characters stay the same.
fn fold(text: &str) -> String {
    text.chars()
        .map(|char| {
            let mut lower = char.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(lower), None) => lower,
                _ => char,
            }
        })
        .collect()
}

impl Container for WordList {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        match value.downcast_ref::<CelString>() {
            Some(text) => Ok(self.0.exact.contains(text.inner())),
            None => Err(ExecutionError::UnexpectedType {
                got: value.get_type().name().to_owned(),
                want: "string".to_owned(),
            }),
        }
    }
}

impl Val for WordList {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for WordList {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_masked_in_any_case() {
        budget::refill();
        let words =
            WordList::new(["casino", "straße", "cas"].map(str::to_owned)).expect("a few words");
        let masked =
            |text: &'static str| mask(&text.into(), &words).expect("short").inner().to_owned();
        assert_eq!(masked("the CaSiNo, İ and the STRAẞE cas"), "the ******, İ and the ****** ***");
        assert_eq!(masked("nothing"), "nothing");
        assert_eq!(contains_any(&"a CASINO".into(), &words), Ok(CelBool::from(true)));
        assert_eq!(contains_any(&"a ca sino".into(), &words), Ok(CelBool::from(false)));
    }

    #[test]
    fn membership_is_exact() {
        let words = WordList::new(["admin".to_owned()]).expect("one word");
        assert_eq!(words.contains(&CelString::from("admin")), Ok(true));
        assert_eq!(words.contains(&CelString::from("Admin")), Ok(false));
    }
}

//! A policy file as it is written: YAML, with the places of its parts.

use crate::load_error::MAX_BYTES;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned, UserMessageFormatter};
use std::collections::HashMap;

/// Word lists, by their names.
pub(crate) type Lists = HashMap<Spanned<String>, Vec<Spanned<String>>>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Word lists, `lists.name` in the rules.
    #[serde(default)]
    pub(crate) lists: Lists,
    /// For the rules of this file.
    #[serde(default)]
    pub(crate) defaults: Defaults,
    /// None in a file that has lists only: another one then has the rules.
    #[serde(default, deserialize_with = "given")]
    pub(crate) rules: Option<Vec<Spanned<Rule>>>,
}

/// Reads the value of a key that may be left out, but not be null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    let given = Option::deserialize(value)?;
    given
        .map(Some)
        .ok_or_else(|| D::Error::custom("this key has no value: write one, or leave the key out"))
}

/// The parts of rules that lack their own.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Defaults {
    pub(crate) on_error: OnError,
    /// The denial where a rule fails that has none.
    pub(crate) deny: Deny,
}

/// The decision where a rule fails while it runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The rule denies.
    #[default]
    Deny,
    /// The rule does nothing.
    Skip,
}

/// The effect of a rule.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Enforce,
    /// It is logged only.
    Log,
}

impl OnError {
    /// Its name in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Skip => "skip",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The name of the rule in logs and mistakes.
    pub(crate) name: String,
    /// The rpcs that it is for.
    pub(crate) on: Vec<Spanned<String>>,
    /// The condition. Required, since YAML would take an unquoted `!…` for an empty one.
    pub(crate) when: Spanned<String>,
    /// Null is refused: a denial that is not written out yet would leave a rule that allows.
    #[serde(default, deserialize_with = "given")]
    pub(crate) deny: Option<Deny>,
    /// Expressions, by the response's fields that they are for.
    #[serde(default, deserialize_with = "given")]
    pub(crate) edit: Option<HashMap<Spanned<String>, Spanned<String>>>,
    /// True if the rule ends the evaluation.
    #[serde(default, deserialize_with = "given")]
    pub(crate) allow: Option<Spanned<bool>>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default, deserialize_with = "given")]
    pub(crate) on_error: Option<OnError>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Deny {
    #[serde(deserialize_with = "given")]
    pub(crate) code: Option<Spanned<i32>>,
    pub(crate) message: Option<Spanned<String>>,
    pub(crate) detail: Option<Spanned<String>>,
    pub(crate) reason: Option<Spanned<String>>,
}

impl Default for Defaults {
    fn default() -> Self {
        let (code, message) = (nowhere(5000), nowhere("not allowed".to_owned()));
        let deny = Deny { code: Some(code), message: Some(message), ..Deny::default() };
        Self { on_error: OnError::default(), deny }
    }
}

/// A value that is not in the file.
fn nowhere<T>(value: T) -> Spanned<T> {
    Spanned { value, referenced: Location::UNKNOWN, defined: Location::UNKNOWN }
}

/// Reads a file, or returns where and why it can't be read: nothing else is checked then.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, (Location, String)> {
    // Every word of a list is a node, and a file has fewer of them than bytes.
    let budget = serde_saphyr::budget! { max_nodes: MAX_BYTES, max_events: MAX_BYTES };
    let options = serde_saphyr::options! { budget: budget };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
        // The place is reported separately.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        (place, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_300_000_words_is_read() {
        let words: String = (0..300_000).map(|word| format!("  - w{word}\n")).collect();
        let file: File = read(&format!("rules: []\nlists:\n  a:\n{words}")).expect("no mistake");
        assert_eq!(file.lists.values().map(Vec::len).sum::<usize>(), 300_000);
    }
}

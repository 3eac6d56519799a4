//! The filter of the log, checked so strictly that a typo can't switch the log off.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::suggest;

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// The lines that are logged: directives with commas between them, of which each is a level (`info`) or a level for a
/// crate or module (`callback_gateway=debug`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct LogFilter {
    text: String,
    targets: Targets,
}

impl LogFilter {
    pub(super) fn targets(&self) -> Targets {
        self.targets.clone()
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self { text: "info".to_owned(), targets: Targets::new().with_default(LevelFilter::INFO) }
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut targets = Targets::new();
        for directive in text.split(',').map(str::trim) {
            targets = match directive.split_once('=') {
                None => targets.with_default(level(directive)?),
                Some((name, wanted)) => targets.with_target(target(name)?, level(wanted)?),
            };
        }
        Ok(Self { text: text.to_owned(), targets })
    }
}

impl TryFrom<String> for LogFilter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<LogFilter> for String {
    fn from(filter: LogFilter) -> Self {
        filter.text
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `tracing` would also accept a target without a level, and log nothing else: with `inof` the log would be silent.
fn level(name: &str) -> Result<LevelFilter, String> {
    let known = LEVELS.iter().find(|(level, _)| name.eq_ignore_ascii_case(level));
    known.map(|(_, level)| *level).ok_or_else(|| {
        let levels = LEVELS.map(|(level, _)| level);
        let (guess, levels) = (suggest(name, levels), levels.join(", "));
        format!("`{name}` is no level of the log: use {levels}, or `h2=debug` for a part{guess}")
    })
}

/// The name of a crate or module, the beginning of its events' targets.
fn target(name: &str) -> Result<&str, String> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let word = |part: &str| {
        part.starts_with(first) && part.chars().all(|c| first(c) || c.is_ascii_digit())
    };
    match name.split("::").all(word) {
        true => Ok(name),
        false => Err(format!(
            "`{name}` is no part of the program: they are written like `h2` or `h2::client`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_levels_of_parts_are_filters() {
        for text in ["info", "WARN", "off", "info,callback_gateway=debug", "a::b_2=trace, error"] {
            assert_eq!(text.parse::<LogFilter>().map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn text_that_would_switch_the_log_off_by_mistake_is_refused() {
        for (text, problem) in [
            ("foo bar", "`foo bar` is no level of the log: use off"),
            ("inof", "`inof` is no level of the log"),
            ("info,foo", "`foo` is no level"),
            ("", "`` is no level"),
            ("info,", "`` is no level"),
            ("h2=", "`` is no level"),
            ("h2=debugg", "`debugg` is no level"),
            ("info h2=debug", "`info h2` is no part of the program"),
            ("h2:client=debug", "`h2:client` is no part of the program"),
            ("h2=debug=info", "`debug=info` is no level"),
        ] {
            let why = text.parse::<LogFilter>().expect_err(text);
            assert!(why.starts_with(problem), "{text}: {why}");
        }
    }

    #[test]
    fn the_level_that_was_probably_meant_is_suggested() {
        for (text, level) in [("inof", "info"), ("h2=debugg", "debug")] {
            let why = text.parse::<LogFilter>().expect_err(text);
            assert!(why.ends_with(&format!("; did you mean `{level}`?")), "{why}");
        }
    }
}

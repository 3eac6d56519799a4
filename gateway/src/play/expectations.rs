//! The expected decisions, as a file has them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value};
use serde_saphyr::{budget, options};

use super::decision::Decision;
use super::edits::write_members;
use super::matching::{Extent, meets};
use crate::openim::contract::Callback;
use crate::openim::key::by_any_name;

/// The file of `--expect` and `--record`, in YAML.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// The callbacks to send, with the expected decisions.
    pub cases: Vec<Case>,
    /// The decisions that are right for the sample of each callback without a case. If empty, these are not sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Expected>,
}

/// A callback, and the decision on it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule that it shows.
    pub name: String,
    /// The callback, by any name that it has.
    #[serde(deserialize_with = "named", serialize_with = "name")]
    pub callback: &'static Callback,
    /// The members of the body that differ from the sample's.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
    /// The expected decision.
    pub decision: Expected,
}

impl Expectations {
    /// Reads a file.
    ///
    /// # Errors
    /// It is no YAML, or no expectations.
    pub fn from_yaml(text: &str) -> Result<Self, serde_saphyr::Error> {
        // The file is the user's own, and as long as the day that was recorded: its length bounds the
        // first three. An anchor may be used in every case.
        let budget = budget! {
            max_nodes: usize::MAX,
            max_events: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            enforce_alias_anchor_ratio: false,
        };
        serde_saphyr::from_str_with_options(text, options! { budget: budget })
    }
}

fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Callback, D::Error> {
    let name = String::deserialize(deserializer)?;
    by_any_name(&name).map_err(D::Error::custom)
}

fn name<S: Serializer>(callback: &&'static Callback, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(callback.setting)
}

/// An expected decision.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expected {
    /// An allow without edits.
    Allow,
    /// An allow with these edits, by OpenIM's keys, whatever else it edits. JSON in text can be written as the JSON
    /// itself.
    Edit(#[serde(deserialize_with = "at_least_one")] Map<String, Value>),
    /// An allow with these edits and no others.
    EditOnly(#[serde(deserialize_with = "at_least_one")] Map<String, Value>),
    /// A denial; an unset field accepts any value.
    Deny {
        /// The code that the app gets.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<i64>,
        /// The text that OpenIM shows to its user.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// The longer explanation.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// The reason in the gateway's log.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The decider leaves the callback to the gateway.
    NotImplemented,
}

fn at_least_one<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    let edits = Map::deserialize(deserializer)?;
    match edits.is_empty() {
        true => Err(D::Error::custom(
            "an edit without values: write `allow` for a decision without edits",
        )),
        false => Ok(edits),
    }
}

impl Expected {
    /// The expectation that only this decision meets; none for one that is not the decider's.
    pub(super) fn exactly(decision: &Decision) -> Option<Self> {
        Some(match decision {
            Decision::Allow => Self::Allow,
            Decision::Edit(edits) => Self::EditOnly(edits.changes.clone()),
            Decision::Deny { code, message, detail, reason } => Self::Deny {
                code: Some(*code),
                message: Some(message.clone()),
                detail: Some(detail.clone()),
                reason: Some(reason.clone()),
            },
            Decision::NotImplemented => Self::NotImplemented,
            Decision::Answered(_) | Decision::Failed(_) => return None,
        })
    }

    /// True if a decision is this one.
    #[must_use]
    pub fn is_met_by(&self, decision: &Decision) -> bool {
        match (self, decision) {
            (Self::Allow, Decision::Allow) | (Self::NotImplemented, Decision::NotImplemented) => {
                true
            }
            (Self::Edit(expected), Decision::Edit(edits)) => meets(edits, expected, Extent::Part),
            (Self::EditOnly(expected), Decision::Edit(edits)) => {
                meets(edits, expected, Extent::Whole)
            }
            (
                Self::Deny { code, message, detail, reason },
                Decision::Deny { code: c, message: m, detail: d, reason: r },
            ) => {
                let mut texts = [(message, m), (detail, d), (reason, r)].into_iter();
                code.is_none_or(|code| code == *c)
                    && texts.all(|(expected, text)| expected.as_ref().is_none_or(|e| e == text))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Edit(edits) => {
                f.write_str("edit")?;
                write_members(f, edits)
            }
            Self::EditOnly(edits) => {
                f.write_str("edit only")?;
                write_members(f, edits)
            }
            Self::Deny { code, message, detail, reason } => {
                f.write_str("deny")?;
                code.iter().try_for_each(|code| write!(f, " {code}"))?;
                message.iter().try_for_each(|message| write!(f, " {message:?}"))?;
                detail.iter().try_for_each(|detail| write!(f, " detail={detail:?}"))?;
                reason.iter().try_for_each(|reason| write!(f, " reason={reason:?}"))
            }
            Self::NotImplemented => f.write_str("not implemented"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(yaml: &str) -> Expected {
        serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{yaml}: {e}"))
    }

    #[test]
    fn a_file_may_be_as_long_as_a_day() {
        let body = format!("{{secret: [{}]}}", "x, ".repeat(60));
        let case = format!(
            "  - {{name: n, callback: beforeUserRegister, body: {body}, decision: allow}}\n"
        );
        let read = Expectations::from_yaml(&format!("cases:\n{}", case.repeat(15_000)));
        assert_eq!(read.map_err(|e| e.to_string()).map(|read| read.cases.len()), Ok(15_000));
    }

    #[test]
    fn an_anchor_may_be_used_in_every_case() {
        let first = "  - {name: n, callback: beforeAddBlack, decision: &no {deny: {code: 5001}}}\n";
        let more = "  - {name: n, callback: beforeAddBlack, decision: *no}\n".repeat(150);
        let read = Expectations::from_yaml(&format!("cases:\n{first}{more}"));
        assert_eq!(read.map_err(|e| e.to_string()).map(|read| read.cases.len()), Ok(151));
    }

    #[test]
    fn an_edit_has_values() {
        for empty in ["edit: {}", "edit_only: {}"] {
            let error = serde_saphyr::from_str::<Expected>(empty).expect_err("no values");
            assert!(error.to_string().contains("write `allow`"), "{error}");
        }
    }

    #[test]
    fn of_a_denial_only_what_is_written_counts() {
        let denied = Decision::Deny {
            code: 5001,
            message: "no".into(),
            detail: "at all".into(),
            reason: "a reserved name".into(),
        };
        for met in [
            "deny: {}",
            "deny: {code: 5001}",
            "deny: {code: 5001, message: 'no'}",
            "deny: {detail: at all}",
            "deny: {reason: a reserved name}",
        ] {
            assert!(expected(met).is_met_by(&denied), "{met}");
        }
        for not_met in [
            "deny: {code: 5002}",
            "deny: {message: never}",
            "deny: {code: 5001, reason: ''}",
            "deny: {code: 5001, detail: ''}",
            "allow",
            "not_implemented",
            "edit: {nickName: no}",
        ] {
            assert!(!expected(not_met).is_met_by(&denied), "{not_met}");
        }
    }
}

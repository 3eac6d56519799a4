//! The expected decisions, from a file.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

use super::decision::{self, Decision};
use crate::openim::contract::Callback;
use crate::openim::key::by_any_name;

/// The file of `--expect`, in YAML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// The callbacks to send, with the expected decisions.
    pub cases: Vec<Case>,
    /// The decisions that are right for the sample of each callback without a case. If empty, these are not sent.
    #[serde(default)]
    pub others: Vec<Expected>,
}

/// A callback, and the decision on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule that it shows.
    pub name: String,
    /// The callback, by any name that it has.
    #[serde(deserialize_with = "named")]
    pub callback: &'static Callback,
    /// The members of the body that differ from the sample's.
    #[serde(default)]
    pub body: Map<String, Value>,
    /// The expected decision.
    pub decision: Expected,
}

fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Callback, D::Error> {
    let name = String::deserialize(deserializer)?;
    by_any_name(&name).map_err(D::Error::custom)
}

/// An expected decision.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expected {
    /// An allow without edits.
    Allow,
    /// An allow with these edits and no others, by OpenIM's keys. OpenIM's JSON in text can be written as the JSON
    /// itself.
    Edit(Map<String, Value>),
    /// A denial; an unset field accepts any value.
    Deny {
        /// The code that the app gets.
        code: Option<i64>,
        /// The text that OpenIM shows to its user.
        message: Option<String>,
    },
    /// The decider leaves the callback to the gateway.
    NotImplemented,
}

impl Expected {
    /// True if a decision is this one.
    #[must_use]
    pub fn is_met_by(&self, decision: &Decision) -> bool {
        match (self, decision) {
            (Self::Allow, Decision::Allow) | (Self::NotImplemented, Decision::NotImplemented) => {
                true
            }
            (Self::Edit(expected), Decision::Edit(found)) => {
                expected.len() == found.len()
                    && expected.iter().all(|(key, e)| found.get(key).is_some_and(|f| same(e, f)))
            }
            (Self::Deny { code, message }, Decision::Deny { code: c, message: m }) => {
                code.is_none_or(|code| code == *c) && message.as_ref().is_none_or(|text| text == m)
            }
            _ => false,
        }
    }
}

/// True if a value is the expected one, or holds it as JSON in text.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(_) | Value::Array(_), Value::String(text)) => {
            serde_json::from_str::<Value>(text).is_ok_and(|found| found == *expected)
        }
        _ => expected == found,
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Edit(edits) => decision::write_edits(f, edits),
            Self::Deny { code, message } => {
                f.write_str("deny")?;
                code.iter().try_for_each(|code| write!(f, " {code}"))?;
                message.iter().try_for_each(|message| write!(f, " {message:?}"))
            }
            Self::NotImplemented => f.write_str("not implemented"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(yaml: &str) -> Expected {
        serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{yaml}: {e}"))
    }

    fn edit(edits: Value) -> Decision {
        let Value::Object(edits) = edits else { panic!("an object") };
        Decision::Edit(edits)
    }

    #[test]
    fn an_expected_edit_names_every_key() {
        let name = expected("edit: {nickName: Ann}");
        assert!(name.is_met_by(&edit(json!({"nickName": "Ann"}))));
        assert!(!name.is_met_by(&edit(json!({"nickName": "Ann", "ex": ""}))));
        assert!(!name.is_met_by(&edit(json!({"nickName": "Bob"}))));
        assert!(!name.is_met_by(&edit(json!({"ex": "Ann"}))));
        assert!(!name.is_met_by(&Decision::Allow));
    }

    #[test]
    fn json_in_text_is_compared_by_what_it_holds() {
        let content = expected("edit: {content: {content: hi}}");
        assert!(content.is_met_by(&edit(json!({"content": r#"{ "content" : "hi" }"#}))));
        assert!(!content.is_met_by(&edit(json!({"content": r#"{"content":"ho"}"#}))));
        assert!(!content.is_met_by(&edit(json!({"content": "hi"}))));
    }

    #[test]
    fn of_a_denial_only_what_is_written_counts() {
        let denied = Decision::Deny { code: 5001, message: "no".into() };
        for met in ["deny: {}", "deny: {code: 5001}", "deny: {code: 5001, message: 'no'}"] {
            assert!(expected(met).is_met_by(&denied), "{met}");
        }
        for not_met in ["deny: {code: 5002}", "deny: {message: never}", "allow", "not_implemented"]
        {
            assert!(!expected(not_met).is_met_by(&denied), "{not_met}");
        }
    }
}

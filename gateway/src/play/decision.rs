//! A decider's decision, as OpenIM and the operator see it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// The characters of one value that are shown.
const SHOWN: usize = 200;

/// A decider's decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The operation goes on as it is.
    Allow,
    /// The operation goes on with other values, by OpenIM's keys.
    Edit(Map<String, Value>),
    /// The operation is refused.
    Deny {
        /// The code that the app gets.
        code: i64,
        /// The text that OpenIM shows to its user.
        message: String,
    },
    /// The decider leaves the callback to the gateway's `on_unimplemented`.
    NotImplemented,
    /// There is no decision, for this reason.
    Failed(String),
}

/// The outcome of a callback.
#[derive(Debug)]
pub struct Outcome {
    /// The decider's decision.
    pub decision: Decision,
    /// Corrections of the gateway's.
    pub notes: Vec<String>,
    /// True if the decider kept to the contract.
    pub valid: bool,
    /// From the request to OpenIM's answer.
    pub took: Duration,
}

impl Decision {
    /// The decision of an allow with these members, compared with one without edits.
    pub(super) fn allow(
        mut answered: Map<String, Value>,
        without_edits: &Map<String, Value>,
    ) -> Self {
        answered.retain(|key, value| without_edits.get(key) != Some(value));
        if answered.is_empty() { Self::Allow } else { Self::Edit(answered) }
    }

    /// The decision on a request in one line, with the edits by what they change in it.
    #[must_use]
    pub fn line(&self, request: &Value) -> String {
        match self {
            Self::Edit(edits) => {
                let mut changed = Vec::new();
                for (key, value) in edits {
                    changes(key, request.get(key), value, &mut changed);
                }
                format!("edit {}", changed.join(" "))
            }
            Self::Deny { code, message } => {
                format!("deny {code} {}", shown(&format!("{message:?}")))
            }
            Self::Failed(why) => format!("failed: {}", shown(why)),
            Self::Allow | Self::NotImplemented => self.to_string(),
        }
    }
}

/// In full, with control characters escaped, so that no text can look like another line.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Edit(edits) => write_edits(f, edits),
            Self::Deny { code, message } => write!(f, "deny {code} {message:?}"),
            Self::NotImplemented => f.write_str("not implemented"),
            Self::Failed(why) => write!(f, "failed: {}", escaped(why)),
        }
    }
}

pub(super) fn write_edits(f: &mut fmt::Formatter<'_>, edits: &Map<String, Value>) -> fmt::Result {
    f.write_str("edit")?;
    edits.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
}

/// Collects the values that differ from before, by their paths.
fn changes(path: &str, before: Option<&Value>, value: &Value, changed: &mut Vec<String>) {
    let count = changed.len();
    match (before, value) {
        (Some(Value::Object(before)), Value::Object(members)) => {
            for (key, value) in members {
                changes(&format!("{path}.{key}"), before.get(key), value, changed);
            }
        }
        (Some(Value::Array(before)), Value::Array(entries)) if before.len() == entries.len() => {
            for (n, (before, value)) in before.iter().zip(entries).enumerate() {
                changes(&format!("{path}[{n}]"), Some(before), value, changed);
            }
        }
        _ => {}
    }
    if count == changed.len() && before != Some(value) {
        changed.push(format!("{path}={}", shown(&value.to_string())));
    }
}

/// The beginning of a text, in one line.
pub(super) fn shown(text: &str) -> String {
    let mut line = escaped(text);
    if let Some((end, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A text in one line, without control characters of terminals.
fn escaped(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(edits: Value) -> Decision {
        Decision::Edit(serde_json::from_value(edits).expect("an object"))
    }

    #[test]
    fn edits_are_shown_by_what_they_change() {
        let request = json!({"users": [{"id": "1", "name": "Ann"}, {"id": "2", "name": " Bob"}]});
        let users = json!({"users": [{"id": "1", "name": "Ann"}, {"id": "2", "name": "Bob"}]});
        assert_eq!(edit(users).line(&request), r#"edit users[1].name="Bob""#);
        let fewer = json!({"users": [], "ex": ""});
        assert_eq!(edit(fewer).line(&request), r#"edit ex="" users=[]"#);
        assert_eq!(edit(json!({"a": {}})).line(&json!({"a": {"b": 1}})), "edit a={}");
    }

    #[test]
    fn a_reason_can_not_pass_for_another_line() {
        let failed = Decision::Failed("it\nok  beforeAddBlack\x1b[31m".into());
        assert_eq!(failed.line(&Value::Null), r"failed: it\nok  beforeAddBlack\u{1b}[31m");
        assert_eq!(failed.line(&Value::Null), failed.to_string());
        let long = Decision::Deny { code: 5001, message: "x".repeat(1000) };
        assert!(long.line(&Value::Null).chars().count() < 250);
    }
}

//! What a decider decided, as OpenIM and the operator see it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// How much of an edit's value is shown.
const SHOWN: usize = 80;

/// What a decider decided.
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
        /// What OpenIM shows to its user.
        message: String,
    },
    /// The decider leaves the callback to the gateway's `on_unimplemented`.
    NotImplemented,
    /// There is no decision, and why.
    Failed(String),
}

impl Decision {
    /// An allow, with what it says to a request. Values that the request has too are no edits: OpenIM wants some back.
    pub(super) fn allow(mut said: Map<String, Value>, request: &Value) -> Self {
        said.retain(|key, value| match request.get(key) {
            None | Some(Value::Null) => !value.is_null() && value != "",
            Some(had) => value != had,
        });
        if said.is_empty() { Self::Allow } else { Self::Edit(said) }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Edit(edits) => write_edits(f, edits),
            Self::Deny { code, message } => write!(f, "deny {code} {message:?}"),
            Self::NotImplemented => f.write_str("not implemented"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

pub(super) fn write_edits(f: &mut fmt::Formatter<'_>, edits: &Map<String, Value>) -> fmt::Result {
    f.write_str("edit")?;
    edits.iter().try_for_each(|(key, value)| {
        let text = value.to_string();
        let end = text.floor_char_boundary(SHOWN);
        let rest = if end < text.len() { "…" } else { "" };
        write!(f, " {key}={}{rest}", &text[..end])
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_only_sent_back_is_no_edit() {
        let decided = |said: Value| {
            let Value::Object(said) = said else { panic!("an object") };
            Decision::allow(said, &json!({"groupID": "g1", "groupName": "Rust", "ex": null}))
        };
        assert_eq!(decided(json!({})), Decision::Allow);
        assert_eq!(decided(json!({"groupID": "g1", "ex": null, "faceURL": ""})), Decision::Allow);
        let Decision::Edit(edits) = decided(json!({"groupID": "g1", "groupName": ""})) else {
            panic!("an edit")
        };
        assert_eq!(Value::Object(edits), json!({"groupName": ""}));
    }
}

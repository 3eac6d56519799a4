//! A decider's decision, as OpenIM and the operator see it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::edits::Edits;
use super::terminal::{escaped, shown};
use crate::openim::contract::Callback;
use crate::openim::verdict::Verdict;

/// A decider's decision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The operation goes on as it is.
    Allow,
    /// The operation goes on with other values.
    Edit(Edits),
    /// The operation is refused.
    Deny {
        /// The code that the app gets.
        code: i64,
        /// The text that OpenIM shows to its user.
        message: String,
        /// The longer explanation, for callers of OpenIM's HTTP API.
        detail: String,
        /// The decider's reason, which only the gateway's log has.
        reason: String,
    },
    /// The decider leaves the callback to the gateway's `on_unimplemented`.
    NotImplemented,
    /// The settings have the answer, and the decider was not called.
    Answered(Verdict),
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
    /// True if there is no decision because the decider could not be reached.
    pub unreachable: bool,
    /// From the request to OpenIM's answer.
    pub took: Duration,
}

impl Decision {
    /// The decision of an allow with these members, compared with one without edits and with what OpenIM sent.
    pub(super) fn allow(
        mut answered: Map<String, Value>,
        without_edits: &Map<String, Value>,
        request: &Value,
        callback: Option<&'static Callback>,
    ) -> Self {
        answered.retain(|key, value| without_edits.get(key) != Some(value));
        Edits::new(answered, request, callback).map_or(Self::Allow, Self::Edit)
    }

    /// The decision in one line, of which long texts have the beginning only.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Edit(edits) => {
                let paths = edits.paths();
                let changed = paths
                    .iter()
                    .map(|(path, value)| format!(" {}={}", shown(path), shown(&value.to_string())));
                format!("edit{}", changed.collect::<String>())
            }
            Self::Deny { code, message, detail, reason } => {
                let more = |name, text: &str| match text {
                    "" => String::new(),
                    text => format!(" {name}={}", shown(&format!("{text:?}"))),
                };
                let (detail, reason) = (more("detail", detail), more("reason", reason));
                format!("deny {code} {}{detail}{reason}", shown(&format!("{message:?}")))
            }
            Self::Failed(why) => format!("failed: {}", shown(why)),
            Self::Allow | Self::NotImplemented | Self::Answered(_) => self.to_string(),
        }
    }
}

/// In full, in one line.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Edit(edits) => write!(f, "edit{edits}"),
            Self::Deny { code, message, detail, reason } => {
                write!(f, "deny {code} {message:?} detail={detail:?} reason={reason:?}")
            }
            Self::NotImplemented => f.write_str("not implemented"),
            Self::Answered(verdict) => write!(f, "answered by the settings: {verdict}"),
            Self::Failed(why) => write!(f, "failed: {}", escaped(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::edits::tests::edits;
    use super::*;

    fn edit(callback: &str, request: &Value, values: Value) -> String {
        Decision::Edit(edits(callback, request, values).expect("an edit")).line()
    }

    #[test]
    fn edits_are_shown_by_what_they_change() {
        let users = |bob: &str| json!({"users": [{"userID": "1", "nickname": "Ann"}, {"userID": "2", "nickname": bob}]});
        let line = edit("beforeUserRegister", &users(" Bob"), users("Bob"));
        assert_eq!(line, r#"edit users[2].nickname="Bob""#);
        let request = json!({"title": "a", "desc": "b", "userIDList": ["1"]});
        let values = json!({"offlinePushInfo": {"title": "a", "desc": "c"}, "userIDList": []});
        let line = edit("beforeOfflinePush", &request, values);
        assert_eq!(line, r#"edit offlinePushInfo.desc="c" userIDList=[]"#);
        let options = json!({"ex": "", "options": {"history": true}});
        let line = edit("beforeMsgModify", &json!({}), options);
        assert_eq!(line, r#"edit ex="" options.history=true"#);
    }

    #[test]
    fn a_denial_has_its_detail_and_its_reason_beside_it() {
        let denied = |detail: &str, reason: &str| Decision::Deny {
            code: 5001,
            message: "no".into(),
            detail: detail.into(),
            reason: reason.into(),
        };
        assert_eq!(denied("", "").line(), r#"deny 5001 "no""#);
        assert_eq!(denied("", "a\nrule").line(), r#"deny 5001 "no" reason="a\nrule""#);
        assert_eq!(denied("why", "r").line(), r#"deny 5001 "no" detail="why" reason="r""#);
    }

    #[test]
    fn a_reason_can_not_pass_for_another_line() {
        let failed = Decision::Failed("it\nok  beforeAddBlack\x1b[31m".into());
        assert_eq!(failed.line(), r"failed: it\nok  beforeAddBlack\u{1b}[31m");
        assert_eq!(failed.line(), failed.to_string());
        let text = || "x".repeat(1000);
        let long = Decision::Deny { code: 5001, message: text(), detail: text(), reason: text() };
        assert!(long.line().chars().count() < 700);
    }
}

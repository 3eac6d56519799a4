//! The configuration of callbacks as an operator sets it: every key is optional.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deadline::Deadline;
use crate::openim::verdict::{RefusalCode, Verdict};

/// The settings of every callback that has none of its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    /// From the head of OpenIM's request to the verdict, everything included: `"1ms"` to `"1m"`. OpenIM itself waits 5
    /// s unless its webhooks.yml says otherwise; that file overrides this. Default: `"2s"`.
    pub deadline: Option<Deadline>,
    /// The code of refusals that have none of their own: 5000 to 9999, or 20001 to 29999. Default: `5000`.
    pub code: Option<RefusalCode>,
    /// The message of refusals that have none of their own; OpenIM shows it to its user. Default:
    /// `"the request was refused"`.
    pub message: Option<String>,
    /// The verdict when the decision failed: `"deny"` or `"allow"`. Default: `"deny"`, but `"allow"` for the callbacks
    /// of pushes and of new conversations, which a refusal could only harm.
    pub on_failure: Option<Verdict>,
    /// The verdict when the decider does not implement the callback's rpc: `"deny"` or `"allow"`. Default: `"deny"`.
    pub on_unimplemented: Option<Verdict>,
}

/// The settings of one callback.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Answers without calling a decider: `"allow"` or `"deny"`. The request is still read and checked. A callback that
    /// comes after the fact can only be allowed, which means that no decider receives it.
    pub answer: Option<Verdict>,
    /// The name of the decider to call, of those in `[deciders.…]`. Unset means the one in `[decider]`.
    pub decider: Option<String>,
    /// As in `[defaults]`, for this callback.
    pub deadline: Option<Deadline>,
    /// As in `[defaults]`, for this callback.
    pub code: Option<RefusalCode>,
    /// As in `[defaults]`, for this callback. Only a callback that comes before something can have it.
    pub message: Option<String>,
    /// As in `[defaults]`, for this callback. Only a callback that comes before something can have it.
    pub on_failure: Option<Verdict>,
    /// As in `[defaults]`, for this callback. Only a callback that comes before something can have it.
    pub on_unimplemented: Option<Verdict>,
    /// False delivers the events of this callback without order, for keys with so many that one after the other is too
    /// slow, such as a large group's. Default: `true`. Only a callback that comes after something can have it.
    pub ordered: Option<bool>,
}

impl Overrides {
    /// These settings, and those below where one is unset.
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            answer: self.answer.or(below.answer),
            decider: self.decider.or(below.decider),
            deadline: self.deadline.or(below.deadline),
            code: self.code.or(below.code),
            message: self.message.or(below.message),
            on_failure: self.on_failure.or(below.on_failure),
            on_unimplemented: self.on_unimplemented.or(below.on_unimplemented),
            ordered: self.ordered.or(below.ordered),
        }
    }
}

impl From<Defaults> for Overrides {
    fn from(defaults: Defaults) -> Self {
        let Defaults { deadline, code, message, on_failure, on_unimplemented } = defaults;
        Self {
            answer: None,
            decider: None,
            deadline,
            code,
            message,
            on_failure,
            on_unimplemented,
            ordered: None,
        }
    }
}

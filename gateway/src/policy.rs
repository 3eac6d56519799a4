//! What OpenIM gets when there is no decision, for each callback.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{CALLBACKS, Callback, Kind};
use crate::error::Failure;
use crate::settings::Mistake;

/// The settings that differ for some callbacks out of the box, with the reasons.
const BUILT_IN: &str = include_str!("../defaults.toml");

/// What follows when there is no decision.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From the request's head to the verdict.
    pub deadline: Duration,
    /// The code of refusals that have none of their own.
    pub code: RefusalCode,
    /// The message of refusals that have none of their own.
    pub message: String,
    /// The verdict when the decision failed.
    pub on_failure: Verdict,
    /// The verdict when the decider does not implement the callback's rpc.
    pub on_unimplemented: Verdict,
}

/// What OpenIM is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The operation goes on.
    Allow,
    /// The operation is refused.
    Deny,
}

impl Policy {
    /// The verdict on a callback for which there is no decision.
    #[must_use]
    pub fn verdict(&self, failure: &Failure) -> Verdict {
        use tonic::Code::{InvalidArgument, OutOfRange, Unimplemented};
        match failure {
            // These may come of the request's content, which must not be able to open a gate.
            Failure::Wrong(_) | Failure::Undecodable(_) => Verdict::Deny,
            Failure::Status(s) if matches!(s.code(), InvalidArgument | OutOfRange) => Verdict::Deny,
            Failure::Status(s) if s.code() == Unimplemented => self.on_unimplemented,
            Failure::Status(_) | Failure::Deadline => self.on_failure,
        }
    }
}

/// The code of a refusal: 5000 to 9999 (OpenIM's callback pages), or 20001 to 29999 (its newer documentation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i32")]
pub struct RefusalCode(i32);

impl RefusalCode {
    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for RefusalCode {
    type Error = String;

    fn try_from(code: i32) -> Result<Self, String> {
        match code {
            5000..=9999 | 20001..=29999 => Ok(Self(code)),
            _ => Err(format!("{code} is no refusal code: use 5000 to 9999, or 20001 to 29999")),
        }
    }
}

/// What holds for every callback that does not say otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    /// From the head of OpenIM's request to the verdict, everything included. OpenIM itself waits 5 s unless its
    /// webhooks.yml says otherwise. Default: `"2s"`.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub deadline: Option<Duration>,
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

/// What holds for one callback.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ForCallback {
    /// As in `[defaults]`, for this callback. Only a callback that comes before something can have it.
    pub on_failure: Option<Verdict>,
    /// As in `[defaults]`, for this callback. Only a callback that comes before something can have it.
    pub on_unimplemented: Option<Verdict>,
}

/// A callback's key in OpenIM's webhooks.yml, or `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Setting(String);

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = || CALLBACKS.iter().map(|c| c.setting).chain([Policies::UNKNOWN]);
        if known().any(|setting| setting == name) {
            return Ok(Self(name));
        }
        let distance = |setting: &&str| strsim::damerau_levenshtein(setting, &name);
        let near = |setting: &&str| distance(setting) <= 1 + setting.len() / 4;
        let nearest = known().filter(near).min_by_key(distance);
        let advice = nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(format!("no callback `{name}`{advice}"))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The policies of all callbacks.
#[derive(Clone, Debug)]
pub struct Policies {
    known: Vec<Arc<Policy>>,
    unknown: Arc<Policy>,
}

impl Policies {
    /// The name under which commands that the contract does not know are configured.
    pub const UNKNOWN: &str = "unknown";

    /// The policy of a callback; none is a callback that the contract does not know.
    #[must_use]
    pub fn of(&self, callback: Option<&Callback>) -> &Arc<Policy> {
        callback.map_or(&self.unknown, |callback| &self.known[callback.rpc as usize])
    }

    /// Puts together what was configured: for the callback, for all, and built in, in this order.
    ///
    /// # Errors
    /// Every setting that can't have an effect.
    pub fn new(
        defaults: &Defaults,
        callbacks: &BTreeMap<Setting, ForCallback>,
    ) -> Result<Self, Vec<Mistake>> {
        let mistakes = without_effect(callbacks);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let built_in: BuiltIn =
            toml::from_str(BUILT_IN).expect("a test reads the built-in settings");
        let policy = |setting: &str| {
            let setting = Setting(setting.to_owned());
            let ours = callbacks.get(&setting).cloned().unwrap_or_default();
            let built_in = built_in.callbacks.get(&setting).cloned().unwrap_or_default();
            Arc::new(Policy {
                deadline: defaults.deadline.unwrap_or(Duration::from_secs(2)),
                code: defaults.code.unwrap_or(RefusalCode(5000)),
                message: defaults
                    .message
                    .clone()
                    .unwrap_or_else(|| "the request was refused".to_owned()),
                on_failure: ours
                    .on_failure
                    .or(defaults.on_failure)
                    .or(built_in.on_failure)
                    .unwrap_or(Verdict::Deny),
                on_unimplemented: ours
                    .on_unimplemented
                    .or(defaults.on_unimplemented)
                    .or(built_in.on_unimplemented)
                    .unwrap_or(Verdict::Deny),
            })
        };
        Ok(Self {
            known: CALLBACKS.iter().map(|callback| policy(callback.setting)).collect(),
            unknown: policy(Self::UNKNOWN),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    callbacks: BTreeMap<Setting, ForCallback>,
}

fn without_effect(callbacks: &BTreeMap<Setting, ForCallback>) -> Vec<Mistake> {
    let after = |name: &str| CALLBACKS.iter().any(|c| c.setting == name && c.kind == Kind::After);
    let set = |c: &ForCallback| c.on_failure.is_some() || c.on_unimplemented.is_some();
    callbacks
        .iter()
        .filter(|(name, callback)| after(&name.0) && set(callback))
        .map(|(name, _)| {
            let why = "comes after the fact and is always allowed: its verdict can't be set";
            Mistake::new(format!("callbacks.{name}"), why)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::find;

    fn policies(text: &str) -> Policies {
        let settings = crate::settings::Settings::from_toml(text).expect("settings");
        settings.policies
    }

    fn of<'p>(policies: &'p Policies, setting: &str) -> &'p Policy {
        policies.of(CALLBACKS.iter().find(|c| c.setting == setting))
    }

    #[test]
    fn a_failure_denies_unless_it_could_only_do_harm() {
        let policies = policies("");
        let open: Vec<_> = CALLBACKS
            .iter()
            .filter(|c| policies.of(Some(c)).on_failure == Verdict::Allow)
            .map(|c| c.setting)
            .collect();
        assert_eq!(
            open,
            [
                "beforeCreateSingleChatConversations",
                "beforeCreateGroupChatConversations",
                "beforeOfflinePush",
                "beforeOnlinePush",
                "beforeGroupOnlinePush"
            ]
        );
        assert_eq!(policies.of(None).on_failure, Verdict::Deny);
    }

    #[test]
    fn what_is_set_for_a_callback_goes_before_what_is_set_for_all_and_both_before_the_built_in() {
        let policies = policies(
            "[defaults]\non_failure = 'deny'\n[callbacks.beforeOnlinePush]\non_failure = 'allow'",
        );
        assert_eq!(of(&policies, "beforeOnlinePush").on_failure, Verdict::Allow);
        assert_eq!(of(&policies, "beforeOfflinePush").on_failure, Verdict::Deny);
    }

    #[test]
    fn content_can_not_open_a_gate() {
        let policies = policies("[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'");
        let policy = policies.of(find("nothing"));
        let verdict = |code| policy.verdict(&Failure::Status(tonic::Status::new(code, "")));
        assert_eq!(verdict(tonic::Code::InvalidArgument), Verdict::Deny);
        assert_eq!(verdict(tonic::Code::OutOfRange), Verdict::Deny);
        assert_eq!(verdict(tonic::Code::Unimplemented), Verdict::Allow);
        assert_eq!(verdict(tonic::Code::Internal), Verdict::Allow);
        assert_eq!(policy.verdict(&Failure::Deadline), Verdict::Allow);
    }
}

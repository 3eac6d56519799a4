//! Puts the policies together from all that is written about them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Deadline, Defaults, ForCallback, Policies, Policy, RefusalCode, Setting, Verdict};
use crate::contract::{CALLBACKS, Kind};
use crate::settings::{Mistake, Webhooks, did_you_mean};

/// The settings that differ for some callbacks out of the box, with the reasons.
const BUILT_IN: &str = include_str!("../../defaults.toml");

/// All that is written about policies. What stands first here goes first; what is built in comes last.
#[derive(Debug)]
pub struct Written<'a> {
    /// What the operator says of single callbacks.
    pub callbacks: &'a BTreeMap<Setting, ForCallback>,
    /// What OpenIM's own settings say.
    pub webhooks: Option<&'a Webhooks>,
    /// Whether `failedContinue` in OpenIM's settings counts.
    pub honour_failed_continue: bool,
    /// What the operator says of all callbacks.
    pub defaults: &'a Defaults,
    /// The names of the deciders, in the order of [`Settings::deciders`](crate::settings::Settings::deciders).
    pub deciders: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    callbacks: BTreeMap<Setting, ForCallback>,
}

impl Written<'_> {
    /// The policies that follow.
    ///
    /// # Errors
    /// Every setting that can't have an effect, and every name of a decider that there is not.
    pub fn resolve(&self) -> Result<Policies, Vec<Mistake>> {
        let mistakes: Vec<_> = self
            .callbacks
            .iter()
            .flat_map(|(name, written)| self.mistakes(name, written))
            .collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let built_in: BuiltIn =
            toml::from_str(BUILT_IN).expect("a test reads the built-in settings");
        let policy = |setting: &str| {
            let written = named(self.callbacks, setting)
                .or(self.webhook(setting))
                .or(self.defaults.clone().into())
                .or(named(&built_in.callbacks, setting));
            Arc::new(self.policy(written))
        };
        Ok(Policies {
            default: Arc::new(self.policy(self.defaults.clone().into())),
            known: CALLBACKS.iter().map(|callback| policy(callback.setting)).collect(),
            unknown: policy(Policies::UNKNOWN),
            opened: CALLBACKS.iter().map(|c| c.setting).filter(|s| self.opens(s)).collect(),
        })
    }

    fn policy(&self, written: ForCallback) -> Policy {
        let decider = written.decider.and_then(|name| self.decider(&name));
        Policy {
            answer: written.answer,
            decider: decider.unwrap_or_default(),
            deadline: written.deadline.unwrap_or(Deadline::DEFAULT).get(),
            code: written.code.unwrap_or(RefusalCode::DEFAULT),
            message: written.message.unwrap_or_else(|| "the request was refused".to_owned()),
            on_failure: written.on_failure.unwrap_or(Verdict::Deny),
            on_unimplemented: written.on_unimplemented.unwrap_or(Verdict::Deny),
        }
    }

    fn decider(&self, name: &str) -> Option<usize> {
        self.deciders.iter().position(|decider| *decider == name)
    }

    /// What OpenIM's settings say of a callback, as the operator would write it.
    fn webhook(&self, setting: &str) -> ForCallback {
        let Some(webhook) = self.webhooks.and_then(|webhooks| webhooks.of(setting)) else {
            return ForCallback::default();
        };
        let open = self.honour_failed_continue && webhook.failed_continue && !is_after(setting);
        let on_failure = open.then_some(Verdict::Allow);
        ForCallback { deadline: Some(webhook.deadline()), on_failure, ..ForCallback::default() }
    }

    fn opens(&self, setting: &str) -> bool {
        self.webhook(setting).on_failure.is_some()
            && named(self.callbacks, setting).on_failure.is_none()
    }

    fn mistakes(&self, name: &Setting, written: &ForCallback) -> Vec<Mistake> {
        let place = |key| format!("callbacks.{name}.{key}");
        let mut mistakes = Vec::new();
        if let Some(decider) = &written.decider
            && self.decider(decider).is_none()
        {
            let guess = did_you_mean(decider, self.deciders.iter().copied());
            mistakes.push(Mistake::new(place("decider"), format!("no decider `{decider}`{guess}")));
        }
        if is_after(name.borrow()) {
            let why = "has no effect: the callback comes after the fact and is always allowed";
            let set = [
                ("answer", written.answer == Some(Verdict::Deny)),
                ("message", written.message.is_some()),
                ("on_failure", written.on_failure.is_some()),
                ("on_unimplemented", written.on_unimplemented.is_some()),
            ];
            let without_effect = set.into_iter().filter(|(_, set)| *set);
            mistakes.extend(without_effect.map(|(key, _)| Mistake::new(place(key), why)));
        }
        mistakes
    }
}

fn named(callbacks: &BTreeMap<Setting, ForCallback>, setting: &str) -> ForCallback {
    callbacks.get(setting).cloned().unwrap_or_default()
}

fn is_after(setting: &str) -> bool {
    CALLBACKS.iter().any(|c| c.setting == setting && c.kind == Kind::After)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The policies that TOML and webhooks.yml lead to, or the mistakes.
    fn resolve(toml: &str, webhooks: &str, honour: bool) -> Result<Policies, String> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            defaults: Defaults,
            callbacks: BTreeMap<Setting, ForCallback>,
        }
        let file: File = toml::from_str(toml).expect("TOML");
        let webhooks = Webhooks::read("webhooks.yml", webhooks).ok();
        let written = Written {
            callbacks: &file.callbacks,
            webhooks: webhooks.as_ref(),
            honour_failed_continue: honour,
            defaults: &file.defaults,
            deciders: vec!["default", "media", "moderation"],
        };
        let text = |mistakes: Vec<Mistake>| mistakes.iter().map(|m| format!("{m}\n")).collect();
        written.resolve().map_err(text)
    }

    fn policy(policies: &Policies, setting: &str) -> Policy {
        let policy = policies.iter().find(|(name, _)| *name == setting);
        policy.expect("a callback").1.clone()
    }

    #[test]
    fn a_failure_denies_unless_it_could_only_do_harm() {
        let policies = resolve("", "", false).expect("policies");
        let open = policies.iter().filter(|(_, policy)| policy.on_failure == Verdict::Allow);
        let open: Vec<_> = open.map(|(setting, _)| setting).collect();
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
    }

    #[test]
    fn a_callback_goes_before_webhooks_before_defaults_before_what_is_built_in() {
        let callback = "[callbacks.beforeOnlinePush]\non_failure = 'deny'\ndeadline = '1s'\n";
        let webhooks = "beforeOnlinePush: { timeout: 3, failedContinue: true }";
        let defaults = "[defaults]\non_failure = 'deny'\ndeadline = '4s'\n";
        let both = &[defaults, callback].concat();
        for (toml, yaml, on_failure, millis) in [
            (&both[..], webhooks, Verdict::Deny, 1000),
            (callback, webhooks, Verdict::Deny, 1000),
            (both, "", Verdict::Deny, 1000),
            (defaults, webhooks, Verdict::Allow, 2500),
            (defaults, "", Verdict::Deny, 4000),
            ("", webhooks, Verdict::Allow, 2500),
            ("", "", Verdict::Allow, 2000),
        ] {
            let policies = resolve(toml, yaml, true).expect("policies");
            let policy = policy(&policies, "beforeOnlinePush");
            let found = (policy.on_failure, policy.deadline.as_millis());
            assert_eq!(found, (on_failure, millis), "{toml}{yaml}");
        }
    }

    #[test]
    fn failed_continue_opens_nothing_unless_it_is_honoured() {
        let webhooks = "
            beforeAddBlack: { failedContinue: true }
            beforeAddFriend: { failedContinue: true }
            beforeCreateGroup: { failedContinue: false }
            afterAddFriend: { failedContinue: true }
            ";
        let toml = "[callbacks.beforeAddFriend]\non_failure = 'deny'";
        let policies = resolve(toml, webhooks, false).expect("policies");
        assert_eq!(policy(&policies, "beforeAddBlack").on_failure, Verdict::Deny);
        assert!(policies.opened().is_empty());
        let policies = resolve(toml, webhooks, true).expect("policies");
        assert_eq!(policy(&policies, "beforeAddBlack").on_failure, Verdict::Allow);
        assert_eq!(policies.opened(), ["beforeAddBlack"]);
    }

    #[test]
    fn failed_continue_closes_nothing() {
        let webhooks = "beforeOnlinePush: { failedContinue: false }";
        let policies = resolve("", webhooks, true).expect("policies");
        assert_eq!(policy(&policies, "beforeOnlinePush").on_failure, Verdict::Allow);
    }

    #[test]
    fn all_can_be_set_for_a_callback_and_for_unknown_ones() {
        for setting in ["beforeAddBlack", "unknown"] {
            let toml = format!(
                "[callbacks.{setting}]
                answer = 'allow'
                decider = 'moderation'
                deadline = '300ms'
                code = 5123
                message = 'no'
                on_failure = 'allow'
                on_unimplemented = 'allow'"
            );
            let expected = Policy {
                answer: Some(Verdict::Allow),
                decider: 2,
                deadline: std::time::Duration::from_millis(300),
                code: RefusalCode::try_from(5123).expect("a code"),
                message: "no".to_owned(),
                on_failure: Verdict::Allow,
                on_unimplemented: Verdict::Allow,
            };
            let policies = resolve(&toml, "", false).expect("policies");
            assert_eq!(policy(&policies, setting), expected);
            assert_eq!(policy(&policies, "beforeAddFriend"), *policies.default());
        }
    }

    #[test]
    fn what_can_not_have_an_effect_is_a_mistake() {
        let toml = "
            [callbacks.afterUserOnline]
            answer = 'deny'
            message = 'no'
            on_failure = 'deny'
            on_unimplemented = 'deny'
            [callbacks.afterUserOffline]
            answer = 'allow'
            deadline = '1s'
            code = 5123
            decider = 'moderator'
        ";
        let mistakes = resolve(toml, "", false).expect_err("mistakes");
        insta::assert_snapshot!(mistakes, @r"
        callbacks.afterUserOffline.decider: no decider `moderator`; did you mean `moderation`?
        callbacks.afterUserOnline.answer: has no effect: the callback comes after the fact and is always allowed
        callbacks.afterUserOnline.message: has no effect: the callback comes after the fact and is always allowed
        callbacks.afterUserOnline.on_failure: has no effect: the callback comes after the fact and is always allowed
        callbacks.afterUserOnline.on_unimplemented: has no effect: the callback comes after the fact and is always allowed
        ");
    }
}

//! Resolves each callback's configuration from all settings that concern it.

use std::collections::BTreeMap;

use process::{Mistake, suggest};
use serde::Deserialize;

use super::config::{CallbackConfig, CallbackConfigs, DeciderId};
use super::deadline::Deadline;
use super::overrides::{Defaults, Overrides};
use super::webhooks::{Webhook, Webhooks};
use crate::openim::contract::Kind;
use crate::openim::key::CallbackKey;
use crate::openim::verdict::{RefusalCode, Verdict};

/// The settings that differ for some callbacks out of the box, with the reasons.
const BUILT_IN: &str = include_str!("../../defaults.toml");

/// All settings that concern callbacks. Earlier fields override later ones; those built in come last.
#[derive(Debug)]
pub struct Layers<'a> {
    /// The operator's settings of single callbacks.
    pub callbacks: &'a BTreeMap<CallbackKey, Overrides>,
    /// OpenIM's own settings.
    pub webhooks: Option<&'a Webhooks>,
    /// True if `failedContinue` in OpenIM's settings counts.
    pub honour_failed_continue: bool,
    /// The operator's settings of all callbacks.
    pub defaults: &'a Defaults,
    /// The names of the deciders, in the order of [`Settings::deciders`](crate::settings::Settings::deciders).
    pub deciders: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    callbacks: BTreeMap<CallbackKey, Overrides>,
}

impl Layers<'_> {
    /// The configuration of each callback.
    ///
    /// # Errors
    /// Every setting that can't have an effect, and every unknown name of a decider.
    pub fn resolve(&self) -> Result<CallbackConfigs, Vec<Mistake>> {
        let mistakes: Vec<_> =
            self.callbacks.iter().flat_map(|(key, set)| self.mistakes(*key, set)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let built_in: BuiltIn =
            toml::from_str(BUILT_IN).expect("a test reads the built-in settings");
        let config = |key: CallbackKey| {
            let overrides = of(self.callbacks, key)
                .or(self.openim(key))
                .or(self.defaults.clone().into())
                .or(of(&built_in.callbacks, key));
            self.config(overrides, self.webhook(key))
        };
        Ok(CallbackConfigs {
            default: self.config(self.defaults.clone().into(), None),
            each: CallbackKey::all().map(config).collect(),
            opened: CallbackKey::all().filter(|key| self.opens(*key)).collect(),
        })
    }

    fn config(&self, overrides: Overrides, webhook: Option<Webhook>) -> CallbackConfig {
        let decider = overrides.decider.and_then(|name| self.decider(&name));
        CallbackConfig {
            answer: overrides.answer,
            decider: decider.unwrap_or_default(),
            deadline: overrides.deadline.unwrap_or(Deadline::DEFAULT).get(),
            code: overrides.code.unwrap_or(RefusalCode::DEFAULT),
            message: overrides.message.unwrap_or_else(|| "the request was refused".to_owned()),
            on_failure: overrides.on_failure.unwrap_or(Verdict::Deny),
            on_unimplemented: overrides.on_unimplemented.unwrap_or(Verdict::Deny),
            ordered: overrides.ordered.unwrap_or(true),
            openim_timeout: webhook.map(|webhook| webhook.timeout),
        }
    }

    fn decider(&self, name: &str) -> Option<DeciderId> {
        self.deciders.iter().position(|decider| *decider == name).map(DeciderId)
    }

    fn webhook(&self, key: CallbackKey) -> Option<Webhook> {
        self.webhooks.and_then(|webhooks| webhooks.of(key.as_str()))
    }

    /// OpenIM's settings of a callback, as the operator would set them.
    fn openim(&self, key: CallbackKey) -> Overrides {
        let Some(webhook) = self.webhook(key) else {
            return Overrides::default();
        };
        let open = self.honour_failed_continue && webhook.failed_continue && !is_after(key);
        let on_failure = open.then_some(Verdict::Allow);
        Overrides { deadline: Some(webhook.deadline()), on_failure, ..Overrides::default() }
    }

    fn opens(&self, key: CallbackKey) -> bool {
        self.openim(key).on_failure.is_some() && of(self.callbacks, key).on_failure.is_none()
    }

    fn mistakes(&self, key: CallbackKey, overrides: &Overrides) -> Vec<Mistake> {
        let place = |setting| format!("callbacks.{key}.{setting}");
        let mut mistakes = Vec::new();
        if let Some(decider) = &overrides.decider
            && self.decider(decider).is_none()
        {
            let guess = suggest(decider, self.deciders.iter().copied());
            mistakes.push(Mistake::new(place("decider"), format!("no decider `{decider}`{guess}")));
        }
        if is_after(key) {
            let why = "has no effect: the callback comes after the fact and is always allowed";
            let set = [
                ("answer", overrides.answer == Some(Verdict::Deny)),
                ("message", overrides.message.is_some()),
                ("on_failure", overrides.on_failure.is_some()),
                ("on_unimplemented", overrides.on_unimplemented.is_some()),
            ];
            let without_effect = set.into_iter().filter(|(_, set)| *set);
            mistakes.extend(without_effect.map(|(key, _)| Mistake::new(place(key), why)));
        } else if overrides.ordered.is_some() {
            let why = "has no effect: only after-callbacks are events";
            mistakes.push(Mistake::new(place("ordered"), why));
        }
        mistakes
    }
}

fn of(callbacks: &BTreeMap<CallbackKey, Overrides>, key: CallbackKey) -> Overrides {
    callbacks.get(&key).cloned().unwrap_or_default()
}

fn is_after(key: CallbackKey) -> bool {
    key.callback().is_some_and(|callback| callback.kind == Kind::After)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Failure;

    /// The configurations from TOML and webhooks.yml, or the mistakes.
    fn resolve(toml: &str, webhooks: &str, honour: bool) -> Result<CallbackConfigs, String> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            defaults: Defaults,
            callbacks: BTreeMap<CallbackKey, Overrides>,
        }
        let file: File = toml::from_str(toml).expect("TOML");
        let webhooks = Webhooks::read("webhooks.yml", webhooks).ok();
        let layers = Layers {
            callbacks: &file.callbacks,
            webhooks: webhooks.as_ref(),
            honour_failed_continue: honour,
            defaults: &file.defaults,
            deciders: vec!["default", "media", "moderation"],
        };
        let text = |mistakes: Vec<Mistake>| mistakes.iter().map(|m| format!("{m}\n")).collect();
        layers.resolve().map_err(text)
    }

    fn config(configs: &CallbackConfigs, key: &str) -> CallbackConfig {
        let config = configs.iter().find(|(name, _)| name.as_str() == key);
        config.expect("a callback").1.clone()
    }

    #[test]
    fn content_can_not_open_a_gate() {
        let toml = "[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'";
        let configs = resolve(toml, "", false).expect("configurations");
        let config = configs.of(None);
        let verdict = |failure| config.verdict(&Failure::Call(failure));
        let status = |code| verdict(transport::Failure::Status(tonic::Status::new(code, "")));
        assert_eq!(status(tonic::Code::InvalidArgument), Verdict::Deny);
        assert_eq!(status(tonic::Code::OutOfRange), Verdict::Deny);
        assert_eq!(status(tonic::Code::Unimplemented), Verdict::Allow);
        assert_eq!(status(tonic::Code::Internal), Verdict::Allow);
        assert_eq!(verdict(transport::Failure::Deadline), Verdict::Allow);
        assert_eq!(verdict(transport::Failure::WrongAnswer(String::new())), Verdict::Deny);
    }

    #[test]
    fn a_failure_denies_unless_it_could_only_do_harm() {
        let configs = resolve("", "", false).expect("configurations");
        let open = configs.iter().filter(|(_, config)| config.on_failure == Verdict::Allow);
        let open: Vec<_> = open.map(|(key, _)| key.as_str()).collect();
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
            let configs = resolve(toml, yaml, true).expect("configurations");
            let config = config(&configs, "beforeOnlinePush");
            let found = (config.on_failure, config.deadline.as_millis());
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
        let configs = resolve(toml, webhooks, false).expect("configurations");
        assert_eq!(config(&configs, "beforeAddBlack").on_failure, Verdict::Deny);
        assert!(configs.opened().is_empty());
        let configs = resolve(toml, webhooks, true).expect("configurations");
        assert_eq!(config(&configs, "beforeAddBlack").on_failure, Verdict::Allow);
        assert_eq!(
            configs.opened().iter().map(|key| key.as_str()).collect::<Vec<_>>(),
            ["beforeAddBlack"]
        );
    }

    #[test]
    fn failed_continue_closes_nothing() {
        let webhooks = "beforeOnlinePush: { failedContinue: false }";
        let configs = resolve("", webhooks, true).expect("configurations");
        assert_eq!(config(&configs, "beforeOnlinePush").on_failure, Verdict::Allow);
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
            let expected = CallbackConfig {
                answer: Some(Verdict::Allow),
                decider: DeciderId(2),
                deadline: std::time::Duration::from_millis(300),
                code: RefusalCode::try_from(5123).expect("a code"),
                message: "no".to_owned(),
                on_failure: Verdict::Allow,
                on_unimplemented: Verdict::Allow,
                ordered: true,
                openim_timeout: None,
            };
            let configs = resolve(&toml, "", false).expect("configurations");
            assert_eq!(config(&configs, setting), expected);
            assert_eq!(config(&configs, "beforeAddFriend"), *configs.default());
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

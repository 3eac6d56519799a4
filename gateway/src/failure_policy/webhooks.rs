//! OpenIM's own settings of its callbacks: webhooks.yml since v3.7, and config.yaml before.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use process::Mistake;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::deadline::Deadline;
use crate::openim::key::CallbackKey;

/// The keys of older servers, and today's keys for the same callbacks.
const OLDER_KEYS: &str = include_str!("../../older-keys.toml");

/// The keys that no server acts on, and the keys of the callbacks that are sent instead.
const UNREAD_KEYS: &str = include_str!("../../unread-keys.toml");

/// The key in config.yaml under which callbacks stood.
const SECTION: &str = "callback";

/// OpenIM's settings of its callbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    callbacks: BTreeMap<CallbackKey, Webhook>,
    /// The keys of enabled callbacks that are not in the contract.
    pub unknown: Vec<String>,
    /// The keys that are enabled and that no server acts on, each with that of the callback that is sent instead.
    pub unread: Vec<(String, CallbackKey)>,
}

/// OpenIM's settings of one callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The time that OpenIM waits for an answer.
    pub timeout: Duration,
    /// True if the operation goes on without an answer. Servers since v3.7 ignore it.
    pub failed_continue: bool,
}

/// A callback as it stands in the file. Shipped files have keys without a value.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawWebhook {
    enable: Option<bool>,
    timeout: Option<u64>,
    failed_continue: Option<bool>,
}

impl Webhook {
    /// OpenIM's timeout if its settings have none, in seconds.
    const DEFAULT: u64 = 5;
    /// The longest timeout of OpenIM's client, whatever its settings, in seconds.
    const LONGEST: u64 = 15;
    /// The most time that a verdict takes from the gateway to OpenIM, with OpenIM's own before and after. Less than the
    /// shortest timeout, which is one second.
    const MARGIN: Duration = Duration::from_millis(500);

    /// OpenIM's timeout for callbacks that its settings do not list.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(Self::DEFAULT);

    /// The deadline of the gateway's answer, within OpenIM's timeout.
    #[must_use]
    pub fn deadline(self) -> Deadline {
        let deadline = self.timeout.saturating_sub(Self::MARGIN);
        deadline.try_into().expect("1 to 15 seconds less the margin are a deadline")
    }

    /// The stricter of two that stand for the same callback.
    fn and(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.min(other.timeout),
            failed_continue: self.failed_continue && other.failed_continue,
        }
    }
}

impl From<&RawWebhook> for Webhook {
    fn from(raw: &RawWebhook) -> Self {
        let seconds = raw.timeout.filter(|seconds| *seconds > 0);
        let seconds = seconds.unwrap_or(Self::DEFAULT).min(Self::LONGEST);
        let failed_continue = raw.failed_continue.unwrap_or_default();
        Self { timeout: Duration::from_secs(seconds), failed_continue }
    }
}

impl Webhooks {
    /// The settings of a callback, if the file has any.
    #[must_use]
    pub fn of(&self, setting: &str) -> Option<Webhook> {
        self.callbacks.get(setting).copied()
    }

    /// Reads either layout.
    ///
    /// # Errors
    /// Every mistake, with `origin` as its place.
    pub fn read(origin: impl fmt::Display, yaml: &str) -> Result<Self, Vec<Mistake>> {
        let mut file: Map<String, Value> = serde_saphyr::from_str(yaml)
            .map_err(|e| vec![Mistake::new(&origin, e.without_snippet())])?;
        if let Some(Value::Object(section)) = file.remove(SECTION) {
            file = section;
        }
        let (older, unread) = (known_keys(OLDER_KEYS), known_keys(UNREAD_KEYS));
        let (mut webhooks, mut mistakes) = (Self::default(), Vec::new());
        for (key, value) in file.into_iter().filter(|(_, value)| value.is_object()) {
            let setting =
                older.get(&key).copied().map_or_else(|| CallbackKey::try_from(key.clone()), Ok);
            match (setting, serde_json::from_value::<RawWebhook>(value)) {
                (Ok(setting), Ok(raw)) => webhooks.add(setting, (&raw).into()),
                (Ok(_), Err(e)) => mistakes.push(Mistake::new(format!("{origin}: {key}"), e)),
                (Err(_), Ok(RawWebhook { enable: Some(true), .. })) => match unread.get(&key) {
                    Some(instead) => webhooks.unread.push((key, *instead)),
                    None => webhooks.unknown.push(key),
                },
                (Err(_), _) => {}
            }
        }
        if webhooks.callbacks.is_empty() && mistakes.is_empty() {
            let why = "names no callback: give OpenIM's webhooks.yml, or config.yaml up to v3.6";
            mistakes.push(Mistake::new(&origin, why));
        }
        if mistakes.is_empty() { Ok(webhooks) } else { Err(mistakes) }
    }

    fn add(&mut self, setting: CallbackKey, webhook: Webhook) {
        self.callbacks.entry(setting).and_modify(|w| *w = w.and(webhook)).or_insert(webhook);
    }
}

/// A table of keys, and of the callbacks' keys that each leads to.
fn known_keys(toml: &str) -> BTreeMap<String, CallbackKey> {
    toml::from_str(toml).expect("a test reads the tables of keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Webhooks {
        Webhooks::read("webhooks.yml", yaml).expect("webhooks")
    }

    fn webhook(seconds: u64, failed_continue: bool) -> Option<Webhook> {
        Some(Webhook { timeout: Duration::from_secs(seconds), failed_continue })
    }

    #[test]
    fn every_older_or_unread_key_leads_to_a_callback_and_is_none_itself() {
        let (older, unread) = (known_keys(OLDER_KEYS), known_keys(UNREAD_KEYS));
        assert_eq!(older.len(), 28);
        let mut keys = older.keys().chain(unread.keys());
        assert!(keys.all(|key| CallbackKey::try_from(key.clone()).is_err()), "a callback's own");
    }

    #[test]
    fn webhooks_yml_of_today_is_read() {
        let webhooks = read(
            "
            url: http://127.0.0.1:10006/callbackExample
            beforeSendSingleMsg:
              enable: true
              timeout: 3
              failedContinue: true
              deniedTypes: []
            afterSendSingleMsg:
              enable: false
              timeout: 7
              # only these
              attentionIds: []
            beforeAddBlack:
              enable:
              timeout:
              failedContinue:
            ",
        );
        assert_eq!(webhooks.of("beforeSendSingleMsg"), webhook(3, true));
        assert_eq!(webhooks.of("afterSendSingleMsg"), webhook(7, false));
        assert_eq!(webhooks.of("beforeAddBlack"), webhook(5, false));
        assert_eq!(webhooks.of("beforeAddFriend"), None);
    }

    #[test]
    fn config_yaml_of_v3_4_is_read_with_its_keys() {
        let webhooks = read(
            "
            manager:
              userID: [ 'openIM123456' ]
            callback:
              url:
              msgModify:
                enable: false
                timeout: 2
                failedContinue: true
              userKickOff:
                enable: false
                timeout: 4
              superGroupOnlinePush:
                enable: false
                timeout: 5
                failedContinue: true
            ",
        );
        assert_eq!(webhooks.of("beforeMsgModify"), webhook(2, true));
        assert_eq!(webhooks.of("afterUserKickOff"), webhook(4, false));
        assert_eq!(webhooks.of("beforeGroupOnlinePush"), webhook(5, true));
    }

    #[test]
    fn of_two_keys_for_one_callback_in_config_yaml_of_v3_6_the_stricter_counts() {
        let webhooks = read(
            "
            callback:
              beforeSetFriendRemark: { enable: true, timeout: 5, failedContinue: true }
              callbackBeforeSetFriendRemark: { enable: true, timeout: 2, failedContinue: false }
              setGroupInfoBefore: { enable: true, timeout: 6, failedContinue: true }
              killGroupMember: { enable: true, timeout: 1, failedContinue: true }
            ",
        );
        assert_eq!(webhooks.of("beforeSetFriendRemark"), webhook(2, false));
        assert_eq!(webhooks.of("beforeSetGroupInfo"), webhook(6, true));
        assert_eq!(webhooks.of("afterKickGroupMember"), webhook(1, true));
    }

    #[test]
    fn the_deadline_is_half_a_second_before_openim_gives_up() {
        let deadline = |timeout| {
            let written = RawWebhook { timeout: Some(timeout), ..RawWebhook::default() };
            Webhook::from(&written).deadline().to_string()
        };
        assert_eq!(deadline(5), "4s 500ms");
        assert_eq!(deadline(1), "500ms");
        assert_eq!(deadline(0), "4s 500ms", "as if unset");
        assert_eq!(deadline(60), "14s 500ms", "no server waits longer than 15 s");
    }

    #[test]
    fn enabled_callbacks_that_nobody_knows_are_remembered() {
        let webhooks = read(
            "
            beforeAddBlack: { enable: true }
            afterGroupMsgRevoke: { enable: false, timeout: 5 }
            beforeTeleport: { enable: true, timeout: 5 }
            ",
        );
        assert_eq!(webhooks.unknown, ["beforeTeleport"]);
        assert!(webhooks.unread.is_empty(), "it is not enabled");
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let yaml = "
            beforeAddBlack: { enable: true, timeout: 5s }
            beforeAddFriend: { enable: true, timeout: -1 }
            beforeCreateGroup: { failedContinue: maybe }
            beforeJoinGroup: { enable: true, timeout: 5 }
            ";
        let mistakes = Webhooks::read("webhooks.yml", yaml).expect_err("mistakes");
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(mistakes.join("\n"), @r#"
        webhooks.yml: beforeAddBlack: invalid type: string "5s", expected u64
        webhooks.yml: beforeAddFriend: invalid value: integer `-1`, expected u64
        webhooks.yml: beforeCreateGroup: invalid type: string "maybe", expected a boolean
        "#);
    }

    #[test]
    fn a_file_without_callbacks_is_the_wrong_file() {
        for yaml in ["{}", "url: x", "callback:\n  url: x", "mongo: { uri: '' }"] {
            let mistakes = Webhooks::read("share.yml", yaml).expect_err("no callback");
            assert!(mistakes[0].to_string().starts_with("share.yml: names no callback"));
        }
        assert!(Webhooks::read("x", "a: [").is_err());
        assert!(Webhooks::read("x", "[]").is_err());
    }
}

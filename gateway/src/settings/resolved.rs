//! The settings of a gateway, checked, with the configuration of each callback.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use process::Mistake;
use toml::{Table, Value};
use transport::Config as DeciderConfig;

use super::checks;
use super::file::File;
use super::layers::{Layers, flatten};
use super::values::DeciderName;
use crate::admin::access::Access;
use crate::failure_policy::{self, CallbackConfigs, Webhooks};
use crate::http;

/// The keys that can be put in force while the gateway runs.
const RELOADED: [&str; 4] = ["callbacks", "defaults", "openim_webhooks", "honour_failed_continue"];

/// The settings of a gateway, valid. Plain data: secrets and certificates are read by the parts that use them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file's keys, with the environment and the command line over them.
    pub file: File,
    /// OpenIM's own settings, if the gateway is given them.
    pub webhooks: Option<Webhooks>,
    /// The configuration of each callback.
    pub callbacks: CallbackConfigs,
}

impl Settings {
    /// The settings of these layers; `read` reads the files that they name.
    ///
    /// # Errors
    /// Every mistake.
    pub(super) fn resolve(
        layers: Layers,
        read: &mut dyn FnMut(&Path) -> Result<String, Mistake>,
    ) -> Result<Self, Vec<Mistake>> {
        let (file, mut mistakes) = layers.file();
        mistakes.extend(checks::mistakes(&file));
        let webhooks = file.openim_webhooks.as_deref().map(|path| {
            let text = read(path).map_err(|mistake| vec![mistake])?;
            Webhooks::read(path.display(), &text)
        });
        // No configuration becomes wrong without the webhooks, so the mistakes in both are found together.
        let webhooks = webhooks.transpose().unwrap_or_else(|more| {
            mistakes.extend(more);
            None
        });
        let callbacks = callbacks(&file, webhooks.as_ref(), &file);
        let callbacks = callbacks.map_err(|more| mistakes.extend(more));
        mistakes.extend(http::mistakes(&file.callers, &file.tls));
        mistakes.extend(Access::read(file.admin_token_file.as_deref()).err());
        match callbacks {
            Ok(callbacks) if mistakes.is_empty() => Ok(Self { file, webhooks, callbacks }),
            _ => Err(mistakes),
        }
    }

    /// Reads settings from the text of a configuration file.
    ///
    /// # Errors
    /// Every mistake.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut layers = Layers::default();
        layers.add("settings", Ok(text.to_owned()));
        Self::resolve(layers, &mut read)
    }

    /// The number of threads that serve callbacks.
    #[must_use]
    pub fn workers(&self) -> NonZeroUsize {
        process::workers(self.file.workers)
    }

    /// The deciders with their names: that of `[decider]` first, then those of `[deciders.…]` in the order of their
    /// names. A [`DeciderId`](failure_policy::DeciderId) counts in this order.
    pub fn deciders(&self) -> impl Iterator<Item = (&str, &DeciderConfig)> {
        deciders(&self.file)
    }

    /// These settings with the callbacks of others, and the changed keys that need a restart.
    ///
    /// # Errors
    /// The others name a decider that these settings do not have.
    pub fn with_callbacks_of(&self, new: Self) -> Result<(Self, Vec<String>), Vec<Mistake>> {
        let callbacks = callbacks(&new.file, new.webhooks.as_ref(), &self.file);
        let callbacks = callbacks.map_err(|mut mistakes| {
            mistakes.push(Mistake::new("deciders", "a new one is asked after a restart only"));
            mistakes
        })?;
        let restart = differences(&self.file, &new.file);
        let file = File {
            callbacks: new.file.callbacks,
            defaults: new.file.defaults,
            openim_webhooks: new.file.openim_webhooks,
            honour_failed_continue: new.file.honour_failed_continue,
            ..self.file.clone()
        };
        Ok((Self { file, webhooks: new.webhooks, callbacks }, restart))
    }
}

fn deciders(file: &File) -> impl Iterator<Item = (&str, &DeciderConfig)> {
    let others = file.deciders.iter().map(|(name, decider)| (name.as_str(), decider));
    [(DeciderName::DEFAULT, &file.decider)].into_iter().chain(others)
}

/// The configurations of one file's callbacks, with the deciders of another.
fn callbacks(
    file: &File,
    webhooks: Option<&Webhooks>,
    running: &File,
) -> Result<CallbackConfigs, Vec<Mistake>> {
    let layers = failure_policy::Layers {
        callbacks: &file.callbacks,
        webhooks,
        honour_failed_continue: file.honour_failed_continue,
        defaults: &file.defaults,
        deciders: deciders(running).map(|(name, _)| name).collect(),
    };
    layers.resolve()
}

/// The keys in which two files differ, except those that a reload puts in force.
fn differences(old: &File, new: &File) -> Vec<String> {
    let values = |file: &File| -> BTreeMap<String, Value> {
        let mut table = Table::try_from(file).expect("settings came from a table");
        table.retain(|key, _| !RELOADED.contains(&key));
        flatten(table).into_iter().map(|(path, value)| (path.join("."), value)).collect()
    };
    let (old, new) = (values(old), values(new));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

pub(super) fn read(path: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(path).map_err(|e| Mistake::new(path.display(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> String {
        let mistakes = Settings::from_toml(text).expect_err("full of mistakes");
        mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let text = "
            listen = 'here'
            nothing = 1
            honour_failed_continue = true
            log_format = 'xml'
            [decider]
            endpoints = []
            ca = 'ca.pem'
            [deciders.default]
            [deciders.moderation]
            endpoints = ['https://moderation']
            certificate = 'client.pem'
            [tls]
            key = 'key.pem'
            [defaults]
            deadline = 'soon'
            code = 42
            [limits]
            body = 0
            idle = '500000000000years'
            [breaker]
            failures = 0
            first = '2m'
            [callbacks.beforeSendSingelMsg]
            on_failure = 'allow'
            [callbacks.beforeOnlinePush]
            on_failure = 'perhaps'
            deadline = '2m'
            decider = 'moderator'
            [callbacks.afterUserOnline]
            on_failure = 'deny'
        ";
        insta::assert_snapshot!(mistakes(text), @r#"
        settings: callbacks.beforeOnlinePush.deadline: 2m is no deadline: use 1ms to 1m
        settings: callbacks.beforeOnlinePush.on_failure: unknown variant `perhaps`, expected `allow` or `deny`
        settings: callbacks.beforeSendSingelMsg.on_failure: no callback `beforeSendSingelMsg`; did you mean `beforeSendSingleMsg`?
        settings: deciders.default: `default` is no name for a decider: use up to 64 letters, digits, - and _, and not `default`
        settings: defaults.code: 42 is no refusal code: use 5000 to 9999, or 20001 to 29999
        settings: defaults.deadline: `soon` is no duration: expected number at 0
        settings: listen: `here` is no address with a port, like 127.0.0.1:10006
        settings: log_format: unknown variant `xml`, expected `text` or `json`
        settings: nothing: unknown field `nothing`, expected one of `listen`, `admin`, `admin_token_file`, `workers`, `log`, `log_format`, `log_lines_per_second`, `openim_webhooks`, `honour_failed_continue`, `decider`, `deciders`, `callers`, `tls`, `limits`, `events`, `breaker`, `defaults`, `callbacks`
        limits.body: must be 1 to 1048576 bytes
        limits.idle: must be 1s to 1day
        breaker.failures: must be at least 1
        breaker.longest: must not be shorter than breaker.first
        decider.endpoints: must hold at least one URL
        decider.ca: has no effect: no endpoint is https
        deciders.moderation: certificate and key must both be set, or none
        honour_failed_continue: has no effect without openim_webhooks
        callbacks.afterUserOnline.on_failure: has no effect: the callback comes after the fact and is always allowed
        callbacks.beforeOnlinePush.decider: no decider `moderator`; did you mean `moderation`?
        tls.certificate: must be set, since tls.key is
        "#);
    }

    #[test]
    fn a_file_that_is_no_toml_is_one_mistake() {
        assert_eq!(mistakes("listen = ").lines().count(), 1);
    }

    #[test]
    fn deciders_are_counted_from_the_nameless_one_in_the_order_of_their_names() {
        let text = "
            [deciders.b]
            [deciders.a]
            [callbacks.beforeAddBlack]
            decider = 'b'
        ";
        let settings = Settings::from_toml(text).expect("settings");
        let names: Vec<_> = settings.deciders().map(|(name, _)| name).collect();
        assert_eq!(names, ["default", "a", "b"]);
        let (_, config) = settings
            .callbacks
            .iter()
            .find(|(key, _)| key.as_str() == "beforeAddBlack")
            .expect("it");
        assert_eq!(config.decider.0, 2);
    }

    #[test]
    fn only_callbacks_are_taken_over_from_other_settings() {
        let settings = |text| Settings::from_toml(text).expect("settings");
        let old = settings("workers = 1\n[deciders.b]\n[limits]\nbody = 7\n");
        let new = settings(
            "listen = '127.0.0.1:7'
            honour_failed_continue = false
            [deciders.a]
            [deciders.b]
            [defaults]
            code = 5001
            [callbacks.beforeAddBlack]
            decider = 'b'",
        );
        let (merged, restart) = old.with_callbacks_of(new.clone()).expect("settings");
        assert!(restart.iter().any(|key| key == "deciders.a.endpoints"), "{restart:?}");
        for key in ["limits.body", "listen", "workers"] {
            assert!(restart.iter().any(|restart| restart == key), "{key}: {restart:?}");
        }
        assert!(!restart.iter().any(|key| key.starts_with("callbacks") || key.starts_with("def")));
        assert_eq!(merged.callbacks.default().code.get(), 5001);
        let mut callbacks = merged.callbacks.iter();
        let (_, config) = callbacks.find(|(key, _)| key.as_str() == "beforeAddBlack").expect("it");
        assert_eq!(config.decider.0, 1, "of those that run");
        assert_eq!((merged.file.listen.port(), merged.file.limits.body), (10006, 7));
        let again = merged.with_callbacks_of(merged.clone()).expect("settings");
        assert!(again.1.is_empty(), "{:?}", again.1);
    }
}

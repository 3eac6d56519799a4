//! The gateway's settings: a TOML file, over it the environment, over both the command line. Every mistake is reported
//! at once.

mod checks;
mod file;
mod flags;
mod layers;
mod mistake;
mod sources;
mod values;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use toml::{Table, Value};

pub use self::file::{Breaker, Callers, Decider, File, Limits, Tls};
pub use self::flags::Flags;
use self::layers::{Layers, flatten};
pub use self::mistake::Mistake;
pub(crate) use self::mistake::did_you_mean;
pub use self::sources::Sources;
pub use self::values::{DeciderName, EndpointUrl, LogFilter, LogFormat};
pub use self::webhooks::{Webhook, Webhooks};
use crate::callers;
use crate::policy::{Policies, Written};
use crate::tls::Identity;

/// The keys of what can be put in force while the gateway runs.
const RELOADED: [&str; 4] = ["callbacks", "defaults", "openim_webhooks", "honour_failed_continue"];

/// The settings of a gateway, valid.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the file, the environment and the command line say.
    pub file: File,
    /// What OpenIM's own settings say, if the gateway knows them.
    pub webhooks: Option<Webhooks>,
    /// What holds for each callback.
    pub policies: Policies,
    /// Who may call.
    pub callers: callers::Callers,
    /// Who the gateway is on the callback port, if there is TLS.
    pub identity: Option<Identity>,
}

impl Settings {
    /// The settings that a file leads to; `read` reads the files that it names.
    fn new(
        file: File,
        read: &mut dyn FnMut(&Path) -> Result<String, Mistake>,
    ) -> Result<Self, Vec<Mistake>> {
        let webhooks = file.openim_webhooks.as_deref().map(|path| {
            let text = read(path).map_err(|mistake| vec![mistake])?;
            Webhooks::read(path.display(), &text)
        });
        // No policy is wrong for want of the webhooks, so the mistakes in both are found together.
        let (webhooks, mistakes) = match webhooks.transpose() {
            Ok(webhooks) => (webhooks, Vec::new()),
            Err(mistakes) => (None, mistakes),
        };
        let policies = policies(&file, webhooks.as_ref(), &file);
        let (callers, identity) =
            (callers::Callers::read(&file.callers), Identity::read(&file.tls));
        match (policies, callers, identity) {
            (Ok(policies), Ok(callers), Ok(identity)) if mistakes.is_empty() => {
                Ok(Self { file, webhooks, policies, callers, identity })
            }
            (policies, callers, identity) => {
                let more = [policies.err(), callers.err(), identity.err()];
                Err(mistakes.into_iter().chain(more.into_iter().flatten().flatten()).collect())
            }
        }
    }

    /// Reads settings from the text of a configuration file.
    ///
    /// # Errors
    /// Every mistake there is.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut layers = Layers::default();
        layers.add("settings", Ok(text.to_owned()));
        layers.finish(&mut read)
    }

    /// The number of threads that serve callbacks.
    #[must_use]
    pub fn workers(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.file.workers.unwrap_or_else(cores)
    }

    /// The deciders with their names: that of `[decider]` first, then those of `[deciders.…]` in the order of their
    /// names. [`Policy::decider`](crate::policy::Policy::decider) counts in this order.
    pub fn deciders(&self) -> impl Iterator<Item = (&str, &Decider)> {
        deciders(&self.file)
    }

    /// These settings with the policies of others, and the keys in which the others differ that need a restart.
    ///
    /// # Errors
    /// The others have policies that these settings can't have: for a decider that is new.
    pub fn with_policies_of(&self, new: Self) -> Result<(Self, Vec<String>), Vec<Mistake>> {
        let policies = policies(&new.file, new.webhooks.as_ref(), &self.file);
        let policies = policies.map_err(|mut mistakes| {
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
        let Self { callers, identity, .. } = self.clone();
        Ok((Self { file, webhooks: new.webhooks, policies, callers, identity }, restart))
    }
}

fn deciders(file: &File) -> impl Iterator<Item = (&str, &Decider)> {
    let others = file.deciders.iter().map(|(name, decider)| (name.as_str(), decider));
    [(DeciderName::DEFAULT, &file.decider)].into_iter().chain(others)
}

/// The policies of a file, for the deciders of a file.
fn policies(
    file: &File,
    webhooks: Option<&Webhooks>,
    running: &File,
) -> Result<Policies, Vec<Mistake>> {
    let written = Written {
        callbacks: &file.callbacks,
        webhooks,
        honour_failed_continue: file.honour_failed_continue,
        defaults: &file.defaults,
        deciders: deciders(running).map(|(name, _)| name).collect(),
    };
    written.resolve()
}

/// The keys in which two files differ, but for those that are put in force while the gateway runs.
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

fn read(path: &Path) -> Result<String, Mistake> {
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
        settings: listen: invalid socket address syntax
        settings: log_format: unknown variant `xml`, expected `text` or `json`
        settings: nothing: unknown field `nothing`, expected one of `listen`, `admin`, `workers`, `log`, `log_format`, `openim_webhooks`, `honour_failed_continue`, `decider`, `deciders`, `callers`, `tls`, `limits`, `breaker`, `defaults`, `callbacks`
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
        tls: certificate and key must both be set, or none
        tls.key: key.pem: I/O error: No such file or directory (os error 2)
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
        let (_, policy) =
            settings.policies.iter().find(|(name, _)| *name == "beforeAddBlack").expect("it");
        assert_eq!(policy.decider, 2);
    }

    #[test]
    fn only_policies_are_taken_over_from_other_settings() {
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
        let (merged, restart) = old.with_policies_of(new.clone()).expect("settings");
        assert!(restart.iter().any(|key| key == "deciders.a.endpoints"), "{restart:?}");
        for key in ["limits.body", "listen", "workers"] {
            assert!(restart.iter().any(|restart| restart == key), "{key}: {restart:?}");
        }
        assert!(!restart.iter().any(|key| key.starts_with("callbacks") || key.starts_with("def")));
        assert_eq!(merged.policies.default().code.get(), 5001);
        let mut policies = merged.policies.iter();
        let (_, policy) = policies.find(|(name, _)| *name == "beforeAddBlack").expect("it");
        assert_eq!(policy.decider, 1, "of those that run");
        assert_eq!((merged.file.listen.port(), merged.file.limits.body), (10006, 7));
        let again = merged.with_policies_of(merged.clone()).expect("settings");
        assert!(again.1.is_empty(), "{:?}", again.1);
    }
}

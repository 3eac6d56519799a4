//! A summary of the settings in force, for people: in the log at the start and after a reload, and in the answer of
//! `check`.

use std::collections::BTreeMap;
use std::fmt;

use humantime_serde::re::humantime::format_duration;
use tracing::{info, warn};

use super::resolved::Settings;
use crate::events::StoreKind;
use crate::failure_policy::{CallbackConfig, Webhook};
use crate::openim::key::CallbackKey;

/// The settings in force.
#[derive(Debug)]
pub struct ConfigSummary {
    addresses: String,
    events: String,
    /// Names and endpoints.
    deciders: Vec<(String, String)>,
    /// The configuration of most callbacks.
    default: String,
    /// The differences from it, and the callbacks that they are for.
    others: BTreeMap<String, Vec<&'static str>>,
    warnings: Vec<Warning>,
}

/// A warning to the operator, and the callbacks that it is about.
#[derive(Debug)]
struct Warning {
    what: &'static str,
    about: Vec<String>,
}

impl ConfigSummary {
    /// The summary of these settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let file = &settings.file;
        let names: Vec<_> = settings.deciders().map(|(name, _)| name).collect();
        let default = keys(settings.callbacks.default(), &names);
        let mut others: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, config) in settings.callbacks.iter() {
            let keys = keys(config, &names);
            let differing = keys.into_iter().filter(|key| !default.contains(key));
            others.entry(join(differing)).or_default().push(key.as_str());
        }
        others.remove("");
        Self {
            addresses: format!("listen={} admin={}", file.listen, file.admin),
            events: events(settings),
            deciders: settings
                .deciders()
                .map(|(name, decider)| {
                    (name.to_owned(), join(decider.endpoints.iter().map(ToString::to_string)))
                })
                .collect(),
            default: join(default),
            others,
            warnings: warnings(settings),
        }
    }

    /// Writes it to the log.
    pub fn log(&self) {
        for (decider, endpoints) in &self.deciders {
            info!(decider, endpoints, "decider");
        }
        info!(store = self.events, "events");
        info!(policy = self.default, "default of callbacks");
        for (policy, callbacks) in &self.others {
            info!(policy, callbacks = callbacks.join(", "), "callbacks that differ");
        }
        for Warning { what, about } in &self.warnings {
            warn!(about = about.join(", "), "{what}");
        }
    }
}

impl fmt::Display for ConfigSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.addresses)?;
        for (decider, endpoints) in &self.deciders {
            writeln!(f, "decider {decider}: {endpoints}")?;
        }
        writeln!(f, "events: {}", self.events)?;
        writeln!(f, "default of callbacks: {}", self.default)?;
        for (policy, callbacks) in &self.others {
            writeln!(f, "{policy}: {}", callbacks.join(", "))?;
        }
        for Warning { what, about } in &self.warnings {
            writeln!(f, "warning: {what}: {}", about.join(", "))?;
        }
        Ok(())
    }
}

/// The store of events.
fn events(settings: &Settings) -> String {
    let events = &settings.file.events;
    match (events.kind(), &events.directory) {
        (StoreKind::Disk, Some(directory)) => format!("disk, in {}", directory.display()),
        (StoreKind::Nats, _) => {
            let servers = events.nats.servers.iter().cloned().map(String::from);
            format!("nats, in the stream {} of {}", events.nats.stream, join(servers))
        }
        _ => "none: after-callbacks are relayed while OpenIM waits".to_owned(),
    }
}

fn join(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// A configuration as it would be written in the settings.
fn keys(config: &CallbackConfig, deciders: &[&str]) -> Vec<String> {
    let answer = config.answer.map(|verdict| format!("answer={verdict}"));
    let others = [
        format!("decider={}", deciders[config.decider.0]),
        format!("deadline={}", format_duration(config.deadline)),
        format!("code={}", config.code.get()),
        format!("message={:?}", config.message),
        format!("on_failure={}", config.on_failure),
        format!("on_unimplemented={}", config.on_unimplemented),
    ];
    let unordered = (!config.ordered).then(|| "ordered=false".to_owned());
    answer.into_iter().chain(others).chain(unordered).collect()
}

fn warnings(settings: &Settings) -> Vec<Warning> {
    let names = |keys: Vec<CallbackKey>| keys.iter().map(ToString::to_string).collect();
    let callbacks = |which: &dyn Fn(&CallbackConfig) -> bool| {
        let those = settings.callbacks.iter().filter(|(_, config)| which(config));
        names(those.map(|(key, _)| key).collect())
    };
    let is_late = |config: &CallbackConfig| {
        config.deadline >= config.openim_timeout.unwrap_or(Webhook::DEFAULT_TIMEOUT)
    };
    let unknown = settings.webhooks.as_ref().map(|webhooks| webhooks.unknown.clone());
    let unread = settings.webhooks.iter().flat_map(|webhooks| &webhooks.unread);
    let unread = unread.map(|(key, instead)| format!("{key} ({instead} is sent instead)"));
    let warnings = [
        Warning {
            what: "anybody who reaches this address may call: nothing is set in [callers]",
            about: exposed(settings),
        },
        Warning {
            what: "answered without a decider",
            about: callbacks(&|config| config.answer.is_some()),
        },
        Warning { what: "the deadline is not before OpenIM gives up", about: callbacks(&is_late) },
        Warning {
            what: "allowed when there is no decision, by failedContinue of OpenIM's settings",
            about: names(settings.callbacks.opened().to_vec()),
        },
        Warning {
            what: "enabled in OpenIM's settings, and handled as [callbacks.unknown]",
            about: unknown.unwrap_or_default(),
        },
        Warning {
            what: "enabled in OpenIM's settings without effect: no server sends it",
            about: unread.collect(),
        },
    ];
    warnings.into_iter().filter(|warning| !warning.about.is_empty()).collect()
}

/// The addresses that other hosts can call without restriction.
fn exposed(settings: &Settings) -> Vec<String> {
    let listen = settings.file.listen;
    let open = !listen.ip().is_loopback() && settings.file.callers.are_all();
    open.then(|| listen.to_string()).into_iter().collect()
}

//! The settings of events.

use std::path::PathBuf;
use std::time::Duration;

use process::Mistake;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nats::config::NatsConfig;

/// After-callbacks, and where they are kept until their decider has received them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// The store of after-callbacks. `"relay"`: none; the decider is called while OpenIM waits. `"disk"`: a database in
    /// `directory`; OpenIM is answered when the event is on disk. `"nats"`: the servers of `[events.nats]`, for
    /// more than one gateway; OpenIM is answered when they have the event. Default: `"disk"` if there is a `directory`,
    /// else `"relay"`.
    pub store: Option<StoreKind>,
    /// The directory of the database, made if it is missing. It belongs to one gateway.
    pub directory: Option<PathBuf>,
    /// The longest time that OpenIM waits for the store. An event that is not stored by then is sent to its decider at
    /// once, without order, and perhaps twice.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub store_timeout: Duration,
    /// The longest time of one attempt to deliver an event.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub attempt_timeout: Duration,
    /// The age from which an event that fails once more is dead, and an ignored one is deleted. In NATS an event is
    /// dead after `nats.max_block` instead, and the age of an ignored one counts from when it was ignored.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub max_age: Duration,
    /// The most events that the gateway delivers to each decider at the same time. In NATS there are never more than
    /// `partitions`, for all gateways together.
    pub in_flight: usize,
    /// The most bytes of the database. From 9/10 of it on the oldest delivered events are deleted; over it new events
    /// are no longer stored but sent to their deciders at once; nor are they while the file system has less than 32 MiB
    /// left. In NATS, those of the stream of events that wait, when it is made; dead and ignored ones are not bounded
    /// by it.
    pub max_bytes: u64,
    /// The largest message of an event that is stored, in bytes; a larger one is sent to its decider at once.
    pub max_body: usize,
    /// The time for which delivered events are kept, to be replayed. By default they are deleted. NATS keeps none.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_delivered: Duration,
    /// The NATS servers of the store `"nats"`, and the streams in them. JetStream must be on, in version 2.11 or newer.
    pub nats: NatsConfig,
}

/// The kind of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// None: the decider is called while OpenIM waits.
    Relay,
    /// A database in a directory.
    Disk,
    /// Streams of NATS servers.
    Nats,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            store: None,
            directory: None,
            store_timeout: Duration::from_millis(200),
            attempt_timeout: SECOND * 10,
            max_age: DAY * 3,
            in_flight: 64,
            max_bytes: 1 << 30,
            max_body: 4 << 20,
            keep_delivered: Duration::ZERO,
            nats: NatsConfig::default(),
        }
    }
}

impl EventsConfig {
    /// The kind of store in force.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.store.unwrap_or(match self.directory {
            Some(_) => StoreKind::Disk,
            None => StoreKind::Relay,
        })
    }

    /// Every mistake in them.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let disk = self.kind() == StoreKind::Disk;
        let within = |time: Duration, least, most| (least..=most).contains(&time);
        let store_timeout = within(self.store_timeout, SECOND / 1000, SECOND * 10);
        let nats = self.kind() == StoreKind::Nats;
        let servers = if nats { self.nats.mistakes() } else { Vec::new() };
        let checks = [
            (
                "directory",
                !disk || self.directory.is_some(),
                "must be set, since the store is disk",
            ),
            ("directory", disk || self.directory.is_none(), "has no effect: the store is not disk"),
            ("store_timeout", store_timeout, "must be 1ms to 10s"),
            (
                "attempt_timeout",
                within(self.attempt_timeout, SECOND / 10, SECOND * 600),
                "must be 100ms to 10m",
            ),
            ("max_age", within(self.max_age, SECOND, DAY * 365), "must be 1s to 1year"),
            ("in_flight", (1..=10_000).contains(&self.in_flight), "must be 1 to 10000"),
            (
                "max_bytes",
                (1 << 20..=1 << 50).contains(&self.max_bytes),
                "must be 1048576 to 1125899906842624 bytes",
            ),
            (
                "max_body",
                (1 << 10..=16 << 20).contains(&self.max_body),
                "must be 1024 to 16777216 bytes",
            ),
            (
                "keep_delivered",
                disk || self.keep_delivered.is_zero(),
                "has no effect: the store is not disk, and keeps no delivered events",
            ),
            (
                "nats",
                nats || self.nats == NatsConfig::default(),
                "has no effect: the store is not nats",
            ),
            ("keep_delivered", self.keep_delivered <= DAY * 365, "must be 0s to 1year"),
        ];
        let wrong = checks.into_iter().filter(|(_, holds, _)| !holds);
        let wrong = wrong.map(|(key, _, why)| Mistake::new(format!("events.{key}"), why));
        wrong.chain(servers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_another_store_are_mistakes() {
        let nats = NatsConfig { replicas: 3, ..NatsConfig::default() };
        let config = EventsConfig { keep_delivered: DAY, nats, ..EventsConfig::default() };
        let mistakes = config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>();
        insta::assert_snapshot!(mistakes.join("\n"), @r"
        events.keep_delivered: has no effect: the store is not disk, and keeps no delivered events
        events.nats: has no effect: the store is not nats
        ");
    }
}

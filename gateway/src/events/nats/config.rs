//! The settings of the store in NATS.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use process::Mistake;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The NATS servers that keep events, and the streams in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// The servers' URLs, `nats://host:port` or `tls://host:port`. The others of a cluster are found by one of it, but
    /// only while that one runs: name them all.
    pub servers: Vec<ServerUrl>,
    /// A file with the credentials of the gateway's user, as `nsc` writes it.
    pub credentials_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, that the servers' must be signed by. Unset means those of the system.
    pub ca: Option<PathBuf>,
    /// A file with the gateway's certificate chain, in PEM, for mutual TLS.
    pub certificate: Option<PathBuf>,
    /// A file with the key of `certificate`, in PEM.
    pub key: Option<PathBuf>,
    /// The name of the stream of events that wait for their delivery, made if it is missing. Dead and ignored ones lie
    /// in a second one, whose name ends in `_DEAD`. Its subjects begin with `openim.`, so an account has place for one.
    pub stream: String,
    /// The number of servers that have a copy of each stream: 1, 3 or 5. Has an effect when the streams are made. A
    /// single one may lose acknowledged events when its machine loses power.
    pub replicas: usize,
    /// The number of partitions. Events of one key share a partition, each of which delivers one event at a time. Fixed
    /// when the stream is made; each costs the servers a consumer.
    pub partitions: u32,
    /// The longest time for which an event that fails may hold up its partition. Then it is dead.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub max_block: Duration,
}

/// The URL of a NATS server, without a user: a password does not belong into settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ServerUrl(ServerAddr);

impl ServerUrl {
    pub(super) fn address(&self) -> ServerAddr {
        self.0.clone()
    }

    pub(super) fn is_tls(&self) -> bool {
        self.0.tls_required()
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let address = url.parse().ok().filter(|address: &ServerAddr| {
            matches!(address.scheme(), "nats" | "tls") && !url.contains('@') && url.contains("://")
        });
        // The URL is not repeated, since it may hold a password.
        let address = address.ok_or("must have the form nats://host:port or tls://host:port")?;
        Ok(Self(address))
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.0.into_inner().to_string()
    }
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            credentials_file: None,
            ca: None,
            certificate: None,
            key: None,
            stream: "OPENIM_EVENTS".to_owned(),
            replicas: 1,
            partitions: 64,
            max_block: Duration::from_secs(120),
        }
    }
}

impl NatsConfig {
    /// True if connections are by TLS only.
    pub(super) fn is_encrypted(&self) -> bool {
        self.ca.is_some()
            || self.certificate.is_some()
            || self.servers.iter().any(ServerUrl::is_tls)
    }

    /// The name of the stream of dead and ignored events.
    pub(super) fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.stream)
    }

    /// Every mistake in them, apart from their files.
    #[must_use]
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let stream = (1..=200).contains(&self.stream.len()) && self.stream.chars().all(name);
        let max_block = Duration::from_secs(1)..=Duration::from_secs(3600);
        let checks = [
            ("servers", !self.servers.is_empty(), "must be set, since the store is nats"),
            (
                "key",
                self.certificate.is_some() == self.key.is_some(),
                "certificate and key must both be set, or none",
            ),
            ("stream", stream, "must be 1 to 200 letters, digits, `_` and `-`"),
            ("replicas", [1, 3, 5].contains(&self.replicas), "must be 1, 3 or 5"),
            ("partitions", (1..=1024).contains(&self.partitions), "must be 1 to 1024"),
            ("max_block", max_block.contains(&self.max_block), "must be 1s to 1h"),
        ];
        let wrong = checks.into_iter().filter(|(_, holds, _)| !holds);
        wrong.map(|(key, _, why)| Mistake::new(format!("events.nats.{key}"), why)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_found() {
        let config = NatsConfig {
            certificate: Some("c.pem".into()),
            stream: "a.b".to_owned(),
            replicas: 2,
            partitions: 0,
            max_block: Duration::ZERO,
            ..NatsConfig::default()
        };
        let mistakes = config.mistakes().iter().map(ToString::to_string).collect::<Vec<_>>();
        insta::assert_snapshot!(mistakes.join("\n"), @r"
        events.nats.servers: must be set, since the store is nats
        events.nats.key: certificate and key must both be set, or none
        events.nats.stream: must be 1 to 200 letters, digits, `_` and `-`
        events.nats.replicas: must be 1, 3 or 5
        events.nats.partitions: must be 1 to 1024
        events.nats.max_block: must be 1s to 1h
        ");
    }

    #[test]
    fn a_url_holds_no_password_and_a_problem_does_not_quote_it() {
        for wrong in ["nats://user:secret@host:4222", "host:4222", "http://secret", "ws://secret"] {
            let problem = ServerUrl::try_from(wrong.to_owned()).expect_err("a mistake");
            assert!(!problem.contains("secret"), "{problem}");
        }
        for right in ["nats://host", "tls://[::1]:4222", "nats://127.0.0.1:4222"] {
            assert!(ServerUrl::try_from(right.to_owned()).is_ok(), "{right}");
        }
    }
}

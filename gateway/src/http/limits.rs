//! The limits of requests, connections, the process and its shutdown.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of requests, connections, the process and its shutdown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a callback, in bytes, at most 1048576; a larger one is refused. gRPC servers take 4 MiB by
    /// default, and an oversized message must not make the decision fail.
    pub body: usize,
    /// The most entries that all lists of messages in a body may have together; a body with more is refused. Lists of ids
    /// are not counted.
    pub entries: usize,
    /// The most bytes of bodies, and of the requests made from them, in the whole process at a time; a callback beyond
    /// it is refused.
    pub bodies: usize,
    /// The largest head of a request, in bytes; at least 8192.
    pub head: usize,
    /// The longest time for the head of a request, from its first byte, and for a TLS handshake.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub head_timeout: Duration,
    /// The longest time that a connection may stay idle. OpenIM never closes idle connections itself, and a callback
    /// that meets a connection being closed is lost: keep it at 10 minutes or more.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle: Duration,
    /// The most connections; more wait to be accepted, and those idle for longest are closed to make room. Each takes
    /// about 40 KiB.
    pub connections: usize,
    /// The most calls to deciders in flight; over it the failure policy answers at once.
    pub in_flight: usize,
    /// The most retries for each hundred calls; a few are always allowed.
    pub retry_percent: u32,
    /// At shutdown, the time for which idle connections stay open, so that their next answer carries `Connection:
    /// close`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub linger: Duration,
    /// At shutdown, the time for requests in flight after that.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            entries: 10_000,
            bodies: 64 << 20,
            head: 16 << 10,
            head_timeout: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            connections: 10_000,
            in_flight: 1_000,
            retry_percent: 20,
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

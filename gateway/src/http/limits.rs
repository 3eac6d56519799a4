//! The limits of requests, connections and the process, and the end of a gateway.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request, a connection, the process and its end are limited to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a callback, in bytes, at most 1048576; a larger one is refused. gRPC servers take 4 MiB by
    /// default, and an oversized message must not make the decision fail.
    pub body: usize,
    /// The most entries that all lists of messages in a body may have together; a body with more is refused. Lists of ids
    /// are not counted.
    pub entries: usize,
    /// How many bytes of bodies, and of the requests made from them, may be held at a time in the whole process; a callback
    /// beyond it is refused.
    pub bodies: usize,
    /// The largest head of a request, in bytes; at least 8192.
    pub head: usize,
    /// How long the head of a request may take, once its first byte has come, and a TLS handshake.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub head_timeout: Duration,
    /// How long a connection may stay idle. OpenIM never closes idle connections itself, and a callback that meets a
    /// connection being closed is lost: keep it at 10 minutes or more.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle: Duration,
    /// How many connections there may be; more wait to be accepted, and those that are idle for longest are closed to make
    /// room. Each takes about 40 KiB.
    pub connections: usize,
    /// How many calls to deciders may be in flight; over it the failure policy answers at once.
    pub in_flight: usize,
    /// How many retries there may be for each hundred calls; a few are always allowed.
    pub retry_percent: u32,
    /// At the end, how long idle connections are kept to be told `Connection: close` by their next answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub linger: Duration,
    /// At the end, how long requests in flight may take after that.
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

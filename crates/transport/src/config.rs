//! The settings of a decider.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint_url::EndpointUrl;

/// One decider: its endpoints, and the connections to them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Its URLs: `http://host:port`, `https://host:port` or `unix:/path`, one or several. A host with many addresses
    /// counts as many endpoints; of two picked at random, the one with fewer calls in flight is called.
    pub endpoints: Vec<EndpointUrl>,
    /// The interval at which host names are resolved again; a failed connection triggers it at once.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub resolve_interval: Duration,
    /// The longest time that opening a connection may take, TLS included. A call's deadline may end the call before.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// The interval at which a connection with calls in flight is pinged. Most gRPC servers close one pinged more often
    /// than every 5 minutes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// A file with the certificates, in PEM, that the decider's must be signed by. Unset means those of the system.
    pub ca: Option<PathBuf>,
    /// A file with the client's certificate chain, in PEM, for mutual TLS.
    pub certificate: Option<PathBuf>,
    /// A file with the key of `certificate`, in PEM.
    pub key: Option<PathBuf>,
    /// The name that the decider's certificate must have. Unset means the host of the URL.
    pub server_name: Option<String>,
    /// A file with a token that is sent as `authorization: Bearer …`.
    pub token_file: Option<PathBuf>,
}

/// The circuit breaker: it stops calls to a decider's endpoint that fails.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerConfig {
    /// The number of failures in a row that open the circuit: failed connections, resets, UNAVAILABLE, timeouts.
    pub failures: u32,
    /// The pause before an open circuit is probed in the background, by gRPC's health check; doubled by each probe that
    /// fails, up to half a second. After one that succeeds one call at a time is made, until one succeeds.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub first: Duration,
    /// The longest time that it stays open while there is a connection: then a call is made without a successful probe.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub longest: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoints: vec![EndpointUrl::default()],
            resolve_interval: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(1),
            keep_alive: Duration::from_secs(300),
            ca: None,
            certificate: None,
            key: None,
            server_name: None,
            token_file: None,
        }
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Config {
    /// True if the connection to any endpoint is by TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.endpoints.iter().any(|url| matches!(url, EndpointUrl::Tcp { tls: true, .. }))
    }
}

//! The configuration file: its keys, their defaults, and the types of their values.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::policy::{Defaults, ForCallback, Setting};

/// The configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The address that OpenIM's callbacks come to.
    pub listen: SocketAddr,
    /// The address of `/metrics`, `/livez`, `/readyz` and `/version`.
    pub admin: SocketAddr,
    /// The decider's URL, `http://host:port`.
    pub decider: DeciderUrl,
    /// How many threads serve callbacks. Unset means as many as there are cores for the process, those of its
    /// container included.
    pub workers: Option<NonZeroUsize>,
    /// What is logged: a level (`error`, `warn`, `info`, `debug`), or directives like `info,callback_gateway=debug`.
    /// Denials are logged at `info`, failures and refused requests at `warn`, allows at `debug`.
    pub log: LogFilter,
    /// What a request, a connection and the end of the process are limited to.
    pub limits: Limits,
    /// What holds for every callback that does not say otherwise.
    pub defaults: Defaults,
    /// What holds for single callbacks, by their keys in OpenIM's webhooks.yml: `[callbacks.beforeSendSingleMsg]`.
    /// `[callbacks.unknown]` is for those that this version does not know.
    pub callbacks: BTreeMap<Setting, ForCallback>,
}

/// What a request, a connection and the end of the process are limited to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a callback, in bytes, at most 1048576; a larger one is refused. gRPC servers take 4 MiB by
    /// default, and an oversized message must not make the decision fail.
    pub body: usize,
    /// The largest head of a request, in bytes; at least 8192.
    pub head: usize,
    /// How long a connection may stay idle, and how long a head may take. OpenIM never closes idle connections itself,
    /// and a callback that meets a connection being closed is lost: keep it at 10 minutes or more.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle: Duration,
    /// At the end, how long idle connections are kept to be told `Connection: close` by their next answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub linger: Duration,
    /// At the end, how long requests in flight may take after that.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain: Duration,
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 10006)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            decider: DeciderUrl(Uri::from_static("http://127.0.0.1:50051")),
            workers: None,
            log: LogFilter("info".to_owned()),
            limits: Limits::default(),
            defaults: Defaults::default(),
            callbacks: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            head: 16 << 10,
            idle: Duration::from_secs(600),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(10),
        }
    }
}

/// The URL of a decider.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct DeciderUrl(Uri);

impl DeciderUrl {
    /// The URL: scheme `http`, a host, and no path.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<String> for DeciderUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|e| format!("no URL: {e}"))?;
        let plain = uri.path_and_query().is_none_or(|path| path == "/");
        let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let port = uri.port_u16().is_some_and(|port| port > 0);
        if uri.scheme_str() == Some("http") && uri.host().is_some() && port && plain && !user {
            Ok(Self(uri))
        } else {
            Err("must have the form http://host:port".to_owned())
        }
    }
}

impl From<DeciderUrl> for String {
    fn from(url: DeciderUrl) -> Self {
        url.0.to_string().trim_end_matches('/').to_owned()
    }
}

/// What is logged, in the directives of `tracing`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter.
    #[must_use]
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl TryFrom<String> for LogFilter {
    type Error = String;

    fn try_from(filter: String) -> Result<Self, String> {
        match EnvFilter::try_new(&filter) {
            Ok(_) => Ok(Self(filter)),
            Err(e) => Err(format!("`{filter}` is no log filter: {e}")),
        }
    }
}

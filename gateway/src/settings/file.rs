//! The configuration file: its keys, and their defaults.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{DeciderName, EndpointUrl, LogFilter, LogFormat};
use crate::policy::{Defaults, ForCallback, Setting};

/// The configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The address that OpenIM's callbacks come to.
    pub listen: SocketAddr,
    /// The address of `/metrics`, `/livez`, `/readyz` and `/version`.
    pub admin: SocketAddr,
    /// How many threads serve callbacks. Unset means as many as there are cores for the process, those of its
    /// container included.
    pub workers: Option<NonZeroUsize>,
    /// What is logged: a level (`error`, `warn`, `info`, `debug`), or directives like `info,callback_gateway=debug`.
    /// Denials are logged at `info`, failures and refused requests at `warn`, allows at `debug`.
    pub log: LogFilter,
    /// How a line of the log looks: `"text"` or `"json"`.
    pub log_format: LogFormat,
    /// OpenIM's own webhooks.yml, or its config.yaml up to v3.6. The deadline of each callback in it becomes half a second
    /// less than OpenIM waits: whole seconds, up to 15, and 5 where that file does not say.
    pub openim_webhooks: Option<PathBuf>,
    /// Whether `failedContinue: true` in the file of `openim_webhooks` is taken over as `on_failure = "allow"`. OpenIM
    /// ships it for nearly every callback, and since v3.7 does not look at it itself. `failedContinue: false` changes
    /// nothing.
    pub honour_failed_continue: bool,
    /// The decider of all callbacks that name no other.
    pub decider: Decider,
    /// Further deciders by name, `[deciders.moderation]`, with the keys of `[decider]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deciders: BTreeMap<DeciderName, Decider>,
    /// Who may call. OpenIM takes only a URL, so this is what a URL can carry, and the address it is called from.
    pub callers: Callers,
    /// TLS on the callback port, with HTTP/2. Both files must be set, or none; they are read again when they change.
    pub tls: Tls,
    /// What a request, a connection, the process and its end are limited to.
    pub limits: Limits,
    /// When a decider's endpoint that fails is left alone.
    pub breaker: Breaker,
    /// What holds for every callback that does not say otherwise.
    pub defaults: Defaults,
    /// What holds for single callbacks, by their keys in OpenIM's webhooks.yml: `[callbacks.beforeSendSingleMsg]`.
    /// `[callbacks.unknown]` is for those that this version does not know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub callbacks: BTreeMap<Setting, ForCallback>,
}

/// One decider: where it is, and how it is talked to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Decider {
    /// Where it is reached: `http://host:port`, `https://host:port` or `unix:/path`, one or several. A host with many
    /// addresses counts as many endpoints; of two that are picked at random, the one with fewer calls in flight is
    /// asked.
    pub endpoints: Vec<EndpointUrl>,
    /// How often host names are resolved anew; a connection that fails does it at once.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub resolve_interval: Duration,
    /// How long a connection may take, TLS included. The callback's deadline may end the call before.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How often a connection with calls in flight is pinged. Most gRPC servers close one that is pinged more often than
    /// every 5 minutes.
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

/// Who may call.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Callers {
    /// A file with `user:password`, for HTTP Basic: OpenIM sends it when its URL is `http://user:password@host/…`. With
    /// several lines each of them will do, so that one can be replaced by another. The file is read again when it
    /// changes. The environment variable `CALLBACK_GATEWAY_BASIC` may hold the same instead, and goes before it.
    pub basic_file: Option<PathBuf>,
    /// A file with a secret that each path must begin with, `/{secret}/…`: letters, digits, `-`, `.`, `_` and `~`. As
    /// with `basic_file` there may be several, and the environment variable `CALLBACK_GATEWAY_PATH_SECRET` may hold them
    /// instead.
    pub path_secret_file: Option<PathBuf>,
    /// Networks that may call, like `"10.0.0.0/8"`. Empty means all.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// Networks of proxies whose `X-Forwarded-For` is believed: the caller is the last address in it that is no such
    /// proxy.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
}

/// Files for TLS on a listener.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A file with the certificate chain, in PEM.
    pub certificate: Option<PathBuf>,
    /// A file with its key, in PEM.
    pub key: Option<PathBuf>,
}

/// What a request, a connection, the process and its end are limited to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a callback, in bytes, at most 1048576; a larger one is refused. gRPC servers take 4 MiB by
    /// default, and an oversized message must not make the decision fail.
    pub body: usize,
    /// How many bytes of bodies may be held at a time, in the whole process; a callback beyond it is refused.
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

/// When a decider's endpoint that fails is left alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// How many failures in a row open the circuit: failed connections, resets, UNAVAILABLE, timeouts.
    pub failures: u32,
    /// How long it stays open at first, until a call probes the endpoint; doubled by each probe that fails.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub first: Duration,
    /// How long it stays open at most.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub longest: Duration,
}

impl Callers {
    /// The environment variable that may hold what `basic_file` holds.
    pub const BASIC: &str = "CALLBACK_GATEWAY_BASIC";
    /// The environment variable that may hold what `path_secret_file` holds.
    pub const PATH_SECRET: &str = "CALLBACK_GATEWAY_PATH_SECRET";
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 10006)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            workers: None,
            log: LogFilter::default(),
            log_format: LogFormat::default(),
            openim_webhooks: None,
            honour_failed_continue: false,
            decider: Decider::default(),
            deciders: BTreeMap::new(),
            callers: Callers::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            breaker: Breaker::default(),
            defaults: Defaults::default(),
            callbacks: BTreeMap::new(),
        }
    }
}

impl Default for Decider {
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
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

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

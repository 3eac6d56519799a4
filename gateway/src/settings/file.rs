//! The configuration file: its keys, and their defaults.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use process::log::{self, LogFilter, LogFormat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use transport::{BreakerConfig, Config as DeciderConfig};

use super::values::{DeciderName, address};
use crate::events::EventsConfig;
use crate::failure_policy::{Defaults, Overrides};
use crate::http::callers::CallersConfig;
use crate::http::{Limits, TlsConfig};
use crate::openim::key::CallbackKey;

/// The configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The address that OpenIM's callbacks come to.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The address of `/metrics`, `/livez`, `/readyz`, `/version` and `/events`.
    #[serde(deserialize_with = "address")]
    pub admin: SocketAddr,
    /// A file with the token that the admin port asks for before it lists, shows, replays or drops events; their
    /// numbers, metrics and health need none. Unset means that these are open where `admin` is a loopback address, and
    /// refused elsewhere. It may have several lines, each of which is accepted, and is read again when it changes. The
    /// environment variable `CALLBACK_GATEWAY_ADMIN_TOKEN` may hold the same, and overrides it.
    pub admin_token_file: Option<PathBuf>,
    /// The number of threads that serve callbacks. Unset means one for each core that the process or its container may
    /// use.
    pub workers: Option<NonZeroUsize>,
    /// The level of the log (`error`, `warn`, `info`, `debug`), or directives like `info,callback_gateway=debug`.
    /// Denials are logged at `info`, failures and refused requests at `warn`, allows at `debug`.
    pub log: LogFilter,
    /// The form of the log's lines: `"text"` or `"json"`.
    pub log_format: LogFormat,
    /// The most lines of one kind and callback in a second; the rest are counted in one line more. 0 means no limit.
    /// The metrics count every callback.
    pub log_lines_per_second: u64,
    /// OpenIM's own webhooks.yml, or its config.yaml up to v3.6. The deadline of each callback in it becomes half a
    /// second less than OpenIM waits: whole seconds, up to 15, and 5 where that file has none.
    pub openim_webhooks: Option<PathBuf>,
    /// True takes `failedContinue: true` in the file of `openim_webhooks` as `on_failure = "allow"`. OpenIM ships it
    /// for nearly every callback, and since v3.7 ignores it. `failedContinue: false` changes nothing.
    pub honour_failed_continue: bool,
    /// The decider of all callbacks that name no other.
    pub decider: DeciderConfig,
    /// Further deciders by name, `[deciders.moderation]`, with the keys of `[decider]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deciders: BTreeMap<DeciderName, DeciderConfig>,
    /// Who may call. OpenIM takes only a URL, so this is what a URL can carry, and the address it is called from.
    pub callers: CallersConfig,
    /// TLS on the callback port, with HTTP/2. Both files must be set, or none; they are read again when they change.
    pub tls: TlsConfig,
    /// The limits of requests, connections, the process and its shutdown.
    pub limits: Limits,
    /// After-callbacks, and where they are kept until their decider has received them.
    pub events: EventsConfig,
    /// The circuit breaker: it stops calls to a decider's endpoint that fails.
    pub breaker: BreakerConfig,
    /// The settings of every callback that has none of its own.
    pub defaults: Defaults,
    /// The settings of single callbacks, by their keys in OpenIM's webhooks.yml: `[callbacks.beforeSendSingleMsg]`.
    /// `[callbacks.unknown]` is for those that are not in the contract.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub callbacks: BTreeMap<CallbackKey, Overrides>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 10006)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            admin_token_file: None,
            workers: None,
            log: LogFilter::default(),
            log_format: LogFormat::default(),
            log_lines_per_second: log::Config::LINES_PER_SECOND,
            openim_webhooks: None,
            honour_failed_continue: false,
            decider: DeciderConfig::default(),
            deciders: BTreeMap::new(),
            callers: CallersConfig::default(),
            tls: TlsConfig::default(),
            limits: Limits::default(),
            events: EventsConfig::default(),
            breaker: BreakerConfig::default(),
            defaults: Defaults::default(),
            callbacks: BTreeMap::new(),
        }
    }
}

//! The settings of the callers.

use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may call.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallersConfig {
    /// A file with `user:password`, for HTTP Basic: OpenIM sends it when its URL is `http://user:password@host/…`. It
    /// may have several lines, each of which is accepted, so that one can replace another. The file is read again when
    /// it changes. The environment variable `CALLBACK_GATEWAY_BASIC` may hold the same, and overrides it.
    pub basic_file: Option<PathBuf>,
    /// A file with a secret that each path must begin with, `/{secret}/…`: letters, digits, `-`, `.`, `_` and `~`. As
    /// with `basic_file` there may be several, and the environment variable `CALLBACK_GATEWAY_PATH_SECRET` may hold them
    /// instead.
    pub path_secret_file: Option<PathBuf>,
    /// Networks that may call, like `"10.0.0.0/8"`. Empty means all.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// Networks of proxies whose `X-Forwarded-For` is trusted: the caller is the last address in it that is no such
    /// proxy.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
}

impl CallersConfig {
    /// The environment variable that overrides `basic_file`.
    pub const BASIC: &str = "CALLBACK_GATEWAY_BASIC";
    /// The environment variable that overrides `path_secret_file`.
    pub const PATH_SECRET: &str = "CALLBACK_GATEWAY_PATH_SECRET";

    /// True if every caller is admitted.
    #[must_use]
    pub fn are_all(&self) -> bool {
        let set = |variable| std::env::var_os(variable).is_some();
        let files = self.basic_file.is_some() || self.path_secret_file.is_some();
        self.networks.is_empty() && !files && !set(Self::BASIC) && !set(Self::PATH_SECRET)
    }
}

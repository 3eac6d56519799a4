//! The settings of the command line and the environment.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{Arg, Args, Command};
use process::environment::{Unknown, unknown};
use toml::Value;

use super::layers::Layers;
use crate::admin::access;
use crate::http::callers::CallersConfig;

/// The beginning of all environment variables of the gateway.
const PREFIX: &str = "CALLBACK_GATEWAY_";

/// The settings that containers need, over those of the file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Configuration file in TOML
    #[arg(long, global = true, value_name = "FILE", env = "CALLBACK_GATEWAY_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Address that OpenIM's callbacks come to [default: 127.0.0.1:10006]
    #[arg(long, global = true, value_name = "ADDRESS", env = "CALLBACK_GATEWAY_LISTEN")]
    listen: Option<String>,
    /// Address of metrics, health and events [default: 127.0.0.1:9464]
    #[arg(long, global = true, value_name = "ADDRESS", env = "CALLBACK_GATEWAY_ADMIN")]
    admin: Option<String>,
    /// URL of the decider; repeated, or separated by commas, several of it [default: http://127.0.0.1:50051]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CALLBACK_GATEWAY_DECIDER",
        value_delimiter = ','
    )]
    decider: Vec<String>,
    /// Directory that keeps after-callbacks until they are delivered [default: none, they are relayed]
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        env = "CALLBACK_GATEWAY_EVENTS_DIRECTORY"
    )]
    events_directory: Option<String>,
    /// Threads that serve callbacks [default: one per core]
    #[arg(long, global = true, value_name = "COUNT", env = "CALLBACK_GATEWAY_WORKERS")]
    workers: Option<String>,
    /// Level of the log, or directives like `info,callback_gateway=debug` [default: info]
    #[arg(long, global = true, value_name = "FILTER", env = "CALLBACK_GATEWAY_LOG")]
    log: Option<String>,
    /// Format of the log: text or json [default: text]
    #[arg(long, global = true, value_name = "FORMAT", env = "CALLBACK_GATEWAY_LOG_FORMAT")]
    log_format: Option<String>,
    /// OpenIM's webhooks.yml (config.yaml up to v3.6), for the deadline of each callback
    #[arg(long, global = true, value_name = "FILE", env = "CALLBACK_GATEWAY_OPENIM_WEBHOOKS")]
    openim_webhooks: Option<String>,
    /// Allow callbacks without a decision where webhooks.yml says `failedContinue: true`
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        env = "CALLBACK_GATEWAY_HONOUR_FAILED_CONTINUE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    honour_failed_continue: Option<String>,
}

impl Flags {
    pub(super) fn add_to(&self, layers: &mut Layers) {
        let flags = [
            ("listen", "--listen (CALLBACK_GATEWAY_LISTEN)", &self.listen),
            ("admin", "--admin (CALLBACK_GATEWAY_ADMIN)", &self.admin),
            ("workers", "--workers (CALLBACK_GATEWAY_WORKERS)", &self.workers),
            ("log", "--log (CALLBACK_GATEWAY_LOG)", &self.log),
            ("log_format", "--log-format (CALLBACK_GATEWAY_LOG_FORMAT)", &self.log_format),
            (
                "openim_webhooks",
                "--openim-webhooks (CALLBACK_GATEWAY_OPENIM_WEBHOOKS)",
                &self.openim_webhooks,
            ),
            (
                "honour_failed_continue",
                "--honour-failed-continue (CALLBACK_GATEWAY_HONOUR_FAILED_CONTINUE)",
                &self.honour_failed_continue,
            ),
        ];
        for (key, flag, value) in flags {
            if let Some(text) = value {
                layers.set(&[key], value_of(key, text), flag);
            }
        }
        if let Some(directory) = &self.events_directory {
            let flag = "--events-directory (CALLBACK_GATEWAY_EVENTS_DIRECTORY)";
            layers.set(&["events", "directory"], directory.as_str().into(), flag);
        }
        if !self.decider.is_empty() {
            let urls = Value::Array(self.decider.iter().cloned().map(Value::String).collect());
            layers.set(&["decider", "endpoints"], urls, "--decider (CALLBACK_GATEWAY_DECIDER)");
        }
    }
}

/// The environment variables with the gateway's prefix that no setting reads.
pub(super) fn unknown_variables() -> Unknown {
    let command = Flags::augment_args(Command::new("callback-gateway"));
    let flags = command.get_arguments().filter_map(Arg::get_env).filter_map(OsStr::to_str);
    let known = flags.chain([access::TOKEN, CallersConfig::BASIC, CallersConfig::PATH_SECRET]);
    unknown(PREFIX, known, std::env::vars_os().map(|(name, _)| name))
}

/// The value as the file would have it: a number, a boolean, or else text.
fn value_of(key: &str, text: &str) -> Value {
    match key {
        "workers" => text.parse().map(Value::Integer).unwrap_or_else(|_| text.into()),
        "honour_failed_continue" => {
            text.parse().map(Value::Boolean).unwrap_or_else(|_| text.into())
        }
        _ => text.into(),
    }
}

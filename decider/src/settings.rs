//! What the command line and the environment say, checked all at once.

use crate::{LoadError, Policy};
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// Decides OpenIM's callbacks by rules in a file.
///
/// Serves every rpc of the contract, gRPC health and reflection. The first rule that denies a call
/// wins, every rule sees the edits of those before it, and what no rule is for is allowed. A rule
/// that fails is answered with the status INTERNAL, so that the gateway's own settings decide.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// The address to serve gRPC on.
    #[arg(long, env = "CALLBACK_DECIDER_LISTEN", default_value = "127.0.0.1:50051")]
    listen: String,

    /// The policy file. The one that comes with the project explains the rules.
    #[arg(long, env = "CALLBACK_DECIDER_POLICY", default_value = "policy.yaml")]
    policy: PathBuf,

    /// How much to log: off, error, warn, info, debug or trace. Every denial is logged at info.
    #[arg(long, env = "CALLBACK_DECIDER_LOG", default_value = "info")]
    log: String,
}

/// Settings that are right.
pub struct Settings {
    /// The address to serve gRPC on.
    pub listen: SocketAddr,
    /// The policy to decide by.
    pub policy: Policy,
    /// The least level that is logged.
    pub log: LevelFilter,
}

impl Settings {
    /// Checks the arguments, and loads the policy.
    ///
    /// # Errors
    /// A line for each mistake in any of them.
    pub fn new(arguments: &Arguments) -> Result<Self, Vec<String>> {
        let Arguments { listen, policy, log } = arguments;
        let address = listen.parse().map_err(|_| {
            format!("--listen {listen:?}: not an address with a port, like 127.0.0.1:50051")
        });
        let level = log
            .parse()
            .map_err(|_| format!("--log {log:?}: not one of off, error, warn, info, debug, trace"));
        let policy = Policy::load(policy).map_err(|error: LoadError| error.to_string());
        match (address, policy, level) {
            (Ok(listen), Ok(policy), Ok(log)) => Ok(Self { listen, policy, log }),
            (address, policy, level) => {
                Err([address.err(), level.err(), policy.err()].into_iter().flatten().collect())
            }
        }
    }
}

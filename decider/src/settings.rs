//! What the command line and the environment say, checked all at once.

use crate::{LoadError, Policy};
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Decides OpenIM's callbacks by rules in a file.
///
/// Serves every rpc of the contract, gRPC health and reflection. The first rule that denies a call
/// wins, every rule sees the edits of those before it, and what no rule is for is allowed. A rule
/// that fails is answered with the status INTERNAL, so that the gateway's own settings decide.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings or the policy are wrong, and 71 when the
/// address can't be used.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// The address to serve gRPC on.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CALLBACK_DECIDER_LISTEN",
        default_value = "127.0.0.1:50051"
    )]
    listen: String,

    /// The policy file. The one that comes with the project explains the rules.
    #[arg(
        long,
        value_name = "FILE",
        env = "CALLBACK_DECIDER_POLICY",
        default_value = "policy.yaml"
    )]
    policy: PathBuf,

    /// What is logged: a level, or directives like `info,callback_decider=debug`. Denials are logged
    /// at info, failures at error.
    #[arg(long, value_name = "FILTER", env = "CALLBACK_DECIDER_LOG", default_value = "info")]
    log: String,
}

/// Settings that are right.
pub struct Settings {
    /// The address to serve gRPC on.
    pub listen: SocketAddr,
    /// The policy to decide by.
    pub policy: Policy,
    /// What is logged.
    pub log: EnvFilter,
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
        let filter = EnvFilter::try_new(log);
        let filter = filter.map_err(|error| format!("--log {log:?}: no log filter: {error}"));
        let policy = Policy::load(policy).map_err(|error: LoadError| error.to_string());
        match (address, policy, filter) {
            (Ok(listen), Ok(policy), Ok(log)) => Ok(Self { listen, policy, log }),
            (address, policy, filter) => {
                Err([address.err(), filter.err(), policy.err()].into_iter().flatten().collect())
            }
        }
    }
}

//! The command line.

use crate::settings::Flags;

/// Receives OpenIM's callbacks over HTTP and asks a decider over gRPC.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings are wrong, and 71 when the address can't be used.
/// Policies are read again on SIGHUP, and when a file that they come from changes.
#[derive(Clone, Debug, clap::Parser)]
#[command(version)]
pub struct Cli {
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Command {
    /// Say what would be in force, or what is wrong with the settings
    Check,
    /// Ask the gateway on this host whether it lives, by its admin address; for containers without a shell
    ///
    /// Exits with 0 if it does, and with 1 if not, after 2 seconds at most. One that drains lives.
    Healthcheck,
}

//! The command line.

use std::path::PathBuf;

use crate::openim::contract::Callback;
use crate::openim::key::by_any_name;
use crate::settings::Flags;

/// Receives OpenIM's callbacks over HTTP and asks a decider over gRPC.
///
/// Exits with 0 after SIGTERM or Ctrl-C, 64 when the settings are wrong, and 71 when the address can't be used.
/// The settings of callbacks are read again on SIGHUP, and when their file changes.
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
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Say what would be in force, or what is wrong with the settings
    Check,
    /// Ask the gateway on this host whether it lives, by its admin address; for containers without a shell
    ///
    /// Exits with 0 if it does, and with 1 if not, after 2 seconds at most. One that drains lives.
    Healthcheck,
    /// Play OpenIM: send callbacks to the decider, and show what it decides on each
    ///
    /// Sends all callbacks with realistic bodies, one after the other, by way of a gateway with these settings; nothing
    /// else has to run but the decider. Exits with 0 if every answer is valid, and as --expect says; 1 if one is not, or
    /// if there is none; 64 when an argument is wrong. That a callback is not implemented is valid, but not that all are.
    Play(Play),
}

/// What `play` sends, and how it shows what comes back.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What to play")]
pub struct Play {
    /// Send this callback only, by its key in webhooks.yml, its command or its rpc; repeated, several
    #[arg(long, value_name = "NAME", value_parser = by_any_name)]
    pub callback: Vec<&'static Callback>,
    /// Send the JSON in this file; its callbackCommand, or else --callback, says what it is
    #[arg(long, value_name = "FILE", conflicts_with = "expect")]
    pub body: Option<PathBuf>,
    /// Send the cases in this file (YAML), and compare what is decided
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
}

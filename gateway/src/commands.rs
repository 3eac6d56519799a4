//! One file a command.

mod admin;
mod check;
mod contract;
mod events;
mod files;
mod healthcheck;
mod new;
pub mod play;
mod serve;

use std::process::ExitCode;

use process::exit;

use crate::cli::{Cli, Command};
use crate::gateway::StartError;
use crate::settings::Sources;

/// Runs the command that the command line names.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let sources = Sources::new(cli.flags);
    match cli.command {
        None => serve::run(sources),
        Some(Command::Check) => check::run(sources),
        Some(Command::Healthcheck) => healthcheck::run(&sources),
        Some(Command::Events(arguments)) => events::run(&sources, &arguments),
        Some(Command::Play(arguments)) => play::run(sources, arguments),
        Some(Command::New(arguments)) => new::run(&arguments),
        Some(Command::Contract(arguments)) => contract::run(&arguments),
    }
}

/// Prints why a gateway can't start.
fn not_started(why: &StartError) -> ExitCode {
    match why {
        StartError::Mistakes(mistakes) => exit::mistaken(mistakes),
        StartError::Events(..) => exit::failed(exit::OS_ERROR, why),
    }
}

/// Prints why the command line can't be read, or the help or version.
#[must_use]
pub fn explain(error: &clap::Error) -> ExitCode {
    // Without a stderr there is nowhere left to report to.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 })
}

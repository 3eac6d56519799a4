//! One file a command.

mod check;
mod healthcheck;
pub mod play;
mod serve;

use std::process::ExitCode;

use process::exit;

use crate::cli::{Cli, Command};
use crate::settings::Sources;

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let sources = Sources::new(cli.flags);
    match cli.command {
        None => serve::run(sources),
        Some(Command::Check) => check::run(sources),
        Some(Command::Healthcheck) => healthcheck::run(&sources),
        Some(Command::Play(arguments)) => play::run(sources, arguments),
    }
}

/// Says that the command line can't be read, or what was asked about it.
#[must_use]
pub fn explain(error: &clap::Error) -> ExitCode {
    // Nothing is left to do if there is nowhere to print to.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 })
}

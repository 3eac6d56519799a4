//! The commands of the program.

mod healthcheck;
mod serve;

use crate::cli::{Cli, Command};
use std::process::ExitCode;

/// Exit codes as in sysexits.h.
const USAGE: u8 = 64;
const OS_ERROR: u8 = 71;

/// Runs the command that the command line names.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match cli.command {
        None => serve::run(cli),
        Some(Command::Healthcheck) => healthcheck::run(cli),
    }
}

/// Prints why the command line can't be read, or the help that it asks for.
#[must_use]
pub fn explain(error: &clap::Error) -> ExitCode {
    // Nothing is left to do if there is nowhere to print to.
    let _ = error.print();
    if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS }
}

//! The commands of the program.

mod check;
mod explain;
mod healthcheck;
mod serve;
mod test;

use crate::cli::{Cli, Command};
use process::exit;
use std::io::{Write, stderr};
use std::process::ExitCode;

/// Runs the command that the command line names.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        None => serve::run(cli),
        Some(Command::Healthcheck) => healthcheck::run(cli),
        Some(Command::Test(arguments)) => test::run(&cli.policy, arguments),
        Some(Command::Explain(arguments)) => explain::run(&cli.policy, arguments),
        Some(Command::Check(arguments)) => check::run(&cli.policy, arguments),
    }
}

/// Prints why the command line can't be read, or the help or version.
#[must_use]
pub fn explain(error: &clap::Error) -> ExitCode {
    // Without a stderr there is nowhere left to report to.
    let _ = error.print();
    if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS }
}

/// Prints why a command ends, and returns its exit code, even if stderr is closed.
fn fail(why: &str, code: impl Into<ExitCode>) -> ExitCode {
    let _ = writeln!(stderr(), "{why}");
    code.into()
}

//! The decider's process.

use callback_decider::cli::Cli;
use callback_decider::commands;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => commands::run(&cli),
        Err(error) => commands::explain(&error),
    }
}

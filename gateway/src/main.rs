//! The gateway's process.

use std::process::ExitCode;

use callback_gateway::cli::Cli;
use callback_gateway::commands;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(e) => commands::explain(&e),
    }
}

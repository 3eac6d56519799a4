//! Reads the settings, serves until it is told to stop, and finishes what is under way.

use callback_decider::{Arguments, Settings, server};
use clap::Parser;
use std::error::Error;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// The exit code for wrong settings, as sysexits.h has it.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do if there is nowhere to print to.
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let settings = match Settings::new(&arguments) {
        Ok(settings) => settings,
        Err(mistakes) => {
            eprintln!("{}", mistakes.join("\n"));
            return USAGE.into();
        }
    };
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread serves: a decision takes microseconds, handing it to another thread takes longer.
#[tokio::main(flavor = "current_thread")]
async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let Settings { listen, policy, log } = settings;
    tracing_subscriber::fmt().with_max_level(log).with_ansi(stdout().is_terminal()).init();

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("can't listen on {listen}: {error}"))?;
    let address = listener.local_addr()?;
    let rpcs: Vec<_> = policy.rpcs().collect();
    info!(%address, rules = policy.rules(), rpcs = rpcs.join(" "), "deciding");
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
    };
    server::serve(listener, Arc::new(policy), stop).await?;
    Ok(())
}

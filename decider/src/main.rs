//! Reads the settings, serves until it is told to stop, and finishes what is under way.

use callback_decider::server::Server;
use callback_decider::{Arguments, Command, Settings, healthcheck};
use clap::Parser;
use policy::Policy;
use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

/// Exit codes as in sysexits.h.
const USAGE: u8 = 64;
const OS_ERROR: u8 = 71;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do if there is nowhere to print to.
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Some(Command::Healthcheck) = arguments.command {
        return match healthcheck(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let settings = match Settings::new(&arguments) {
        Ok(settings) => settings,
        Err(mistakes) => {
            eprintln!("{}", mistakes.join("\n"));
            return USAGE.into();
        }
    };
    let Settings { listen, policy, log, server } = settings;
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();
    match run(listen, policy, server) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!(%why, "can't serve");
            OS_ERROR.into()
        }
    }
}

/// One thread serves: a decision takes microseconds, handing it to another thread takes longer.
#[tokio::main(flavor = "current_thread")]
async fn run(listen: SocketAddr, policy: Policy, server: Server) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("listen {listen}: {error}"))?;
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
    server.serve(listener, Arc::new(policy), stop).await?;
    Ok(())
}

//! The decider itself: reads the settings, serves until it is told to stop, and drains.

use super::{OS_ERROR, USAGE};
use crate::cli::Cli;
use crate::serve::Server;
use crate::settings::Settings;
use policy::Policy;
use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

pub(super) fn run(cli: &Cli) -> ExitCode {
    let settings = match Settings::new(cli) {
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
    match serve(listen, policy, server) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!(%why, "can't serve");
            OS_ERROR.into()
        }
    }
}

/// One thread serves: a decision takes microseconds, handing it to another thread takes longer.
#[tokio::main(flavor = "current_thread")]
async fn serve(listen: SocketAddr, policy: Policy, server: Server) -> Result<(), Box<dyn Error>> {
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

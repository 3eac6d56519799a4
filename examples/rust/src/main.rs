//! Reads the settings, serves until it is told to stop, and finishes what is under way.

mod call;
mod handled;
mod rules;
mod server;
mod service;
#[cfg(test)]
mod tests;

/// The contract, as the build generated it.
#[allow(dead_code, unreachable_pub, clippy::all)]
mod proto {
    tonic::include_proto!("openim.decider.v1");
    pub(crate) const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("descriptors");
}

use std::env;
use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("example-decider: {why}");
            ExitCode::FAILURE
        }
    }
}

/// One thread serves: a decision takes microseconds, handing it to another thread takes longer.
#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let level = setting("LOG_LEVEL", "info");
    let level: LevelFilter = level.parse().map_err(|why| format!("LOG_LEVEL={level}: {why}"))?;
    let ansi = stderr().is_terminal();
    tracing_subscriber::fmt().with_max_level(level).with_ansi(ansi).with_writer(stderr).init();

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listen = setting("LISTEN", "127.0.0.1:50051");
    let listener = TcpListener::bind(&listen).await;
    let listener = listener.map_err(|why| format!("LISTEN={listen}: {why}"))?;
    info!(address = %listener.local_addr()?, "listening");

    let decider = Arc::new(service::Decider::default());
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
    };
    server::serve(listener, decider.clone(), stop).await?;
    info!(after_callbacks = decider.after_callbacks(), "stopped");
    Ok(())
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.into())
}

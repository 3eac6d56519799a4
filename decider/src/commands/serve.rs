//! The decider itself: reads the settings, serves until shutdown, and drains.

use super::fail;
use crate::cli::Cli;
use crate::live_policy::{log_warnings, rpcs};
use crate::serve::{ServeError, Server};
use crate::settings::Settings;
use process::{exit, log};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

pub(super) fn run(cli: &Cli) -> ExitCode {
    let (runtime, hangup) = match start() {
        Ok(started) => started,
        Err(why) => return fail(&format!("can't start: {why}"), exit::OS_ERROR),
    };
    let settings = match Settings::new(cli) {
        Ok(settings) => settings,
        Err(mistakes) => return fail(&mistakes.join("\n"), exit::USAGE),
    };
    let _log = match log::start(&settings.log) {
        Ok(log) => log,
        Err(why) => return fail(&format!("can't log: {why}"), exit::OS_ERROR),
    };
    for variable in &settings.unused_variables {
        warn!(variable, "an environment variable that is no setting");
    }
    match runtime.block_on(serve(settings, hangup)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!(%why, "can't serve");
            match why {
                ServeError::WorkerDied => exit::SOFTWARE.into(),
                ServeError::System(_) => exit::OS_ERROR.into(),
            }
        }
    }
}

/// Starts the runtime, and takes SIGHUP from now on: it would end the process while the policy is loaded.
fn start() -> io::Result<(Runtime, Signal)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let _context = runtime.enter();
    let hangup = signal(SignalKind::hangup())?;
    Ok((runtime, hangup))
}

async fn serve(settings: Settings, mut hangup: Signal) -> Result<(), ServeError> {
    let Settings { listen, workers, policy, limits, tls, tokens, .. } = settings;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen).await;
    let listener =
        listener.map_err(|why| io::Error::new(why.kind(), format!("listen {listen}: {why}")))?;
    let address = listener.local_addr()?;
    let policy = Arc::new(policy);
    let in_force = policy.in_force();
    let (hash, rules, rpcs) = (in_force.hash(), in_force.rules(), rpcs(&in_force));
    info!(%address, workers, policy = hash, rules, rpcs, "deciding");
    log_warnings(&in_force);
    drop(in_force); // it may be replaced from now on
    let reloads = policy.watch()?;
    let stop = async {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reloads.request(),
            }
        }
        info!("stopping");
    };
    let limits = limits.fit(workers);
    let server = Server::default().workers(workers).limits(limits).tls(tls).tokens(tokens);
    server.serve(listener, policy, stop).await
}

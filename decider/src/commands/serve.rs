//! The decider itself: reads the settings, serves until shutdown, and drains.

use super::fail;
use crate::cli::Cli;
use crate::serve::{ServeError, Server};
use crate::settings::Settings;
use process::{exit, log};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

pub(super) fn run(cli: &Cli) -> ExitCode {
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
    match serve(settings) {
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

#[tokio::main(flavor = "current_thread")]
async fn serve(settings: Settings) -> Result<(), ServeError> {
    let Settings { listen, workers, policy, limits, tls, tokens, .. } = settings;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen).await;
    let listener =
        listener.map_err(|why| io::Error::new(why.kind(), format!("listen {listen}: {why}")))?;
    let address = listener.local_addr()?;
    let rpcs: Vec<_> = policy.rpcs().collect();
    info!(%address, workers, rules = policy.rules(), rpcs = rpcs.join(" "), "deciding");
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
    };
    let limits = limits.fit(workers);
    let server = Server::default().workers(workers).limits(limits).tls(tls).tokens(tokens);
    server.serve(listener, Arc::new(policy), stop).await
}

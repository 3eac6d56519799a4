//! Puts changed configurations of callbacks in force while the gateway runs: on SIGHUP, and when a file that they come
//! from changes.

use std::sync::Arc;

use process::Mistake;
use tokio::signal::unix::Signal;
use tracing::{error, info, warn};

use super::watch::Watch;
use crate::gateway::Gateway;
use crate::settings::Sources;
use crate::settings::summary::ConfigSummary;

/// Reloads for as long as the future is polled. `sources` are those of the settings in force.
pub(super) async fn run(gateway: Arc<Gateway>, mut sources: Sources, mut hangup: Signal) {
    let mut watch = Watch::on(sources.directories());
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            () = watch.changed() => if !sources.changed() {
                continue;
            },
        }
        reload(&gateway, &mut sources);
        watch = Watch::on(sources.directories());
    }
}

fn reload(gateway: &Gateway, sources: &mut Sources) {
    let reloaded = put_in_force(gateway, sources);
    gateway.metrics.reloaded(reloaded.is_ok());
    if let Err(mistakes) = reloaded {
        for mistake in &mistakes {
            error!(%mistake, "the settings are wrong");
        }
        error!(mistakes = mistakes.len(), "callbacks not reloaded: the settings in force stay");
    }
}

fn put_in_force(gateway: &Gateway, sources: &mut Sources) -> Result<(), Vec<Mistake>> {
    let (settings, restart) = gateway.settings().with_callbacks_of(sources.load()?)?;
    let summary = ConfigSummary::of(&settings);
    gateway.reload(settings);
    info!("callbacks reloaded");
    summary.log();
    if !restart.is_empty() {
        warn!(settings = restart.join(", "), "changed, but need a restart");
    }
    Ok(())
}

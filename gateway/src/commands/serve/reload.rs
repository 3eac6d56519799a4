//! Puts changed configurations of callbacks in force while the gateway runs: on SIGHUP, and when a file that they come
//! from changes.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use process::Mistake;
use tokio::signal::unix::Signal;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::watch::Watch;
use crate::gateway::Gateway;
use crate::settings::summary::ConfigSummary;
use crate::settings::{Settings, Sources};

type Loaded = Result<Settings, Vec<Mistake>>;

/// Reloads for as long as the future is polled. `sources` are those of the settings in force.
pub(super) async fn run(gateway: Arc<Gateway>, sources: Sources, mut hangup: Signal) {
    let mut watch = Watch::on(sources.directories());
    let sources = Arc::new(Mutex::new(sources));
    loop {
        let requested = tokio::select! {
            _ = hangup.recv() => true,
            () = watch.changed() => false,
        };
        if let Some((loaded, again)) = read(sources.clone(), requested).await {
            reload(&gateway, loaded);
            watch = again;
        }
    }
}

/// Reads the settings if that is requested or a file has changed, and watches their files anew: on a thread of its own,
/// since a file system that stalls must hold up neither signals nor the admin port.
async fn read(sources: Arc<Mutex<Sources>>, requested: bool) -> Option<(Loaded, Watch)> {
    let (done, read) = oneshot::channel();
    let work = move || {
        let mut sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = (requested || sources.changed()).then(|| sources.load());
        let _ = done.send(loaded.map(|loaded| (loaded, Watch::on(sources.directories()))));
    };
    match thread::Builder::new().name("settings".to_owned()).spawn(work) {
        Ok(_) => read.await.ok().flatten(),
        Err(why) => {
            error!(%why, "the settings can't be read: the system has no further thread");
            None
        }
    }
}

fn reload(gateway: &Gateway, loaded: Loaded) {
    let reloaded = loaded.and_then(|settings| put_in_force(gateway, settings));
    gateway.metrics.reloaded(reloaded.is_ok());
    if let Err(mistakes) = reloaded {
        for mistake in &mistakes {
            error!(%mistake, "the settings are wrong");
        }
        error!(mistakes = mistakes.len(), "callbacks not reloaded: the settings in force stay");
    }
}

fn put_in_force(gateway: &Gateway, settings: Settings) -> Result<(), Vec<Mistake>> {
    let (settings, restart) = gateway.settings().with_callbacks_of(settings)?;
    let summary = ConfigSummary::of(&settings);
    gateway.reload(settings);
    info!("callbacks reloaded");
    summary.log();
    if !restart.is_empty() {
        warn!(settings = restart.join(", "), "changed, but need a restart");
    }
    Ok(())
}

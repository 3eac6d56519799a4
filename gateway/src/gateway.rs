//! A gateway: the parts that its workers share, built from the settings.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use process::Mistake;
use transport::{Decider, RetryBudget};

use crate::admin::{self, access::Access};
use crate::bridge;
use crate::events::{Configs, DirectoryError, Events, StoreKind};
use crate::http;
use crate::observe::{Metrics, Observer, log::Log};
use crate::openim::metadata::USER_AGENT;
use crate::settings::Settings;

/// The parts that all workers share.
#[derive(Debug)]
pub struct Gateway {
    settings: ArcSwap<Settings>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The parts that the admin port shows.
    pub admin: admin::Shared,
    pub(crate) http: Arc<http::Shared>,
    pub(crate) bridge: Arc<bridge::Shared>,
    /// By [`DeciderId`](crate::failure_policy::DeciderId).
    pub(crate) deciders: Vec<Arc<Decider>>,
    /// None: after-callbacks are relayed while OpenIM waits.
    pub(crate) events: Option<Arc<Events>>,
}

/// The reason why a gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings, or files that they name, are wrong.
    #[error("the settings are wrong")]
    Mistakes(Vec<Mistake>),
    /// The directory of events can't be used.
    #[error("events.directory {}: {}", .0.display(), .1)]
    Events(PathBuf, DirectoryError),
}

impl From<Vec<Mistake>> for StartError {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl Gateway {
    /// A gateway with these settings. Reads secrets and certificates, and opens the store of events.
    ///
    /// # Errors
    /// Every file that can't be used, or the directory of events.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        Self::observed(settings, None)
    }

    /// The same, with one more observer.
    ///
    /// # Errors
    /// Every file that can't be used, or the directory of events.
    pub fn observed(
        settings: Settings,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::new(Log), metrics.clone()];
        observers.extend(observer);
        let file = &settings.file;
        let retries = Arc::new(RetryBudget::new(file.limits.retry_percent));
        let deciders = settings.deciders().map(|(name, config)| {
            let (retries, metrics) = (retries.clone(), metrics.clone());
            Decider::new(name, config.clone(), file.breaker.clone(), USER_AGENT, retries, metrics)
                .map(Arc::new)
        });
        let deciders = deciders.collect::<Result<Vec<_>, _>>()?;
        let http = http::Shared::new(
            file.limits.clone(),
            file.callers.clone(),
            file.tls.clone(),
            metrics.clone(),
        )?;
        let access = Access::read(file.admin_token_file.as_deref());
        let access = access.map_err(|mistake| vec![mistake])?;
        let configs: Configs = Arc::new(ArcSwap::from_pointee(settings.callbacks.clone()));
        let events = events(&settings, &configs, &deciders, &metrics)?.map(Arc::new);
        let http::Limits { in_flight, entries, .. } = file.limits;
        let bridge = bridge::Shared::new(configs, events.clone(), in_flight, entries, observers);
        let admin = admin::Shared {
            metrics: metrics.clone(),
            events: events.clone(),
            access: Arc::new(access),
        };
        Ok(Self {
            metrics,
            admin,
            http: Arc::new(http),
            bridge: Arc::new(bridge),
            deciders,
            events,
            settings: ArcSwap::from_pointee(settings),
        })
    }

    /// The settings in force now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Puts the configurations of other settings in force for new requests. The addresses, workers, limits and deciders
    /// stay as they were at the start.
    pub fn reload(&self, settings: Settings) {
        self.bridge.reload(settings.callbacks.clone());
        self.settings.store(Arc::new(settings));
    }

    /// Reads secrets and certificates again. Changed ones that can't be used are logged, and the old ones stay. Blocks
    /// on the file system: not for a serving thread.
    pub fn refresh(&self) {
        self.http.refresh();
        self.admin.access.refresh();
        self.deciders.iter().for_each(|decider| decider.refresh());
    }

    /// Ends the delivery of events, when no worker runs any more; what is in flight has as long as requests have.
    /// Blocks.
    pub fn stop_events(&self) {
        if let Some(events) = &self.events {
            events.stop(self.settings().file.limits.drain);
        }
    }
}

/// The store of events that the settings ask for.
fn events(
    settings: &Settings,
    configs: &Configs,
    deciders: &[Arc<Decider>],
    metrics: &Metrics,
) -> Result<Option<Events>, StartError> {
    let config = settings.file.events.clone();
    let names = settings.deciders().map(|(name, _)| name.to_owned());
    let deciders = names.zip(deciders.iter().cloned()).collect();
    let (configs, metrics) = (configs.clone(), metrics.events.clone());
    match (config.kind(), config.directory.clone()) {
        (StoreKind::Disk, Some(directory)) => {
            let opened = Events::open(&directory, config, configs, deciders, metrics);
            opened.map(Some).map_err(|why| StartError::Events(directory, why))
        }
        (StoreKind::Nats, _) => Ok(Some(Events::connect(config, configs, deciders, metrics)?)),
        _ => Ok(None),
    }
}

//! A gateway: the parts that its workers share, built from the settings.

use std::sync::Arc;

use arc_swap::ArcSwap;
use process::Mistake;
use transport::{Decider, RetryBudget};

use crate::bridge;
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
    pub(crate) http: Arc<http::Shared>,
    pub(crate) bridge: Arc<bridge::Shared>,
    /// By [`DeciderId`](crate::failure_policy::DeciderId).
    pub(crate) deciders: Vec<Arc<Decider>>,
}

impl Gateway {
    /// A gateway with these settings. Reads secrets and certificates.
    ///
    /// # Errors
    /// Every file that can't be used.
    pub fn new(settings: Settings) -> Result<Self, Vec<Mistake>> {
        Self::observed(settings, None)
    }

    /// The same, with one more observer.
    ///
    /// # Errors
    /// Every file that can't be used.
    pub fn observed(
        settings: Settings,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, Vec<Mistake>> {
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
        let deciders = deciders.collect::<Result<_, _>>()?;
        let http = http::Shared::new(
            file.limits.clone(),
            file.callers.clone(),
            file.tls.clone(),
            metrics.clone(),
        )?;
        let configs = settings.callbacks.clone();
        let http::Limits { in_flight, entries, .. } = file.limits;
        let bridge = bridge::Shared::new(configs, in_flight, entries, observers);
        Ok(Self {
            metrics,
            http: Arc::new(http),
            bridge: Arc::new(bridge),
            deciders,
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
        self.deciders.iter().for_each(|decider| decider.refresh());
    }
}

//! What the workers of one gateway share: the settings in force, the metrics, and the limits of the whole process.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::channel::RetryBudget;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// A gateway, of which each worker serves a share.
#[derive(Debug)]
pub struct Gateway {
    settings: ArcSwap<Settings>,
    /// What is counted.
    pub metrics: Metrics,
    /// How many calls may be sent again.
    pub retries: RetryBudget,
}

impl Gateway {
    /// A gateway with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let retries = RetryBudget::new(settings.file.limits.retry_percent);
        Self { settings: ArcSwap::from_pointee(settings), metrics: Metrics::default(), retries }
    }

    /// The settings in force now. A request keeps those that it began with.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Puts other settings in force, for the requests that come from now on. The addresses, workers, limits and
    /// deciders stay what they were at the start.
    pub fn reload(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }
}

//! The parts that the bridges of all workers share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::bound::Bound;
use crate::events::{Configs, Events};
use crate::failure_policy::CallbackConfigs;
use crate::observe::{Event, Observer};

/// The parts that the bridges of all workers share.
#[derive(Debug)]
pub struct Shared {
    pub(super) configs: Configs,
    /// None: after-callbacks are relayed while OpenIM waits.
    pub(super) events: Option<Arc<Events>>,
    pub(super) in_flight: Bound,
    /// The entries that all lists of messages in a body may have together.
    pub(super) entries: usize,
    observers: Vec<Arc<dyn Observer>>,
}

impl Shared {
    /// Parts with these configurations, and bounds on the calls in flight and on the entries of lists of messages in a
    /// body.
    #[must_use]
    pub fn new(
        configs: Configs,
        events: Option<Arc<Events>>,
        in_flight: usize,
        entries: usize,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        Self { configs, events, in_flight: Bound::new(in_flight), entries, observers }
    }

    /// Puts other configurations in force. A request keeps those that it began with.
    pub fn reload(&self, configs: CallbackConfigs) {
        self.configs.store(Arc::new(configs));
        if let Some(events) = &self.events {
            events.reload();
        }
    }

    /// An observer that panics must not change a verdict that is already there.
    pub(super) fn observe(&self, event: &Event<'_>) {
        for observer in &self.observers {
            let _ = catch_unwind(AssertUnwindSafe(|| observer.observe(event)));
        }
    }
}

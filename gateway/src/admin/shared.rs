//! The parts of a gateway that the admin port shows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::access::Access;
use crate::events::Events;
use crate::observe::Metrics;

/// The parts of a gateway that the admin port shows.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The events, if they are kept.
    pub events: Option<Arc<Events>>,
    /// Who may read events and act on them.
    pub access: Arc<Access>,
}

/// The state of all routes.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) shared: Shared,
    /// True if only this host can connect.
    pub(super) is_local: bool,
    pub(super) draining: CancellationToken,
}

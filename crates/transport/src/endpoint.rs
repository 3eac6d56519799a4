//! One address of a decider: a connection that is kept open, the circuit to it, and the calls in flight.

mod call;
mod core;
mod probe;
mod reconnect;
mod state;

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

pub(crate) use self::core::{Endpoint, Readiness, Signals};
use self::state::State;
use crate::decider::Decider;
use crate::resolve::ResolvedAddress;

impl Endpoint {
    /// An endpoint, whose connection is opened at once.
    pub(crate) fn open(
        at: ResolvedAddress,
        decider: Arc<Decider>,
        signals: Arc<Signals>,
    ) -> Arc<Self> {
        let closing = CancellationToken::new();
        let endpoint = Arc::new(Self {
            at,
            signals,
            used: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            state: Mutex::new(State::new(&decider.breaker)),
            decider,
            lost: Arc::default(),
            connect_requested: Arc::default(),
            probe_requested: Arc::default(),
            _close: closing.clone().drop_guard(),
        });
        endpoint.update(|_| {});
        let (weak, decider) = (Arc::downgrade(&endpoint), endpoint.decider.clone());
        let (longest, requested) = (decider.breaker.longest, endpoint.probe_requested.clone());
        let probe = probe::probe_when_open(weak.clone(), longest, requested);
        tokio::spawn(closing.clone().run_until_cancelled_owned(probe));
        tokio::spawn(closing.run_until_cancelled_owned(reconnect::keep_open(weak, decider)));
        endpoint
    }
}

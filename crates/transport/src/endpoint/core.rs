//! The parts of an endpoint that its calls and its tasks share.

use std::mem::discriminant;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::Notify;
use tokio_util::sync::DropGuard;

use super::state::{Link, State};
use crate::decider::Decider;
use crate::resolve::ResolvedAddress;

/// One address of a decider.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) at: ResolvedAddress,
    pub(super) decider: Arc<Decider>,
    pub(super) signals: Arc<Signals>,
    /// The last connection that a call was sent over.
    pub(super) used: AtomicU64,
    pub(super) in_flight: AtomicUsize,
    pub(super) state: Mutex<State>,
    /// The connection takes no more calls.
    pub(super) lost: Arc<Notify>,
    /// A call needs a connection now, whatever the pause.
    pub(super) connect_requested: Arc<Notify>,
    /// The circuit opened, or a connection was opened while it is open.
    pub(super) probe_requested: Arc<Notify>,
    /// Ends the tasks that keep a connection open and probe the circuit.
    pub(super) _close: DropGuard,
}

/// The signals of a pool's endpoints.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// An endpoint changed its state: calls that wait for a usable one choose again.
    pub(crate) changed: Notify,
    /// A connection failed. The decider's names are resolved anew, since its addresses may have changed.
    pub(crate) unreachable: Notify,
}

/// The readiness of an endpoint for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Readiness {
    /// The circuit lets no call through, or not a second one.
    Open,
    /// The last connection failed.
    Down,
    /// A connection is being opened.
    Connecting,
    /// A call can be sent at once.
    Ready,
}

impl Endpoint {
    /// The readiness for a call, which `counts` or not.
    pub(crate) fn readiness(&self, counts: bool) -> Readiness {
        let state = self.state();
        match &state.link {
            _ if !state.breaker.allows(counts) => Readiness::Open,
            Link::Down => Readiness::Down,
            Link::Connecting => Readiness::Connecting,
            Link::Connected(..) => Readiness::Ready,
        }
    }

    /// Opens a connection for a call, without waiting for the end of the pause. If that fails, the call has failed, which
    /// moves the circuit if the call `counts`.
    pub(crate) fn request_connect(&self, counts: bool) {
        self.update(|state| {
            if matches!(state.link, Link::Down) {
                (state.link, state.awaited) = (Link::Connecting, counts);
                self.connect_requested.notify_one();
            }
        });
    }

    /// The last failure to connect; none while connected.
    pub(crate) fn down(&self) -> Option<String> {
        self.state().down.clone()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// The connection for a call with its generation, and whether the call is a trial; none if there is no connection.
    pub(super) fn admit(&self, counts: bool) -> Option<(SendRequest<Bytes>, u64, bool)> {
        let mut state = self.state();
        let Link::Connected(connection, generation) = state.link.clone() else { return None };
        Some((connection, generation, counts && state.breaker.admit()))
    }

    /// A connection that takes no more calls is not handed out again; another one is opened. The calls on it go on.
    pub(super) fn retire(&self, state: &mut State, generation: u64) {
        if matches!(state.link, Link::Connected(_, current) if current == generation) {
            state.link = Link::Connecting;
            self.lost.notify_one();
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, wakes waiting calls, and calls the observer.
    pub(super) fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let (link, was_open) = (discriminant(&state.link), state.breaker.is_open());
        change(&mut state);
        let linked = link != discriminant(&state.link);
        let is_open = state.breaker.is_open();
        let connected = linked && matches!(state.link, Link::Connected(..));
        let (before, now) = (state.observed, state.observable());
        state.observed = Some(now);
        drop(state);
        if before != Some(now) {
            self.decider.observer.endpoint(&self.decider.name, before, Some(now));
        }
        if is_open && (connected || !was_open) {
            self.probe_requested.notify_one();
        }
        // While the circuit is open, the link's changes are not reported.
        if linked || before != Some(now) {
            self.signals.changed.notify_waiters();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let observed = self.state().observed.take();
        self.decider.observer.endpoint(&self.decider.name, observed, None);
    }
}

//! One address of a decider: a connection that is kept open, the circuit to it, and the calls in flight.

mod call;
mod probe;
mod reconnect;
mod state;

use std::mem::discriminant;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use http::uri::PathAndQuery;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::call::Call;
use self::state::{Link, State};
use crate::context::Context;
use crate::decider::Decider;
use crate::failure::Failure;
use crate::resolve::ResolvedAddress;
use crate::unary::{self, CallError};

/// One address of a decider.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) at: ResolvedAddress,
    decider: Arc<Decider>,
    signals: Arc<Signals>,
    /// The last connection that a call was sent over.
    used: AtomicU64,
    in_flight: AtomicUsize,
    state: Mutex<State>,
    /// The connection takes no more calls.
    lost: Arc<Notify>,
    /// A call needs a connection now, whatever the pause.
    connect_requested: Arc<Notify>,
    /// The circuit opened, or a connection was opened while it is open.
    probe_requested: Arc<Notify>,
    /// Ends the tasks that keep a connection open and probe the circuit.
    _close: DropGuard,
}

/// The signals of a pool's endpoints.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// An endpoint changed its state: those who wait for one that can be used look again.
    pub(super) changed: Notify,
    /// A connection failed. The decider's names are resolved anew, since its addresses may have changed.
    pub(super) unreachable: Notify,
}

/// The use that an endpoint is of for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Readiness {
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
    /// An endpoint, whose connection is opened at once.
    pub(super) fn open(
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

    /// The use that it is of for a call, which `counts` or not.
    pub(super) fn readiness(&self, counts: bool) -> Readiness {
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
    pub(super) fn request_connect(&self, counts: bool) {
        self.update(|state| {
            if matches!(state.link, Link::Down) {
                (state.link, state.awaited) = (Link::Connecting, counts);
                self.connect_requested.notify_one();
            }
        });
    }

    /// The reason why no connection could be opened.
    pub(super) fn down(&self) -> Option<String> {
        self.state().down.clone()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Makes a call.
    pub(super) async fn call(
        &self,
        path: &PathAndQuery,
        context: &Context<'_>,
        frame: Bytes,
    ) -> Result<Result<Bytes, Failure>, CallError> {
        let Some((connection, generation, trial)) = self.admit(context.counts) else {
            return Err(CallError::NotSent(format!("not connected to {}", self.at.address)));
        };
        let mut call = Call::begin(self, context, trial);
        // The first call that is no probe, which lacks the names of others.
        let first = !context.values.is_empty() && self.used.swap(generation, Relaxed) != generation;
        let mut request = Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.at.target.uri(path);
        *request.headers_mut() = context.headers(self.decider.token(), call.began, first);
        let outcome = unary::call(connection, request, frame).await;
        call.end(&outcome);
        // A server that says goodbye is not a failing one.
        if let Err(CallError::NotSent(_) | CallError::NotProcessed(_)) = &outcome {
            self.update(|state| self.retire(state, generation));
        }
        outcome
    }

    /// The connection for a call with its generation, and whether the call is a trial; none if there is no connection.
    fn admit(&self, counts: bool) -> Option<(SendRequest<Bytes>, u64, bool)> {
        let mut state = self.state();
        let Link::Connected(connection, generation) = state.link.clone() else { return None };
        Some((connection, generation, counts && state.breaker.admit()))
    }

    /// A connection that takes no more calls is not handed out again; another one is opened. The calls on it go on.
    fn retire(&self, state: &mut State, generation: u64) {
        if matches!(state.link, Link::Connected(_, current) if current == generation) {
            state.link = Link::Connecting;
            self.lost.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state; wakes those who wait for an endpoint, and calls the observer.
    fn update(&self, change: impl FnOnce(&mut State)) {
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
        // While the circuit is open, the link changes unseen by the observer.
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

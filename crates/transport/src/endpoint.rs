//! One address of a decider: a connection that is kept open, the circuit to it, and the calls in flight.

mod reconnect;

use std::mem::discriminant;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use http::uri::PathAndQuery;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::breaker::Breaker;
use crate::context::Context;
use crate::decider::{Decider, EndpointState};
use crate::failure::Failure;
use crate::resolve::ResolvedAddress;
use crate::unary::{self, CallError};

/// A call that had less time than this, since its body came late, say, is not held against the endpoint.
const MIN_CALL_TIME: Duration = Duration::from_millis(100);

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
    /// Ends the task that keeps a connection open.
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

#[derive(Debug)]
struct State {
    link: Link,
    breaker: Breaker,
    /// Whether a call waits for the connection that is being opened after one that failed, and its outcome counts.
    awaited: bool,
    /// The reason why no connection could be opened since the last one.
    down: Option<String>,
    /// The state that the observer knows.
    observed: Option<EndpointState>,
}

#[derive(Clone, Debug)]
enum Link {
    Connecting,
    Connected(SendRequest<Bytes>, u64),
    Down,
}

/// How good an endpoint is to be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Readiness {
    /// The circuit is open.
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
        let state = State {
            link: Link::Connecting,
            breaker: Breaker::new(&decider.breaker),
            awaited: false,
            down: None,
            observed: None,
        };
        let endpoint = Arc::new(Self {
            at,
            decider,
            signals,
            used: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            state: Mutex::new(state),
            lost: Arc::default(),
            connect_requested: Arc::default(),
            _close: closing.clone().drop_guard(),
        });
        endpoint.update(|_| {});
        let keep_open = reconnect::keep_open(Arc::downgrade(&endpoint), endpoint.decider.clone());
        tokio::spawn(async move { closing.run_until_cancelled(keep_open).await });
        endpoint
    }

    pub(super) fn readiness(&self) -> Readiness {
        let state = self.state();
        match &state.link {
            _ if state.breaker.is_open() => Readiness::Open,
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
        context: &Context,
        frame: Bytes,
    ) -> Result<Result<Bytes, Failure>, CallError> {
        let Link::Connected(connection, generation) = self.state().link.clone() else {
            return Err(CallError::NotSent(format!("not connected to {}", self.at.address)));
        };
        let mut call = Call::begin(self, context);
        let first = self.used.swap(generation, Relaxed) != generation;
        let mut request = Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.at.target.uri(path);
        *request.headers_mut() = context.headers(&self.decider, call.began, first);
        let outcome = unary::call(connection, request, frame).await;
        call.end(&outcome);
        // A server that says goodbye is not a failing one.
        if let Err(CallError::NotSent(_) | CallError::NotProcessed(_)) = &outcome {
            self.update(|state| self.retire(state, generation));
        }
        outcome
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
        let link = discriminant(&state.link);
        change(&mut state);
        let linked = link != discriminant(&state.link);
        let (before, now) = (state.observed, state.observable());
        state.observed = Some(now);
        drop(state);
        if before != Some(now) {
            self.decider.observer.endpoint(&self.decider.name, before, Some(now));
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

impl State {
    /// A peer that accepts a connection need not be one that answers calls: the next call finds out.
    fn connected(&mut self, sender: SendRequest<Bytes>, generation: u64) {
        if self.down.take().is_some() {
            self.breaker.half_open(Instant::now());
        }
        self.link = Link::Connected(sender, generation);
    }

    fn not_connected(&mut self, why: String) {
        if std::mem::take(&mut self.awaited) {
            self.breaker.unreachable(Instant::now());
        }
        (self.link, self.down) = (Link::Down, Some(why));
    }

    fn observable(&self) -> EndpointState {
        match &self.link {
            _ if !self.breaker.is_closed() => EndpointState::Open,
            Link::Connecting => EndpointState::Connecting,
            Link::Connected(..) => EndpointState::Connected,
            Link::Down => EndpointState::Down,
        }
    }
}

/// A call in flight. One that is dropped before its end was given up: by the deadline, which counts as a failure if
/// there was time for an answer, or by the caller.
struct Call<'a> {
    endpoint: &'a Endpoint,
    began: Instant,
    deadline: Instant,
    counts: bool,
    /// Whether it probes an open circuit.
    probe: bool,
    ended: bool,
}

impl<'a> Call<'a> {
    fn begin(endpoint: &'a Endpoint, context: &Context) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        let (counts, deadline) = (context.counts, context.deadline);
        let probe = counts && endpoint.state().breaker.admit();
        Self { endpoint, began: Instant::now(), deadline, counts, probe, ended: false }
    }

    /// Holds the outcome against the endpoint, or for it.
    fn end(&mut self, outcome: &Result<Result<Bytes, Failure>, CallError>) {
        self.ended = true;
        if !self.counts {
            return;
        }
        let (now, probe) = (Instant::now, self.probe);
        self.endpoint.update(|state| match outcome {
            Ok(Err(failure)) if failure.is_unavailable() => state.breaker.failed(now(), probe),
            Ok(_) | Err(CallError::TooLarge) => state.breaker.succeeded(probe),
            Err(CallError::Broken(_)) => state.breaker.failed(now(), probe),
            // One stream too many says nothing of the connection, nor of the endpoint.
            Err(CallError::Refused(_) | CallError::NotSent(_) | CallError::NotProcessed(_)) => {
                state.breaker.abandoned(now(), probe);
            }
        });
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        if self.counts && !self.ended {
            let (now, probe) = (Instant::now(), self.probe);
            let had_time = now >= self.began + MIN_CALL_TIME;
            self.endpoint.update(|state| match now >= self.deadline && had_time {
                true => state.breaker.failed(now, probe),
                false => state.breaker.abandoned(now, probe),
            });
        }
    }
}

//! One address of a decider: a connection that is kept open, the circuit to it, and the calls in flight.

mod keeper;

use std::mem::discriminant;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderValue, Uri};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::breaker::Breaker;
use super::connect::{Address, Target};
use super::metadata;
use super::resolve::Place;
use super::unary::{self, Failed};
use crate::error::Failure;
use crate::gateway::Gateway;
use crate::metrics::EndpointState;
use crate::settings::Decider;
use crate::webhook;

/// A call that had less time than this, since its body came late, say, is not held against the endpoint.
const FAIR: Duration = Duration::from_millis(100);

/// One address of a decider.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    target: Target,
    uris: Vec<Uri>,
    /// The last connection that a call was sent over.
    used: AtomicU64,
    in_flight: AtomicUsize,
    state: Mutex<State>,
    /// Told when the connection takes no more calls.
    lost: Arc<Notify>,
    /// Told when a call wants a connection now, whatever the pause.
    wanted: Arc<Notify>,
    watch: Watch,
    /// Ends the task that keeps a connection open.
    _keeper: DropGuard,
}

/// Who is told of an endpoint's state.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// Waits for an endpoint that can be used.
    pub(super) changed: Arc<Notify>,
    /// Resolves the decider's names anew: its addresses may have changed.
    pub(super) unreachable: Arc<Notify>,
    pub(super) gateway: Arc<Gateway>,
    pub(super) decider: Arc<str>,
}

#[derive(Debug)]
struct State {
    link: Link,
    breaker: Breaker,
    /// Whether a call waits for the connection that is being opened after one that failed.
    wanted: bool,
    /// Why no connection could be opened since the last one.
    down: Option<String>,
    /// What the gauge counts.
    counted: Option<EndpointState>,
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
        (address, target): Place,
        decider: &Arc<Decider>,
        watch: Watch,
    ) -> Arc<Self> {
        let closing = CancellationToken::new();
        let breaker = Breaker::new(&watch.gateway.settings().file.breaker);
        let endpoint = Arc::new(Self {
            address,
            uris: target.uris(),
            target,
            used: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            state: Mutex::new(State {
                link: Link::Connecting,
                breaker,
                wanted: false,
                down: None,
                counted: None,
            }),
            lost: Arc::default(),
            wanted: Arc::default(),
            watch,
            _keeper: closing.clone().drop_guard(),
        });
        endpoint.update(|_| {});
        let keep_open = keeper::keep_open(Arc::downgrade(&endpoint), decider.clone());
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

    /// Opens a connection for a call, without waiting for the end of the pause. If that fails, the call has failed.
    pub(super) fn want(&self) {
        self.update(|state| {
            if matches!(state.link, Link::Down) {
                (state.link, state.wanted) = (Link::Connecting, true);
                self.wanted.notify_one();
            }
        });
    }

    /// Why no connection could be opened.
    pub(super) fn down(&self) -> Option<String> {
        self.state().down.clone()
    }

    pub(super) fn place(&self) -> Place {
        (self.address.clone(), self.target.clone())
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Makes a call.
    pub(super) async fn call(
        &self,
        about: &webhook::Call<'_>,
        token: Option<HeaderValue>,
        frame: Bytes,
    ) -> Result<Result<Bytes, Failure>, Failed> {
        let Link::Connected(connection, generation) = self.state().link.clone() else {
            return Err(Failed::NotSent(format!("not connected to {}", self.address)));
        };
        let mut call = Call::begin(self, about.deadline);
        let mut request = http::Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.uris[about.place()].clone();
        let first = self.used.swap(generation, Relaxed) != generation;
        *request.headers_mut() = metadata::headers(about, token, call.began, first);
        let outcome = unary::call(connection, request, frame).await;
        call.settled = true;
        let (now, probe) = (Instant::now, call.probe);
        self.update(|state| match &outcome {
            Ok(Err(failure)) if failure.is_unavailable() => state.breaker.failed(now(), probe),
            Ok(_) | Err(Failed::TooLarge) => state.breaker.succeeded(probe),
            Err(Failed::Broken(_)) => state.breaker.failed(now(), probe),
            // One stream too many says nothing of the connection, nor of the endpoint.
            Err(Failed::Refused(_)) => state.breaker.abandoned(now(), probe),
            // A server that says goodbye is not a failing one.
            Err(Failed::NotSent(_) | Failed::NotProcessed(_)) => {
                state.breaker.abandoned(now(), probe);
                self.retire(state, generation);
            }
        });
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

    /// Changes the state, and tells those who wait for an endpoint or count them.
    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let link = discriminant(&state.link);
        change(&mut state);
        let linked = link != discriminant(&state.link);
        let (before, now) = (state.counted, state.observed());
        state.counted = Some(now);
        drop(state);
        if before != Some(now) {
            self.watch.gateway.metrics.endpoint(&self.watch.decider, before, Some(now));
        }
        // While the circuit is open, the link changes unseen by the gauge.
        if linked || before != Some(now) {
            self.watch.changed.notify_waiters();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let counted = self.state().counted.take();
        self.watch.gateway.metrics.endpoint(&self.watch.decider, counted, None);
    }
}

impl State {
    /// A peer that accepts a connection need not be one that answers calls: the next call finds out.
    fn connected(&mut self, sender: SendRequest<Bytes>, generation: u64) {
        if self.down.take().is_some() {
            self.breaker.hope(Instant::now());
        }
        self.link = Link::Connected(sender, generation);
    }

    fn not_connected(&mut self, why: String) {
        if std::mem::take(&mut self.wanted) {
            self.breaker.unreachable(Instant::now());
        }
        (self.link, self.down) = (Link::Down, Some(why));
    }

    fn observed(&self) -> EndpointState {
        match &self.link {
            _ if !self.breaker.is_closed() => EndpointState::Open,
            Link::Connecting => EndpointState::Connecting,
            Link::Connected(..) => EndpointState::Connected,
            Link::Down => EndpointState::Down,
        }
    }
}

/// A call in flight. One that is dropped unsettled was given up: by the deadline, which counts as a failure if there was
/// time for an answer, or by the caller.
struct Call<'a> {
    endpoint: &'a Endpoint,
    began: Instant,
    deadline: Instant,
    probe: bool,
    settled: bool,
}

impl<'a> Call<'a> {
    fn begin(endpoint: &'a Endpoint, deadline: Instant) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        let probe = endpoint.state().breaker.admit();
        Self { endpoint, began: Instant::now(), deadline, probe, settled: false }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        if !self.settled {
            let (now, probe) = (Instant::now(), self.probe);
            let had_time = now >= self.began + FAIR;
            self.endpoint.update(|state| match now >= self.deadline && had_time {
                true => state.breaker.failed(now, probe),
                false => state.breaker.abandoned(now, probe),
            });
        }
    }
}

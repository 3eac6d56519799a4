//! The metrics of a gateway. The values of labels are bounded.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use transport::EndpointState;

use super::event::{Event, Label, Note, Observer, Outcome};
use super::event_metrics::EventMetrics;
use crate::openim::contract::CALLBACKS;
use crate::openim::key::CallbackKey;
use crate::openim::rejection::{Rejection, Unauthorised};

/// The label of requests that name no callback.
const NO_CALLBACK: &str = "none";

/// Upper bounds in seconds: around the usual time of a decision, and up to OpenIM's timeout.
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The metrics of a gateway, shared by its workers.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    callbacks: Family<Ending, Counter>,
    seconds: Family<Callback, Histogram>,
    decider_seconds: Family<Callback, Histogram>,
    in_flight: Gauge,
    dropped_edits: Family<Callback, Counter>,
    wrong_answers: Family<Callback, Counter>,
    retries: Family<Decider, Counter>,
    endpoints: Family<Endpoint, Gauge>,
    reloads: Family<Reload, Counter>,
    unauthorised: Family<Reason, Counter>,
    connections: Gauge,
    dropped_lines: Counter,
    /// Those of events.
    pub(crate) events: Arc<EventMetrics>,
    /// The cells of each callback, by [`Call::index`](crate::openim::call::Call::index); the last are those of requests
    /// that name none.
    cells: Vec<Cells>,
}

/// The cells of one callback. Each is looked up by its labels once, when it is first counted.
#[derive(Debug)]
struct Cells {
    callback: &'static str,
    ended: [OnceLock<Counter>; Label::ALL.len()],
    seconds: OnceLock<Histogram>,
    decider_seconds: OnceLock<Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Callback {
    callback: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: Unauthorised,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ending {
    callback: &'static str,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("callback_gateway"),
            callbacks: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            decider_seconds: Family::new_with_constructor(histogram),
            in_flight: Gauge::default(),
            dropped_edits: Family::default(),
            wrong_answers: Family::default(),
            retries: Family::default(),
            endpoints: Family::default(),
            reloads: Family::default(),
            unauthorised: Family::default(),
            connections: Gauge::default(),
            dropped_lines: Counter::default(),
            events: Arc::default(),
            cells: CallbackKey::all()
                .map(CallbackKey::as_str)
                .chain([NO_CALLBACK])
                .map(Cells::of)
                .collect(),
        };
        let registry = &mut metrics.registry;
        metrics.events.register(registry);
        registry.register("callbacks", "Callbacks, by how they ended", metrics.callbacks.clone());
        registry.register_with_unit(
            "duration",
            "Time from a request's head to its verdict",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register_with_unit(
            "decider_duration",
            "Time that the decider took, or was given",
            Unit::Seconds,
            metrics.decider_seconds.clone(),
        );
        registry.register("in_flight", "Requests being answered", metrics.in_flight.clone());
        registry.register(
            "dropped_edits",
            "Edits left out because OpenIM would crash on them",
            metrics.dropped_edits.clone(),
        );
        registry.register(
            "wrong_answers",
            "Answers of the decider that could not be passed on",
            metrics.wrong_answers.clone(),
        );
        registry.register(
            "retries",
            "Calls that were sent again because they surely had not run",
            metrics.retries.clone(),
        );
        registry.register(
            "endpoints",
            "Endpoints of deciders by state; each worker has its own connections",
            metrics.endpoints.clone(),
        );
        registry.register(
            "reloads",
            "Times that the settings of callbacks were read again, by result",
            metrics.reloads.clone(),
        );
        registry.register(
            "unauthorised",
            "Requests of callers who may not call, by what they lack",
            metrics.unauthorised.clone(),
        );
        registry.register(
            "log_dropped_lines",
            "Lines of the log that were dropped, since stderr took none",
            metrics.dropped_lines.clone(),
        );
        registry.register(
            "connections",
            "Connections on the callback port",
            metrics.connections.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// All metrics in OpenMetrics' text format.
    ///
    /// # Errors
    /// Those of formatting.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        self.events.refresh();
        self.dropped_lines.inner().store(process::log::dropped(), Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn reloaded(&self, succeeded: bool) {
        let result = if succeeded { "success" } else { "failure" };
        self.reloads.get_or_create(&Reload { result }).inc();
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(crate) fn in_flight(&self) -> Counted<'_> {
        Counted::new(&self.in_flight)
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connected(&self) -> Counted<'_> {
        Counted::new(&self.connections)
    }
}

impl Cells {
    fn of(callback: &'static str) -> Self {
        let ended = std::array::from_fn(|_| OnceLock::new());
        Self { callback, ended, seconds: OnceLock::new(), decider_seconds: OnceLock::new() }
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Event<'_>) {
        let cells = &self.cells[event.call.map_or(CALLBACKS.len() + 1, |call| call.index())];
        let (callback, label) = (cells.callback, event.label());
        let ended = || {
            let ending = Ending { callback, outcome: label.as_str() };
            self.callbacks.get_or_create_owned(&ending)
        };
        cells.ended[label as usize].get_or_init(ended).inc();
        let seconds = || self.seconds.get_or_create_owned(&Callback { callback });
        cells.seconds.get_or_init(seconds).observe(event.took.as_secs_f64());
        if let Some(took) = event.decider_took {
            let seconds = || self.decider_seconds.get_or_create_owned(&Callback { callback });
            cells.decider_seconds.get_or_init(seconds).observe(took.as_secs_f64());
        }
        for note in &event.notes {
            if let Note::EditDropped(_) = note {
                self.dropped_edits.get_or_create(&Callback { callback }).inc();
            }
        }
        match &event.outcome {
            Outcome::Failed { failure, .. } if failure.is_wrong_answer() => {
                self.wrong_answers.get_or_create(&Callback { callback }).inc();
            }
            Outcome::Rejected(Rejection::Unauthorised { reason, .. }) => {
                self.unauthorised.get_or_create(&Reason { reason: *reason }).inc();
            }
            _ => {}
        }
    }
}

impl transport::Observer for Metrics {
    fn endpoint(&self, decider: &str, from: Option<EndpointState>, to: Option<EndpointState>) {
        let count = |state: EndpointState| {
            let endpoint = Endpoint { decider: decider.to_owned(), state: state_label(state) };
            self.endpoints.get_or_create_owned(&endpoint)
        };
        if let Some(state) = from {
            count(state).dec();
        }
        if let Some(state) = to {
            count(state).inc();
        }
    }

    fn retried(&self, decider: &str) {
        self.retries.get_or_create(&Decider { decider: decider.to_owned() }).inc();
    }
}

fn state_label(state: EndpointState) -> &'static str {
    match state {
        EndpointState::Connecting => "connecting",
        EndpointState::Connected => "connected",
        EndpointState::Down => "down",
        EndpointState::Open => "open",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decider {
    decider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    decider: String,
    state: &'static str,
}

/// One more in a gauge until it is dropped, also when a client disconnects.
#[derive(Debug)]
pub(crate) struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl EncodeLabelValue for Unauthorised {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(match self {
            Self::Network => "network",
            Self::PathSecret => "path_secret",
            Self::Basic => "basic",
        })
    }
}

//! What operators count: verdicts, times, and what went wrong. Labels have bounded values.

use std::fmt::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::contract::{CALLBACKS, Callback as Known};
use crate::error::Unauthorised;
use crate::policy::Policies;

/// Upper bounds in seconds, around what a decision takes and up to what OpenIM waits.
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
    /// What is counted for every callback, by [`Whose`].
    counts: Vec<Counts>,
}

/// What is counted for every callback; looked up by its labels once, when it is first counted.
#[derive(Debug, Default)]
struct Counts {
    ended: [OnceLock<Counter>; Outcome::COUNT],
    seconds: OnceLock<Histogram>,
    decider_seconds: OnceLock<Histogram>,
}

/// Whose request is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose(usize);

impl Whose {
    /// Of a request that names no callback.
    pub(crate) const NOBODY: Self = Self(CALLBACKS.len() + 1);

    /// Of a callback; none is one that the contract does not know.
    pub(crate) fn of(callback: Option<&Known>) -> Self {
        Self(callback.map_or(CALLBACKS.len(), |callback| callback.rpc as usize))
    }

    fn label(self) -> &'static str {
        match CALLBACKS.get(self.0) {
            Some(callback) => callback.setting,
            None if self.0 == CALLBACKS.len() => Policies::UNKNOWN,
            None => "none",
        }
    }
}

/// How a callback ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The decider allowed it, or the settings without asking; of an after-callback, then, nobody was told.
    Allow,
    /// The decider allowed it with edits.
    Edit,
    /// The decider denied it, or the settings without asking.
    Deny,
    /// There was no decision, and the failure policy allowed it.
    FailedAllow,
    /// There was no decision, and the failure policy denied it.
    FailedDeny,
    /// The request was no callback.
    Refused,
    /// The decider was told of an after-callback.
    Delivered,
    /// The decider could not be told of an after-callback.
    Failed,
}

impl Outcome {
    const COUNT: usize = Self::Failed as usize + 1;
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
    outcome: Outcome,
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
            counts: (0..=Whose::NOBODY.0).map(|_| Counts::default()).collect(),
        };
        let registry = &mut metrics.registry;
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
            "Times that the policies were read anew, by whether they could be put in force",
            metrics.reloads.clone(),
        );
        registry.register(
            "unauthorised",
            "Requests of callers who may not call, by what they lack",
            metrics.unauthorised.clone(),
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
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn ended(&self, whose: Whose, outcome: Outcome, took: Duration) {
        let (counts, callback) = (&self.counts[whose.0], whose.label());
        let ending = || self.callbacks.get_or_create(&Ending { callback, outcome }).clone();
        counts.ended[outcome as usize].get_or_init(ending).inc();
        let seconds = || self.seconds.get_or_create(&Callback { callback }).clone();
        counts.seconds.get_or_init(seconds).observe(took.as_secs_f64());
    }

    pub(crate) fn asked(&self, whose: Whose, took: Duration) {
        let callback = whose.label();
        let seconds = || self.decider_seconds.get_or_create(&Callback { callback }).clone();
        self.counts[whose.0].decider_seconds.get_or_init(seconds).observe(took.as_secs_f64());
    }

    pub(crate) fn dropped_edit(&self, callback: &'static str) {
        self.dropped_edits.get_or_create(&Callback { callback }).inc();
    }

    pub(crate) fn wrong_answer(&self, callback: &'static str) {
        self.wrong_answers.get_or_create(&Callback { callback }).inc();
    }

    pub(crate) fn reloaded(&self, succeeded: bool) {
        let result = if succeeded { "success" } else { "failure" };
        self.reloads.get_or_create(&Reload { result }).inc();
    }

    pub(crate) fn retried(&self, decider: &str) {
        self.retries.get_or_create(&Decider { decider: decider.to_owned() }).inc();
    }

    /// An endpoint has come to a state, from another.
    pub(crate) fn endpoint(
        &self,
        decider: &str,
        from: Option<EndpointState>,
        to: Option<EndpointState>,
    ) {
        let count =
            |state| self.endpoints.get_or_create(&Endpoint { decider: decider.to_owned(), state });
        if let Some(state) = from {
            count(state).dec();
        }
        if let Some(state) = to {
            count(state).inc();
        }
    }

    pub(crate) fn unauthorised(&self, reason: Unauthorised) {
        self.unauthorised.get_or_create(&Reason { reason }).inc();
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

/// What an endpoint of a decider can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// A connection is being opened.
    Connecting,
    /// Calls can be sent.
    Connected,
    /// The last connection failed; it is tried again in growing pauses.
    Down,
    /// Calls failed in a row; one probes after a growing pause.
    Open,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decider {
    decider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    decider: String,
    state: EndpointState,
}

/// Something that there is now; a client that leaves ends it too.
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

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(match self {
            Self::Allow => "allow",
            Self::Edit => "edit",
            Self::Deny => "deny",
            Self::FailedAllow => "failed_allow",
            Self::FailedDeny => "failed_deny",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        })
    }
}

impl EncodeLabelValue for EndpointState {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Down => "down",
            Self::Open => "open",
        })
    }
}

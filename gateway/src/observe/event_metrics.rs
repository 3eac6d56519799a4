//! The metrics of events: after-callbacks that a store keeps.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::openim::call::index;
use crate::openim::contract::Callback;
use crate::openim::key::CallbackKey;

/// Upper bounds of a commit's time in seconds: around that of an fsync.
const COMMIT_SECONDS: [f64; 11] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 1.0];

/// The metrics of events.
#[derive(Debug)]
pub struct EventMetrics {
    events: Family<Counted, Counter>,
    /// The cells of each callback, by [`index`]. Each is looked up by its labels once, when it is first counted.
    cells: Vec<[OnceLock<Counter>; EventOutcome::NUMBER]>,
    waiting: Gauge,
    dead: Gauge,
    oldest_age: Gauge,
    /// The time when the oldest event that waits was received, in milliseconds since 1970; 0 if none waits.
    oldest: AtomicI64,
    commit_seconds: Histogram,
    retired: Counter,
    unreadable: Counter,
}

/// The outcome of an event, or of an attempt to deliver it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// OpenIM told.
    Received,
    /// The decider received it.
    Delivered,
    /// The decider does not implement its rpc.
    Ignored,
    /// An attempt failed, and another one follows.
    Retried,
    /// It is kept, and not attempted again.
    Dead,
    /// It was not stored, and not received by its decider either.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    callback: &'static str,
    outcome: &'static str,
}

impl EventOutcome {
    const NUMBER: usize = Self::Lost as usize + 1;

    fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Delivered => "delivered",
            Self::Ignored => "ignored",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::Lost => "lost",
        }
    }
}

impl Default for EventMetrics {
    fn default() -> Self {
        Self {
            events: Family::default(),
            cells: CallbackKey::all().map(|_| Default::default()).collect(),
            waiting: Gauge::default(),
            dead: Gauge::default(),
            oldest_age: Gauge::default(),
            oldest: AtomicI64::default(),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            retired: Counter::default(),
            unreadable: Counter::default(),
        }
    }
}

impl EventMetrics {
    /// Adds them to those of the process.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "events",
            "Events, which are after-callbacks that a store keeps, by outcome",
            self.events.clone(),
        );
        registry.register("events_waiting", "Events that wait for delivery", self.waiting.clone());
        registry.register("events_dead", "Events that are not tried again", self.dead.clone());
        registry.register_with_unit(
            "events_oldest_age",
            "Age of the oldest event that waits",
            Unit::Seconds,
            self.oldest_age.clone(),
        );
        registry.register_with_unit(
            "events_commit_duration",
            "Time of a commit of the store",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "events_databases_retired",
            "Databases that were damaged, and replaced by a new one",
            self.retired.clone(),
        );
        registry.register(
            "events_unreadable",
            "Gaps in damaged databases, of one or more events each",
            self.unreadable.clone(),
        );
    }

    /// Brings what depends on the time up to date.
    pub(super) fn refresh(&self) {
        let age = match self.oldest.load(Relaxed) {
            0 => 0,
            oldest => (millis(SystemTime::now()) - oldest).max(0) / 1000,
        };
        self.oldest_age.set(age);
    }

    /// Counts an event of a callback; none if this gateway does not have it.
    pub fn count(&self, callback: Option<&Callback>, outcome: EventOutcome) {
        let cell = || {
            let callback = callback.map_or(CallbackKey::UNKNOWN.as_str(), |known| known.setting);
            self.events.get_or_create_owned(&Counted { callback, outcome: outcome.as_str() })
        };
        self.cells[index(callback)][outcome as usize].get_or_init(cell).inc();
    }

    /// The number of events that wait, and the time when the oldest of them was received.
    pub fn waiting(&self, count: u64, oldest: Option<SystemTime>) {
        self.waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.oldest.store(oldest.map_or(0, millis), Relaxed);
    }

    /// The number of dead events.
    pub fn dead(&self, count: u64) {
        self.dead.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A commit took this long.
    pub fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// A damaged database was replaced.
    pub fn retired(&self) {
        self.retired.inc();
    }

    /// A damaged database has these gaps.
    pub fn unreadable(&self, gaps: u64) {
        self.unreadable.inc_by(gaps);
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

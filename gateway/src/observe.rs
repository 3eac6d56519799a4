//! The outcome of each request, for operators: one [`Event`], which the log, the metrics and `play` read.

pub mod event;
mod event_metrics;
pub mod log;
pub mod metrics;

pub use event::{Event, Failure, Note, Observer, Outcome};
pub use event_metrics::{EventMetrics, EventOutcome};
pub use metrics::Metrics;

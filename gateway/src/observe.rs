//! The outcome of each request, for operators: one [`Event`], which the log, the metrics and `play` read.

pub mod event;
pub mod log;
pub mod metrics;

pub use event::{Event, Failure, Note, Observer, Outcome};
pub use metrics::Metrics;

//! Counts and logs what becomes of records. Content is never logged; a status is quoted, since a decider may have made
//! it of a user's text.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::record::Record;
use crate::observe::{EventMetrics, EventOutcome};

/// Counts and logs what becomes of records.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    pub(crate) metrics: Arc<EventMetrics>,
}

/// A line about a record, at a level, with the record's own fields.
macro_rules! about {
    ($level:ident, $record:expr, $($line:tt)+) => {
        $level!(
            callback = $record.callback.setting,
            operation_id = ?$record.operation_id,
            callback_id = %$record.id,
            $($line)+
        )
    };
}

impl Reports {
    pub(crate) fn received(&self, record: &Record) {
        self.count(record, EventOutcome::Received);
    }

    pub(crate) fn delivered(&self, record: &Record) {
        self.count(record, EventOutcome::Delivered);
        about!(debug, record, "event delivered");
    }

    pub(crate) fn ignored(&self, record: &Record) {
        self.count(record, EventOutcome::Ignored);
        about!(info, record, "event ignored: the decider does not implement its rpc");
    }

    pub(crate) fn retried(&self, record: &Record, attempt: u32, why: &str, pause: Duration) {
        self.count(record, EventOutcome::Retried);
        about!(warn, record, attempt, ?why, ?pause, "event not delivered: it is tried again");
    }

    pub(crate) fn dead(&self, record: &Record, attempt: u32, why: &str) {
        self.count(record, EventOutcome::Dead);
        about!(error, record, attempt, ?why, "event dead: it is kept, and not tried again");
    }

    /// A record of a callback that this gateway does not have is dead.
    pub(crate) fn unknown(&self, callback: &str) {
        self.metrics.count(None, EventOutcome::Dead);
        error!(callback, "event dead: this version does not have its callback");
    }

    /// A message in NATS that no gateway has published can't be delivered.
    pub(crate) fn foreign(&self, subject: &str, why: &str) {
        self.metrics.count(None, EventOutcome::Lost);
        error!(subject, why, "a message is deleted that no gateway has published");
    }

    /// The store did not take it.
    pub(crate) fn relayed(&self, record: &Record, why: &str) {
        about!(warn, record, ?why, "event not stored: it is sent to its decider at once");
    }

    pub(crate) fn lost(&self, record: &Record, why: &str) {
        self.count(record, EventOutcome::Lost);
        about!(error, record, ?why, "event lost");
    }

    fn count(&self, record: &Record, outcome: EventOutcome) {
        self.metrics.count(Some(record.callback), outcome);
    }
}

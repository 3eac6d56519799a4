//! The records of one decider, and those in flight.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::record::Record;

/// The most records of a decider that are ready; more are read back.
pub(super) const READY: usize = 1024;
/// The size from which a record is read back in any case, so that what is ready takes 16 MiB at most.
pub(super) const READY_SIZE: usize = 16 << 10;
/// The most bytes of records in flight to one decider.
const IN_FLIGHT_BYTES: usize = 16 << 20;

/// The records of one decider.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) in_flight: usize,
    pub(super) bytes: usize,
    /// Records that were just stored, and are next. In steady load they need not be read back.
    pub(super) ready: VecDeque<(i64, Arc<Record>)>,
    /// Every fresh record up to this number is ready, was handed out, or waits for its key.
    pub(super) cursor: i64,
    /// Records behind the cursor may wait in the database.
    pub(super) is_behind: bool,
    /// Records that are due were left, since the lane was full.
    pub(super) is_overdue: bool,
}

impl Lane {
    /// True if a lane with this bound on records in flight takes no more.
    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.in_flight >= limit || self.bytes >= IN_FLIGHT_BYTES
    }

    /// Reads what is ready back from the database, since it may have changed there.
    pub(super) fn unready(&mut self) {
        if let Some((first, _)) = self.ready.front() {
            (self.cursor, self.is_behind) = (self.cursor.min(first - 1), true);
            self.ready.clear();
        }
    }

    /// True if the record is ready.
    pub(super) fn holds(&self, seq: i64) -> bool {
        self.ready.binary_search_by_key(&seq, |(seq, _)| *seq).is_ok()
    }
}

/// The place of a record after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It waits no longer.
    Left,
    /// It waits for another attempt.
    PutOff,
    /// It waits as before, or was dropped before the attempt ended.
    Unchanged,
}

/// A record in flight.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) lane: usize,
    pub(super) key: Option<String>,
    pub(super) size: usize,
    pub(super) is_retry: bool,
}

//! The messages to the writer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::deliver::Attempt;
use super::super::letters::Change;
use super::super::record::Record;
use super::waiter::Waiter;

/// A message to the writer.
pub(super) enum Message {
    /// Store this record, and answer when it is on disk.
    Keep(Arc<Record>, Waiter),
    /// An attempt has ended.
    Ended(Ended),
    /// Make a change that an operator asked for.
    Act(Act),
    /// Callbacks may have other deciders now.
    Reload,
    /// Most of the WAL is in the database: the rest can be written at once, and the WAL begins anew.
    FinishCheckpoint,
    /// Hand out nothing more, and end when nothing is in flight, or after this time.
    Stop(Duration),
}

/// A change that an operator asked for.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) change: Change,
    pub(super) places: Vec<Place>,
    /// The number of records that were changed. Dropped if it fails.
    pub(super) done: oneshot::Sender<u64>,
}

/// The number of a record, and whether it waited when it was selected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) seq: i64,
    pub(super) is_waiting: bool,
}

/// The end of an attempt.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) seq: i64,
    pub(crate) record: Arc<Record>,
    /// The attempts before this one.
    pub(crate) attempts: u32,
    pub(crate) attempt: Attempt,
}

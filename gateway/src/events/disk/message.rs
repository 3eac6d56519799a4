//! The messages to the writer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::deliver::Attempt;
use super::super::record::Record;
use super::database::Database;

/// A message to the writer.
pub(super) enum Message {
    /// Store this record, and answer when it is on disk.
    Keep {
        record: Arc<Record>,
        kept: oneshot::Sender<Result<(), String>>,
        room: OwnedSemaphorePermit,
    },
    /// An attempt has ended.
    Ended(Ended),
    /// Work with the database that an operator asked for.
    Act(Act),
    /// Callbacks may have other deciders now.
    Reload,
    /// Most of the WAL is in the database: the rest can be written at once, and the WAL begins anew.
    FinishCheckpoint,
    /// Hand out nothing more, and end when nothing is in flight, or after this time.
    Stop(Duration),
}

/// Work with the database that an operator asked for.
pub(super) type Act = Box<dyn FnOnce(&mut Database) -> rusqlite::Result<()> + Send>;

/// The end of an attempt.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) seq: i64,
    pub(crate) record: Arc<Record>,
    /// The attempts before this one.
    pub(crate) attempts: u32,
    pub(crate) attempt: Attempt,
}

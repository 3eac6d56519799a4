//! The records and the ends of attempts that go into one transaction.

use std::sync::Arc;

use super::super::record::Record;
use super::message::Ended;
use super::waiter::Waiter;

/// A record to store, and who waits for it.
pub(super) type Keep = (Arc<Record>, Waiter);

/// A record that is stored, and its number.
pub(super) type Stored = (i64, Arc<Record>);

/// The records and the ends of attempts of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) keeps: Vec<Keep>,
    pub(super) ends: Vec<Ended>,
}

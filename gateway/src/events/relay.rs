//! A record that the store did not take: it is sent to its decider once, or counted as lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::deliver::Attempt;
use super::record::Record;
use super::report::Reports;

/// The most KiB of records that are being relayed.
pub(super) const RELAYED_KIB: usize = 64 << 10;
/// The KiB that a record counts for at least, so that 1024 records are relayed at most.
const LEAST_KIB: usize = 64;
/// The longest time of a write in the background that tries whether the store works again.
pub(super) const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// A record that the store did not take. Its end is reported on drop, whatever ended it.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) record: Arc<Record>,
    /// True if the store is tried once more before.
    pub(super) is_try: bool,
    end: Option<Attempt>,
    room: Option<OwnedSemaphorePermit>,
    reports: Reports,
}

impl Relay {
    pub(super) fn new(record: Arc<Record>, reports: Reports) -> Self {
        let end = Some(Attempt::NotRun("the relay was aborted".to_owned()));
        Self { record, is_try: false, end, room: None, reports }
    }

    /// None: the store took it after all.
    pub(super) fn ended(&mut self, end: Option<Attempt>) {
        self.end = end;
    }

    /// Waits for room until then; false if there is none.
    pub(super) async fn wait_for_room(&mut self, room: Arc<Semaphore>, by: Instant) -> bool {
        let size = (self.record.size() / 1024 + 1).clamp(LEAST_KIB, RELAYED_KIB);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let acquired = timeout_at(by, room.acquire_many_owned(size)).await;
        self.room = acquired.ok().and_then(Result::ok);
        self.room.is_some()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        match self.end.take() {
            Some(Attempt::Delivered) => self.reports.delivered(&self.record),
            Some(Attempt::Ignored) => self.reports.ignored(&self.record),
            Some(Attempt::Dead(why) | Attempt::Failed(why, _) | Attempt::NotRun(why)) => {
                self.reports.lost(&self.record, &why);
            }
            None => {}
        }
    }
}

//! The store on disk: an SQLite database in a directory of the gateway's own.
//!
//! One thread, the writer, has the database to itself. It stores records in groups, decides by the `queue` which are
//! delivered next, and writes the ends of deliveries; a task for each record in flight makes the attempt. Checkpoints
//! are made beside it.

mod acting;
mod batch;
mod changes;
mod checkpoint;
mod clock;
mod commit;
mod database;
mod lane;
mod letters;
mod lock;
mod message;
mod opening;
mod queue;
mod retire;
mod rows;
mod transaction;
mod waiter;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use self::checkpoint::Checkpoints;
pub use self::database::OpenError;
pub use self::lock::DirectoryError;
use self::message::{Ended, Message};
pub(crate) use self::queue::Delivery;
use self::queue::Queue;
use self::waiter::waiter;
use self::writer::Writer;
use super::config::EventsConfig;
use super::deliver::{Attempt, Configs, Deliverer};
use super::record::Record;
use super::report::Reports;
use super::threads::Alive;

/// The most KiB of records that wait to be written.
const QUEUED_KIB: usize = 64 << 10;

/// The store, as all threads use it.
#[derive(Debug)]
pub(crate) struct Disk {
    messages: Sender<Message>,
    room: Arc<Semaphore>,
    path: PathBuf,
    max_bytes: u64,
    /// The records that are being delivered.
    in_flight: AtomicUsize,
    /// The turn of an operator's read.
    reading: Arc<Semaphore>,
}

impl Disk {
    /// Opens the store in a directory, and starts its threads. The records to deliver come from the receiver.
    pub(crate) fn open(
        directory: &Path,
        config: &EventsConfig,
        configs: Configs,
        deciders: usize,
        reports: Reports,
        alive: &Alive,
    ) -> Result<(Self, UnboundedReceiver<Vec<Delivery>>), DirectoryError> {
        let path: PathBuf = directory.join("events.db");
        let (messages, received) = channel();
        let (deliveries, to_deliver) = unbounded_channel();
        let queue = Queue::new(configs, deciders, config.in_flight, deliveries);
        let checkpoints = Checkpoints::new(path.clone(), messages.clone());
        let mut writer =
            Writer::new(path.clone(), config.clone(), received, queue, reports, checkpoints);
        writer.start()?;
        let alive = alive.clone();
        thread::Builder::new().name("events-disk".to_owned()).spawn(move || {
            let _alive = alive;
            writer.run();
        })?;
        let room = Arc::new(Semaphore::new(QUEUED_KIB));
        let store = Self {
            messages,
            room,
            path,
            max_bytes: config.max_bytes,
            in_flight: AtomicUsize::new(0),
            reading: Arc::new(Semaphore::new(1)),
        };
        Ok((store, to_deliver))
    }

    /// Stores a record. Dropping the future does not take it back.
    pub(crate) async fn keep(&self, record: Arc<Record>) -> Result<(), String> {
        let size = u32::try_from(record.size() / 1024 + 1).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(size).await.map_err(|e| e.to_string())?;
        let (waiter, stored) = waiter(room);
        let _ = self.messages.send(Message::Keep(record, waiter)); // a writer that has ended drops it
        stored.await
    }

    pub(crate) fn reload(&self) {
        let _ = self.messages.send(Message::Reload); // one that has ended has nothing to reload
    }

    /// Hands out nothing more, and ends when nothing is in flight, or after this time.
    pub(crate) fn stop(&self, limit: Duration) {
        let _ = self.messages.send(Message::Stop(limit));
    }

    /// Makes one attempt to deliver a record, and reports its end.
    pub(crate) async fn deliver(
        &self,
        deliverer: &Deliverer,
        delivery: Delivery,
        stop: &CancellationToken,
    ) {
        let Delivery { seq, record, attempts } = delivery;
        let aborted = Attempt::Failed("the attempt was aborted".to_owned(), None);
        let ended = Ended { seq, record: record.clone(), attempts, attempt: aborted };
        self.in_flight.fetch_add(1, Relaxed);
        let mut report = Report { store: self, ended: Some(ended) };
        let attempt = deliverer.deliver(&record, attempts + 1, stop).await;
        if let Some(ended) = &mut report.ended {
            ended.attempt = attempt;
        }
    }
}

/// Reports the end of an attempt on drop, even after a panic: its key would wait for ever otherwise.
struct Report<'a> {
    store: &'a Disk,
    ended: Option<Ended>,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            let _ = self.store.messages.send(Message::Ended(ended));
            self.store.in_flight.fetch_sub(1, Relaxed);
        }
    }
}

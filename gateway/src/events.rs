//! After-callbacks that must arrive: each is a record that a store keeps until its decider has received it.
//!
//! ```text
//! bridge → Events::keep → store (disk, nats)  ⇒ OpenIM is answered
//!                            ↓
//!                         deliver ⇒ decider
//! ```
//!
//! - [`Record`] is an after-callback that was understood: what leaves the seam, and its key.
//! - `disk` is the store of one gateway; it decides what is delivered next. `nats` is that of several, and delivers
//!   itself; `store` is either of them.
//! - `delivering` is the thread that delivers; `deliver` makes one attempt, over connections and circuits of its own;
//!   `schedule` has the pauses between them.
//! - [`letters`] are records as operators see them.
//!
//! A record that the store does not take in time is relayed: sent to its decider at once, detached from its caller.
//! After three failures in a row the store is bypassed, until a write in the background succeeds.

mod bypass;
mod config;
mod deliver;
mod delivering;
mod disk;
pub mod letters;
mod nats;
mod record;
mod relay;
mod report;
mod schedule;
mod store;
mod threads;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use process::Mistake;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use transport::Decider;
use uuid::Uuid;

use self::bypass::Bypass;
pub use self::config::{EventsConfig, StoreKind};
pub use self::deliver::Configs;
use self::deliver::{Attempt, Deliverer};
use self::delivering::{Delivering, spawn};
use self::disk::{Delivery, Disk};
pub use self::disk::{DirectoryError, OpenError};
use self::letters::{Acted, Letter, Page, Selection, Status};
use self::nats::Nats;
pub use self::nats::config::{NatsConfig, ServerUrl};
pub use self::record::{Millis, Record};
use self::relay::{RELAYED_KIB, Relay};
use self::report::Reports;
use self::store::Store;
use self::threads::{Alive, Threads};
use crate::observe::EventMetrics;

/// The time that the threads have to end, beyond that for what is in flight.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The events of a gateway.
#[derive(Debug)]
pub struct Events {
    config: EventsConfig,
    /// The names of the deciders, by [`DeciderId`](crate::failure_policy::DeciderId).
    names: Vec<String>,
    configs: Configs,
    store: Arc<Store>,
    bypass: Arc<Bypass>,
    began: Instant,
    relays: UnboundedSender<Relay>,
    relaying: Arc<Semaphore>,
    reports: Reports,
    threads: Threads,
    /// Nothing more is handed out.
    draining: CancellationToken,
    /// Deliveries in flight are given up.
    aborting: CancellationToken,
}

/// The answer of [`Events::keep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The store has it.
    Stored,
    /// The store did not take it in time; it is sent to its decider at once.
    Relayed,
}

impl Events {
    /// Opens the store on disk, and starts to deliver what it has. `deciders` are those that a
    /// [`DeciderId`](crate::failure_policy::DeciderId) counts, with their names.
    ///
    /// # Errors
    /// The directory can't be used.
    pub fn open(
        directory: &Path,
        config: EventsConfig,
        configs: Configs,
        deciders: Vec<(String, Arc<Decider>)>,
        metrics: Arc<EventMetrics>,
    ) -> Result<Self, DirectoryError> {
        let (reports, count) = (Reports { metrics }, deciders.len());
        let (threads, alive) = Threads::new();
        let (disk, deliveries) =
            Disk::open(directory, &config, configs.clone(), count, reports.clone(), &alive)?;
        let (store, threads) = (Store::Disk(disk), (threads, alive));
        Ok(Self::start(store, deliveries, config, configs, deciders, reports, threads)?)
    }

    /// Connects to the store in NATS, and starts to deliver what it has.
    ///
    /// # Errors
    /// Files of the settings can't be used, or the streams are not as the settings say. Servers that do not answer are
    /// no error: events are relayed until they do.
    pub fn connect(
        config: EventsConfig,
        configs: Configs,
        deciders: Vec<(String, Arc<Decider>)>,
        metrics: Arc<EventMetrics>,
    ) -> Result<Self, Vec<Mistake>> {
        let (reports, (threads, alive)) = (Reports { metrics }, Threads::new());
        let called: Vec<_> = deciders.iter().map(|(_, decider)| decider.clone()).collect();
        let nats = Nats::open(&config, &called, configs.clone(), reports.clone(), alive.clone())?;
        let (store, threads) = (Store::Nats(nats), (threads, alive));
        let (_, none) = unbounded_channel();
        Self::start(store, none, config, configs, deciders, reports, threads)
            .map_err(|why| vec![Mistake::new("events", why)])
    }

    fn start(
        store: Store,
        deliveries: UnboundedReceiver<Vec<Delivery>>,
        config: EventsConfig,
        configs: Configs,
        deciders: Vec<(String, Arc<Decider>)>,
        reports: Reports,
        (threads, alive): (Threads, Alive),
    ) -> std::io::Result<Self> {
        let (names, deciders): (Vec<_>, Vec<_>) = deciders.into_iter().unzip();
        let (store, bypass) = (Arc::new(store), Arc::new(Bypass::default()));
        let (relays, to_relay) = unbounded_channel();
        let (draining, aborting) = (CancellationToken::new(), CancellationToken::new());
        let open = {
            let (configs, timeout) = (configs.clone(), config.attempt_timeout);
            move || Deliverer::open(&deciders, configs, timeout)
        };
        let (kept, bypassing) = (store.clone(), bypass.clone());
        let (drain, abort) = (draining.clone(), aborting.clone());
        let delivering = move || Delivering {
            deliverer: open(),
            store: kept,
            bypass: bypassing,
            draining: drain,
            aborting: abort,
        };
        spawn(delivering, deliveries, to_relay, alive)?;
        let relaying = Arc::new(Semaphore::new(RELAYED_KIB));
        Ok(Self {
            config,
            names,
            configs,
            store,
            bypass,
            began: Instant::now(),
            relays,
            relaying,
            reports,
            threads,
            draining,
            aborting,
        })
    }

    /// Stores a record, within `store_timeout`; one that is not stored by then is relayed.
    pub async fn keep(&self, mut record: Record) -> Kept {
        let configs = self.configs.load_full();
        let config = configs.of(Some(record.callback));
        let decider = &self.names[config.decider.0];
        let key = record.key.take().filter(|_| config.ordered);
        record.key = key.map(|key| format!("{decider}:{key}"));
        let (record, by) = (Arc::new(record), self.deadline());
        self.reports.received(&record);
        let why = match self.store(&record, by).await {
            Ok(()) => return Kept::Stored,
            Err(why) => why,
        };
        self.reports.relayed(&record, &why);
        self.relay(record, by).await;
        Kept::Relayed
    }

    /// Stores a record, or says why not.
    async fn store(&self, record: &Arc<Record>, by: Instant) -> Result<(), String> {
        if self.bypass.is_on() {
            return Err("the store is bypassed".to_owned());
        }
        if let Some(why) = self.excess(record) {
            return Err(why.to_owned());
        }
        let stored = timeout_at(by, self.store.keep(record.clone())).await;
        let stored = stored.unwrap_or_else(|_| Err("the store did not take it in time".to_owned()));
        match &stored {
            Ok(()) => _ = self.bypass.succeeded(),
            Err(why) if self.bypass.failed(self.config.store_timeout) => {
                warn!(why, "the store is bypassed until a write in the background succeeds");
            }
            Err(_) => {}
        }
        stored
    }

    /// The bound that a record is larger than, if it is.
    fn excess(&self, record: &Record) -> Option<&'static str> {
        if record.payload().len() > self.config.max_body {
            Some("it is larger than events.max_body")
        } else if !self.store.takes(record) {
            Some("it is larger than max_payload of the NATS servers")
        } else {
            None
        }
    }

    /// Sends a record to its decider, detached from the caller, who waits for room at most.
    async fn relay(&self, record: Arc<Record>, by: Instant) {
        let mut relay = Relay::new(record, self.reports.clone());
        if relay.wait_for_room(self.relaying.clone(), by).await {
            let may_try = self.bypass.is_on() && self.excess(&relay.record).is_none();
            relay.is_try = may_try && self.bypass.is_try_due();
            let _ = self.relays.send(relay); // one that comes back was not delivered, and says so
        } else {
            relay.ended(Some(Attempt::NotRun("too many events are being relayed".to_owned())));
        }
    }

    /// The time by which a record must be stored. It falls on one of a few slots: the runtime wakes itself for each
    /// deadline that is earlier than all others, which costs as much as a tenth of a callback.
    fn deadline(&self) -> Instant {
        let slot = (self.config.store_timeout / 4).as_nanos();
        let by = (self.began.elapsed() + self.config.store_timeout).as_nanos() / slot * slot;
        self.began + Duration::from_nanos(u64::try_from(by).unwrap_or(u64::MAX))
    }

    /// The state of the store.
    ///
    /// # Errors
    /// The store can't be read now.
    pub async fn status(&self) -> Result<Status, String> {
        Ok(Status { bypassed: self.bypass.is_on(), ..self.store.status().await? })
    }

    /// Up to `limit` of the selected records, the newest first.
    ///
    /// # Errors
    /// The store can't be read now.
    pub async fn list(&self, selection: Selection, limit: usize) -> Result<Page, String> {
        self.store.list(selection, limit).await
    }

    /// A record and its content: the message, without gRPC's prefix.
    ///
    /// # Errors
    /// The store can't be read now.
    pub async fn show(&self, id: Uuid) -> Result<Option<(Letter, Bytes)>, String> {
        self.store.show(id).await
    }

    /// Has the selected records delivered again that no longer wait: at once, as if their last attempt had not been
    /// made. They keep their ids, keys, order and attempts.
    ///
    /// # Errors
    /// The store can't be read or written now. Some of the records may have been replayed.
    pub async fn replay(&self, selection: Selection) -> Result<Acted, String> {
        self.store.replay(selection).await
    }

    /// Deletes the selected records.
    ///
    /// # Errors
    /// The store can't be read or written now. Some of the records may have been deleted.
    pub async fn discard(&self, selection: Selection) -> Result<Acted, String> {
        self.store.discard(selection).await
    }

    /// Callbacks may have other deciders now.
    pub fn reload(&self) {
        self.store.reload();
    }

    /// Waits until one of the threads has ended; before [`stop`](Self::stop) that is a bug.
    pub async fn ended(&self) {
        self.threads.one_ended().await;
    }

    /// Ends what is being delivered, within a time, and leaves the rest in the store. Blocks.
    pub fn stop(&self, limit: Duration) {
        self.draining.cancel();
        self.store.stop(limit);
        if !self.threads.join(limit) {
            self.aborting.cancel();
            if !self.threads.join(JOIN_TIMEOUT) {
                warn!("the events did not stop in time");
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.draining.cancel();
        self.aborting.cancel();
        self.store.stop(Duration::ZERO);
    }
}

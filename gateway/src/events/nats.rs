//! The store in NATS: JetStream keeps the records of all gateways, and any gateway delivers them.
//!
//! A record is published to the stream of its partition's subject, and is stored once the servers acknowledge it. Each
//! partition has one consumer with one outstanding message, so that records of one key are delivered one after the
//! other. A record that is dead or ignored is copied to a second stream, and only then ended in the first.

mod bury;
mod check;
pub(super) mod config;
mod connect;
mod held;
mod letters;
mod message;
mod partition;
mod place;
mod publish;
mod scan;
mod session;
mod streams;
mod subject;

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use process::Mistake;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use transport::Decider;

use self::publish::{Current, Keep};
use self::session::Sessions;
use super::config::EventsConfig;
use super::deliver::Configs;
use super::record::Record;
use super::report::Reports;
use super::threads::Alive;

/// The most KiB of records that wait for the servers' acknowledgement.
const QUEUED_KIB: usize = 64 << 10;
/// The bytes of a message that are left for headers of limited length, those of a dead copy included.
const HEADERS: usize = 16 << 10;
/// The time for which a start waits for the servers. Later the gateway serves without them.
const FIRST: Duration = Duration::from_secs(5);

/// The store, as all threads use it.
#[derive(Debug)]
pub(crate) struct Nats {
    keeps: mpsc::UnboundedSender<Keep>,
    room: Arc<Semaphore>,
    current: Current,
    /// The turn of an operator.
    reading: Semaphore,
    stop: CancellationToken,
    /// The time that what is in flight has to end, once it stops.
    limit: watch::Sender<Duration>,
}

impl Nats {
    /// Starts the store's thread, which publishes and delivers.
    pub(crate) fn open(
        config: &EventsConfig,
        deciders: &[Arc<Decider>],
        configs: Configs,
        reports: Reports,
        alive: Alive,
    ) -> Result<Self, Vec<Mistake>> {
        let mistakes = connect::mistakes(&config.nats);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let mistake = |why: &dyn fmt::Display| vec![Mistake::new("events.nats", why)];
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| mistake(&why))?;
        let (keeps, received) = mpsc::unbounded_channel();
        let (opened, first) = channel();
        let (limit, until) = watch::channel(Duration::ZERO);
        let unconnected = Err("NATS does not answer yet".to_owned());
        let current = Current::new(ArcSwap::from_pointee(unconnected));
        let stop = CancellationToken::new();
        let room = Arc::new(Semaphore::new(QUEUED_KIB));
        let sessions = Sessions {
            config: config.clone(),
            configs,
            deciders: deciders.to_vec(),
            reports,
            current: current.clone(),
            stop: stop.clone(),
        };
        let run = async move || {
            let _alive = alive;
            let (current, reports) = (sessions.current.clone(), sessions.reports.clone());
            let limit = async {
                sessions.stop.cancelled().await;
                let limit = *until.borrow();
                sleep(limit).await;
            };
            tokio::select! {
                () = sessions.run(opened) => {}
                () = publish::run(received, current, reports) => {}
                () = limit => {}
            }
        };
        let thread = thread::Builder::new().name("events-nats".to_owned());
        thread.spawn(move || runtime.block_on(run())).map_err(|why| mistake(&why))?;
        let reading = Semaphore::new(1);
        let store = Self { keeps, room, current, reading, stop, limit };
        match first.recv_timeout(FIRST) {
            Ok(Err(why)) => {
                store.stop(Duration::ZERO);
                return Err(mistake(&why));
            }
            Err(RecvTimeoutError::Timeout) => warn!("NATS does not answer yet: events are relayed"),
            Ok(Ok(())) | Err(RecvTimeoutError::Disconnected) => {}
        }
        Ok(store)
    }

    /// Stores a record. Dropping the future may come too late to take it back.
    pub(crate) async fn keep(&self, record: Arc<Record>) -> Result<(), String> {
        let size = u32::try_from(record.size() / 1024 + 1).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(size).await.map_err(|e| e.to_string())?;
        let (kept, answer) = oneshot::channel();
        let ended = || "the store has ended".to_owned();
        self.keeps.send(Keep { record, kept, room }).map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// False if a record is larger than the servers take, perhaps only once it is dead.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        let size = message::longest(record) + HEADERS;
        self.current.load().as_ref().as_ref().map_or(true, |now| size <= now.client.max_payload())
    }

    /// Takes nothing more from the servers, and ends when nothing is in flight, or after this time.
    pub(crate) fn stop(&self, limit: Duration) {
        self.limit.send_replace(limit);
        self.stop.cancel();
    }
}

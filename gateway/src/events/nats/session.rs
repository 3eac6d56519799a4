//! One connection after the other, each with the streams and the delivery of all partitions.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use async_nats::Client;
use async_nats::connection::State;
use futures_util::future::join_all;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use transport::Decider;

use super::super::config::EventsConfig;
use super::super::deliver::{Configs, Deliverer};
use super::super::letters;
use super::super::report::Reports;
use super::connect::connect;
use super::partition::Shared;
use super::publish::{Current, Publisher};
use super::streams::{Streams, Unusable};

/// The pause before the next attempt to connect or to make the streams.
const AGAIN: Duration = Duration::from_secs(1);
/// The interval at which the streams are looked at.
const ROUND: Duration = Duration::from_secs(10);
/// The rounds without a connection after which a new one is opened.
const LOST: u32 = 3;

/// The parts that every connection needs.
pub(super) struct Sessions {
    pub(super) config: EventsConfig,
    pub(super) configs: Configs,
    pub(super) deciders: Vec<Arc<Decider>>,
    pub(super) reports: Reports,
    pub(super) current: Current,
    pub(super) stop: CancellationToken,
}

impl Sessions {
    /// Runs until the stop. `first` gets the result of the first attempt.
    pub(super) async fn run(&self, first: Sender<Result<(), String>>) {
        let (configs, timeout) = (self.configs.clone(), self.config.attempt_timeout);
        let deliverer = Arc::new(Deliverer::open(&self.deciders, configs, timeout));
        let room = |_| Semaphore::new(self.config.in_flight);
        let rooms = self.deciders.iter().map(room).collect();
        while let Some(opened) = self.stop.run_until_cancelled(self.open()).await {
            match opened {
                Ok((client, streams, refused)) => {
                    let _ = first.send(Ok(()));
                    self.serve((client, streams, refused), &deliverer, &rooms).await;
                }
                Err(Unusable::Now(why)) => {
                    warn!(why, "NATS can't be used: events are relayed");
                    self.unusable(&why);
                    let _ = first.send(Ok(()));
                }
                Err(Unusable::Ever(why)) => {
                    error!(why, "NATS can't be used: events are relayed");
                    self.unusable(&why);
                    let _ = first.send(Err(why));
                    self.stop.run_until_cancelled(sleep(ROUND)).await; // somebody has to mend them
                }
            }
            self.stop.run_until_cancelled(sleep(AGAIN)).await;
        }
    }

    async fn open(&self) -> Result<(Client, Streams, Arc<Notify>), Unusable> {
        let refused = Arc::new(Notify::new());
        let connecting = connect(&self.config.nats, refused.clone());
        let client = connecting.await.map_err(Unusable::Now)?;
        let streams = Streams::open(&client, &self.config.nats, self.config.max_bytes).await?;
        Ok((client, streams, refused))
    }

    /// Publishes and delivers until the connection is lost or the stop.
    async fn serve(
        &self,
        (client, streams, refused): (Client, Streams, Arc<Notify>),
        deliverer: &Arc<Deliverer>,
        rooms: &Arc<[Semaphore]>,
    ) {
        let config = &self.config.nats;
        let stream = config.stream.as_str();
        let server = client.server_info().server_name;
        info!(stream, server, "events are kept in NATS");
        if streams.waiting.cached_info().config.num_replicas == 1 {
            warn!(
                stream,
                "one replica: NATS may lose events that it has acknowledged, unless sync_interval is always"
            );
        }
        let others = streams.other_settings(config, self.config.max_bytes);
        if !others.is_empty() {
            warn!(stream, ?others, "settings without effect: the stream was made with others");
        }
        let partitions = config.partitions;
        let publisher = Publisher { client: client.clone(), streams: streams.clone(), partitions };
        self.current.store(Arc::new(Ok(Arc::new(publisher))));
        let shared = Shared {
            streams,
            configs: self.configs.clone(),
            deliverer: deliverer.clone(),
            rooms: rooms.clone(),
            reports: self.reports.clone(),
            max_block: config.max_block,
            max_age: self.config.max_age,
            stop: self.stop.clone(),
        };
        let delivering = join_all((0..partitions).map(|partition| shared.run(partition)));
        tokio::select! {
            _ = delivering => {}
            () = self.watch(&client, &refused) => warn!("the connection to NATS is opened anew"),
        }
        self.unusable("the connection is opened anew");
    }

    fn unusable(&self, why: &str) {
        self.current.store(Arc::new(Err(format!("NATS can't be used: {why}"))));
    }

    /// Makes streams that have disappeared, and counts what they hold, until the connection is lost or they can't be
    /// used any more.
    async fn watch(&self, client: &Client, refused: &Notify) {
        let mut lost = 0;
        while lost < LOST {
            match Streams::open(client, &self.config.nats, self.config.max_bytes).await {
                Ok(streams) => self.count(&streams).await,
                Err(Unusable::Now(why)) => warn!(why, "NATS does not answer"),
                Err(Unusable::Ever(why)) => return error!(why, "NATS can't be used any more"),
            }
            lost = match client.connection_state() {
                State::Connected => 0,
                _ => lost + 1,
            };
            tokio::select! {
                () = sleep(ROUND) => {}
                () = refused.notified() => return,
            }
        }
    }

    async fn count(&self, streams: &Streams) {
        let waiting = &streams.waiting.cached_info().state;
        let oldest = (waiting.messages > 0).then(|| SystemTime::from(waiting.first_timestamp));
        self.reports.metrics.waiting(waiting.messages, oldest);
        if let Ok(dead) = streams.count(letters::State::Dead).await {
            self.reports.metrics.dead(dead);
        }
    }
}

//! The streams, and a consumer for each partition, made if they are missing.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::stream::{
    Config, ConsumerError, DiscardPolicy, RetentionPolicy, Stream,
};

use futures_util::TryStreamExt;

use super::super::letters::State;
use super::check;
use super::config::NatsConfig;
use super::subject::{DEAD, EVENTS};

/// The time after which a message is delivered again, by whichever gateway, unless its delivery shows progress.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);
/// The longest time that a server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The name of a partition's consumer, but for its number.
const CONSUMER: &str = "partition-";

/// The streams.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    pub(super) context: Context,
    pub(super) waiting: Stream,
    pub(super) dead: Stream,
}

/// The reason why the streams can't be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// A server does not answer, or not yet.
    Now(String),
    /// They are not as the settings say, which somebody has to mend.
    Ever(String),
}

impl From<String> for Unusable {
    /// Of a check.
    fn from(why: String) -> Self {
        Self::Ever(why)
    }
}

impl Streams {
    /// Makes what is missing.
    ///
    /// # Errors
    /// It can't be made, or what is there can't be used.
    pub(super) async fn open(
        client: &Client,
        config: &NatsConfig,
        max_bytes: u64,
    ) -> Result<Self, Unusable> {
        if !client.is_server_compatible(2, 11, 0) {
            let version = client.server_info().version;
            return Err(Unusable::Ever(format!(
                "nats-server is {version}, and must be 2.11 or newer"
            )));
        }
        let context =
            ContextBuilder::new().timeout(TIMEOUT).ack_timeout(TIMEOUT).build(client.clone());
        let now = |why: &dyn std::fmt::Display| Unusable::Now(why.to_string());
        let expected = [waiting(config, max_bytes), dead(config)];
        let [waiting, dead] =
            expected.each_ref().map(|stream| context.get_or_create_stream(stream));
        let waiting = waiting.await.map_err(|why| now(&why))?;
        check::partitions(&waiting.cached_info().config, config.partitions)?;
        let dead = dead.await.map_err(|why| now(&why))?;
        for (stream, expected) in [&waiting, &dead].into_iter().zip(&expected) {
            check::stream(&stream.cached_info().config, expected)?;
        }
        let mut consumers = waiting.consumers();
        while let Some(found) = consumers.try_next().await.map_err(|why| now(&why))? {
            let number = found.name.strip_prefix(CONSUMER).and_then(|number| number.parse().ok());
            if let Some(partition) = number {
                check::consumer(&found.config, &consumer(partition))?;
            }
        }
        Ok(Self { context, waiting, dead })
    }

    /// The settings that count when the streams are made, and are others now.
    pub(super) fn other_settings(&self, config: &NatsConfig, max_bytes: u64) -> Vec<&'static str> {
        let (found, expected) = (&self.waiting.cached_info().config, waiting(config, max_bytes));
        let others = [
            ("replicas", found.num_replicas != expected.num_replicas),
            ("max_bytes", found.max_bytes != expected.max_bytes),
        ];
        others.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name).collect()
    }

    /// The consumer of a partition, made if it is missing.
    ///
    /// # Errors
    /// A server does not answer, or the stream is gone.
    pub(super) async fn consumer(&self, partition: u32) -> Result<PullConsumer, ConsumerError> {
        let name = format!("{CONSUMER}{partition}");
        self.waiting.get_or_create_consumer(&name, consumer(partition)).await
    }

    /// The number of dead or of ignored events.
    ///
    /// # Errors
    /// A server does not answer, or the stream is gone.
    pub(super) async fn count(&self, state: State) -> Result<u64, ConsumerError> {
        // A new consumer says how many messages it would deliver.
        let counting = pull::Config {
            filter_subject: format!("{DEAD}.{}.*.*", state.as_str()),
            ack_policy: AckPolicy::None,
            inactive_threshold: TIMEOUT,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self.dead.create_consumer(counting).await?;
        let info = consumer.cached_info();
        let _ = self.dead.delete_consumer(&info.name).await; // the servers do it as well, a bit later
        Ok(info.num_pending)
    }
}

/// Events that wait are never discarded: once the stream is full it refuses new ones, which are relayed then.
fn waiting(config: &NatsConfig, max_bytes: u64) -> Config {
    Config {
        name: config.stream.clone(),
        subjects: vec![format!("{EVENTS}.*.*")],
        // A message is deleted once its consumer has acknowledged it, and is kept even while there is no consumer.
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(max_bytes).unwrap_or(i64::MAX),
        num_replicas: config.replicas,
        metadata: [(check::PARTITIONS.to_owned(), config.partitions.to_string())].into(),
        ..Config::default()
    }
}

fn dead(config: &NatsConfig) -> Config {
    Config {
        name: config.dead_stream(),
        subjects: vec![format!("{DEAD}.*.*.*")],
        discard: DiscardPolicy::New,
        num_replicas: config.replicas,
        // Ignored events are deleted at their age.
        allow_message_ttl: true,
        ..Config::default()
    }
}

fn consumer(partition: u32) -> pull::Config {
    pull::Config {
        durable_name: Some(format!("{CONSUMER}{partition}")),
        filter_subject: format!("{EVENTS}.{partition}.*"),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        // The order of a key holds because nothing else of its partition is delivered meanwhile, by any gateway.
        max_ack_pending: 1,
        ..pull::Config::default()
    }
}

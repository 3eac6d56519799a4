//! Publishes records, in the order received.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use async_nats::Client;
use async_nats::connection::State;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::StreamMessage;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::super::record::Record;
use super::super::report::Reports;
use super::streams::Streams;
use super::{bury, message, subject};
use crate::openim::key::CallbackKey;

/// A record to be stored, and where to say that it is.
pub(super) struct Keep {
    pub(super) record: Arc<Record>,
    pub(super) kept: oneshot::Sender<Result<(), String>>,
    pub(super) room: OwnedSemaphorePermit,
}

/// The connection in use, or the reason why there is none.
pub(super) type Current = Arc<ArcSwap<Result<Arc<Publisher>, String>>>;

/// A connection whose streams are there.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) client: Client,
    pub(super) streams: Streams,
    pub(super) partitions: u32,
}

/// Publishes all records that come.
pub(super) async fn run(
    mut keeps: mpsc::UnboundedReceiver<Keep>,
    current: Current,
    reports: Reports,
) {
    while let Some(Keep { record, kept, room }) = keeps.recv().await {
        if kept.is_closed() {
            continue; // its caller no longer waits: it is relayed
        }
        let began = Instant::now();
        let published = match &**current.load() {
            Ok(publisher) => publisher.publish(&record).await,
            Err(why) => Err(why.clone()),
        };
        let acknowledged = match published {
            Ok(acknowledged) => acknowledged,
            Err(why) => {
                let _ = kept.send(Err(why));
                continue;
            }
        };
        let reports = reports.clone();
        tokio::spawn(async move {
            let stored = acknowledged.await;
            drop(room);
            if stored.is_ok() {
                reports.metrics.committed(began.elapsed());
            }
            let _ = kept.send(stored);
        });
    }
}

impl Publisher {
    /// Sends a record. The second result is the servers' acknowledgement.
    async fn publish(
        &self,
        record: &Record,
    ) -> Result<impl Future<Output = Result<(), String>> + use<>, String> {
        // Without a connection the client would send it later, though it is relayed then.
        if self.client.connection_state() != State::Connected {
            return Err("the connection to NATS is interrupted".to_owned());
        }
        let partition = subject::partition(record.key.as_deref(), record.id, self.partitions);
        let subject = subject::waiting(partition, CallbackKey::of(Some(record.callback)).as_str());
        let payload = record.frame.slice_ref(record.payload());
        let sent =
            self.streams.context.publish_with_headers(subject, message::headers(record), payload);
        let acknowledged = sent.await.map_err(|why| why.to_string())?;
        Ok(async move { acknowledged.await.map(drop).map_err(|why| why.to_string()) })
    }

    /// Publishes a record of the stream of dead and ignored ones once more, to be delivered behind all that wait.
    pub(super) async fn replay(&self, buried: &StreamMessage) -> Result<(), String> {
        let mut headers = bury::without_end(&buried.headers);
        let part = |part: Option<_>| part.ok_or("it is no record of a gateway");
        let (id, callback) = (part(message::id(&headers))?, message::callback(&headers));
        let partition = subject::partition(message::key(&headers).as_deref(), id, self.partitions);
        let subject = subject::waiting(partition, &callback.ok_or("it has no callback")?);
        // Not that of the first time, whose duplicate it would be; the same if this is repeated.
        headers.insert(NATS_MESSAGE_ID, format!("{id}.again.{}", buried.sequence));
        let payload = buried.payload.clone();
        let sent = self.streams.context.publish_with_headers(subject, headers, payload).await;
        let stored = sent.map_err(|why| why.to_string())?.await;
        stored.map(drop).map_err(|why| why.to_string())
    }
}

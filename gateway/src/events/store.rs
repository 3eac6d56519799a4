//! The stores, as the rest of the events sees them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::deliver::Deliverer;
use super::disk::{Delivery, Disk};
use super::letters::{Acted, Letter, Page, Selection, Status};
use super::nats::Nats;
use super::record::Record;

/// A store of records.
#[derive(Debug)]
pub(crate) enum Store {
    Disk(Disk),
    Nats(Nats),
}

impl Store {
    /// Stores a record. Dropping the future does not take it back.
    pub(crate) async fn keep(&self, record: Arc<Record>) -> Result<(), String> {
        match self {
            Self::Disk(disk) => disk.keep(record).await,
            Self::Nats(nats) => nats.keep(record).await,
        }
    }

    /// False if a record is too large for it.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        match self {
            Self::Disk(_) => true,
            Self::Nats(nats) => nats.takes(record),
        }
    }

    /// Makes one attempt to deliver a record that the disk has handed out; NATS delivers on its own thread.
    pub(crate) async fn deliver(
        &self,
        deliverer: &Deliverer,
        delivery: Delivery,
        stop: &CancellationToken,
    ) {
        if let Self::Disk(disk) = self {
            disk.deliver(deliverer, delivery, stop).await;
        }
    }

    pub(crate) async fn status(&self) -> Result<Status, String> {
        match self {
            Self::Disk(disk) => disk.status().await,
            Self::Nats(nats) => nats.status().await,
        }
    }

    pub(crate) async fn list(&self, selection: Selection, limit: usize) -> Result<Page, String> {
        match self {
            Self::Disk(disk) => disk.list(selection, limit).await,
            Self::Nats(nats) => nats.list(selection, limit).await,
        }
    }

    pub(crate) async fn show(&self, id: Uuid) -> Result<Option<(Letter, Bytes)>, String> {
        match self {
            Self::Disk(disk) => disk.show(id).await,
            Self::Nats(nats) => nats.show(id).await,
        }
    }

    pub(crate) async fn replay(&self, selection: Selection) -> Result<Acted, String> {
        match self {
            Self::Disk(disk) => disk.replay(selection).await,
            Self::Nats(nats) => nats.replay(selection).await,
        }
    }

    pub(crate) async fn discard(&self, selection: Selection) -> Result<Acted, String> {
        match self {
            Self::Disk(disk) => disk.discard(selection).await,
            Self::Nats(nats) => nats.discard(selection).await,
        }
    }

    /// Callbacks may have other deciders now.
    pub(crate) fn reload(&self) {
        if let Self::Disk(disk) = self {
            disk.reload();
        }
    }

    /// Hands out nothing more, and ends when nothing is in flight, or after this time.
    pub(crate) fn stop(&self, limit: Duration) {
        match self {
            Self::Disk(disk) => disk.stop(limit),
            Self::Nats(nats) => nats.stop(limit),
        }
    }
}

//! The thread that delivers: what the store hands out, and what it did not take.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::bypass::Bypass;
use super::deliver::{Attempt, Deliverer};
use super::disk::Delivery;
use super::relay::{Relay, TRY_TIMEOUT};
use super::store::Store;
use super::threads::Alive;

/// The part that delivers, on a thread of its own.
pub(super) struct Delivering {
    pub(super) deliverer: Deliverer,
    pub(super) store: Arc<Store>,
    pub(super) bypass: Arc<Bypass>,
    pub(super) draining: CancellationToken,
    pub(super) aborting: CancellationToken,
}

/// Starts the thread that delivers.
pub(super) fn spawn(
    delivering: impl FnOnce() -> Delivering + Send + 'static,
    deliveries: UnboundedReceiver<Vec<Delivery>>,
    relays: UnboundedReceiver<Relay>,
    alive: Alive,
) -> Result<(), std::io::Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("events-deliver".to_owned()).spawn(move || {
        let _alive = alive;
        runtime.block_on(async { Arc::new(delivering()).run(deliveries, relays).await });
        runtime.shutdown_background(); // reports what is still in flight
    })?;
    Ok(())
}

impl Delivering {
    async fn run(
        self: Arc<Self>,
        mut deliveries: UnboundedReceiver<Vec<Delivery>>,
        mut relays: UnboundedReceiver<Relay>,
    ) {
        let tasks = TaskTracker::new();
        loop {
            tokio::select! {
                Some(handed_out) = deliveries.recv() => self.deliver(handed_out, &tasks),
                Some(relay) = relays.recv() => self.clone().relay(relay, &tasks),
                () = self.draining.cancelled() => break,
            }
        }
        // Records that were handed over already are sent too: nobody else would send them, or report them.
        deliveries.close();
        relays.close();
        while let Some(handed_out) = deliveries.recv().await {
            self.deliver(handed_out, &tasks);
        }
        while let Some(relay) = relays.recv().await {
            self.clone().relay(relay, &tasks);
        }
        tasks.close();
        self.aborting.run_until_cancelled(tasks.wait()).await;
    }

    fn deliver(self: &Arc<Self>, handed_out: Vec<Delivery>, tasks: &TaskTracker) {
        for delivery in handed_out {
            let this = self.clone();
            tasks.spawn(async move {
                this.store.deliver(&this.deliverer, delivery, &this.draining).await;
            });
        }
    }

    fn relay(self: Arc<Self>, mut relay: Relay, tasks: &TaskTracker) {
        tasks.spawn(async move {
            let end = self.aborting.run_until_cancelled(self.send(&relay)).await;
            if let Some(end) = end {
                relay.ended(end);
            }
        });
    }

    /// Sends a record that is not stored to its decider, once; none if the store takes it now.
    async fn send(&self, relay: &Relay) -> Option<Attempt> {
        if relay.is_try
            && let Ok(Ok(())) = timeout(TRY_TIMEOUT, self.store.keep(relay.record.clone())).await
        {
            if self.bypass.succeeded() {
                info!("the store of events works again");
            }
            return None;
        }
        Some(self.deliverer.attempt(&relay.record, 1).await)
    }
}

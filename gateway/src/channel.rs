//! The transport to a decider: finds an endpoint, sends one call over its connection, and knows what surely did not run.

mod breaker;
mod connect;
mod endpoint;
mod metadata;
mod pool;
mod resolve;
mod retry;
pub mod tls;
mod token;
mod unary;

use std::sync::Arc;

use bytes::Bytes;
use tracing::debug;

use self::pool::Pool;
pub use self::retry::RetryBudget;
use crate::error::Failure;
use crate::gateway::Gateway;
use crate::settings::Decider;
use crate::webhook::Call;

/// One worker's connections to one decider.
#[derive(Debug)]
pub struct Channel {
    pool: Pool,
    gateway: Arc<Gateway>,
}

impl Channel {
    /// A channel to each decider of the settings, in their order. Connections are opened in the background; must be
    /// called within a tokio runtime.
    #[must_use]
    pub fn open_all(gateway: &Arc<Gateway>) -> Vec<Self> {
        let open = |(name, decider): (&str, &Decider)| {
            let pool = Pool::open(name, decider, gateway);
            Self { pool, gateway: gateway.clone() }
        };
        gateway.settings().deciders().map(open).collect()
    }

    /// Sends a call's request, with its prefix, and returns the message that answers it. Dropping the future cancels the
    /// call.
    pub(crate) async fn call(&self, call: &Call<'_>, frame: &Bytes) -> Result<Bytes, Failure> {
        self.gateway.retries.deposit();
        let token = self.pool.token();
        let first = self.pool.pick(None).await?;
        let failed = match first.call(call, token.clone(), frame.clone()).await {
            Ok(answer) => return answer,
            Err(failed) => failed,
        };
        if !failed.surely_did_not_run() || !self.gateway.retries.withdraw() {
            return Err(failed.into());
        }
        // Where there is no other endpoint, nor another connection, the first reason is the one to tell.
        let Ok(second) = self.pool.pick(Some(&first)).await else { return Err(failed.into()) };
        debug!(?failed, endpoint = %first.address, "sent again: it surely did not run");
        self.gateway.metrics.retried(self.pool.name());
        second.call(call, token, frame.clone()).await?
    }
}

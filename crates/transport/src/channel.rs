//! One worker's calls to a decider, each with its deadline and its one retry.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::time::timeout_at;
use tracing::debug;

use crate::context::Context;
use crate::decider::Decider;
use crate::failure::Failure;
use crate::pool::Pool;

/// One worker's connections to one decider.
#[derive(Debug)]
pub struct Channel {
    pool: Pool,
    decider: Arc<Decider>,
}

impl Channel {
    /// A channel to a decider. Connections are opened in the background; must be called within a tokio runtime.
    #[must_use]
    pub fn open(decider: Arc<Decider>) -> Self {
        Self { pool: Pool::open(decider.clone()), decider }
    }

    /// Calls the rpc of this path and returns the message that answers, without its prefix. `frame` is the request with
    /// its prefix of [`PREFIX`](crate::PREFIX) bytes. Dropping the future cancels the call.
    ///
    /// # Errors
    /// There is no valid answer by the deadline.
    pub async fn call(
        &self,
        path: &PathAndQuery,
        context: &Context<'_>,
        frame: &Bytes,
    ) -> Result<Bytes, Failure> {
        // Pinned here, since `timeout_at` moves its future.
        let answer = pin!(self.answer(path, context, frame));
        timeout_at(context.deadline, answer).await.unwrap_or(Err(Failure::Deadline))
    }

    async fn answer(
        &self,
        path: &PathAndQuery,
        context: &Context<'_>,
        frame: &Bytes,
    ) -> Result<Bytes, Failure> {
        self.decider.retries.deposit();
        let first = self.pool.pick(None, context.counts).await?;
        let error = match first.call(path, context, frame.clone()).await {
            Ok(answer) => return answer,
            Err(error) => error,
        };
        if !error.is_safe_to_retry() || !self.decider.retries.withdraw() {
            return Err(error.into());
        }
        // Where there is no other endpoint, nor another connection, the first failure is reported.
        let Ok(second) = self.pool.pick(Some(&first), context.counts).await else {
            return Err(error.into());
        };
        debug!(?error, endpoint = %first.at.address, "sent again: it surely did not run");
        self.decider.observer.retried(&self.decider.name);
        second.call(path, context, frame.clone()).await?
    }
}

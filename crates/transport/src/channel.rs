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
use crate::retry::RetryBudget;

/// One worker's connections to one decider.
#[derive(Debug)]
pub struct Channel {
    pool: Pool,
    decider: Arc<Decider>,
    retries: Arc<RetryBudget>,
}

impl Channel {
    /// A channel to a decider. Connections are opened in the background; must be called within a tokio runtime.
    #[must_use]
    pub fn open(decider: Arc<Decider>) -> Self {
        let retries = decider.retries.clone();
        Self { pool: Pool::open(decider.clone()), decider, retries }
    }

    /// The same with a budget of retries of its own, as large as the decider's.
    #[must_use]
    pub fn open_apart(decider: Arc<Decider>) -> Self {
        let retries = Arc::new(decider.retries.another());
        Self { retries, ..Self::open(decider) }
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
        self.retries.deposit();
        let first = self.pool.pick(None, context.counts).await?;
        let error = match first.call(path, context, frame.clone()).await {
            Ok(answer) => return answer,
            Err(error) => error,
        };
        if !error.is_safe_to_retry() || !self.retries.withdraw() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::test_decider;

    #[tokio::test]
    async fn a_channel_apart_does_not_take_the_retries_of_others() {
        let decider = Arc::new(test_decider(crate::config::Config::default()));
        let apart = Channel::open_apart(decider.clone());
        while apart.retries.withdraw() {}
        assert!(Channel::open(decider).retries.withdraw());
    }
}

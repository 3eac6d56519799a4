//! A call in flight, and the use of its outcome for the circuit.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Endpoint;
use crate::context::Context;
use crate::failure::Failure;
use crate::unary::CallError;

/// A call that had less time than this, since its body came late, say, is not held against the endpoint.
const MIN_CALL_TIME: Duration = Duration::from_millis(100);

/// A call in flight. One that is dropped before its end was given up: by the deadline, which counts as a failure if
/// there was time for an answer, or by the caller.
pub(super) struct Call<'a> {
    endpoint: &'a Endpoint,
    pub(super) began: Instant,
    deadline: Instant,
    counts: bool,
    /// It is the one call that a half-open circuit lets through.
    trial: bool,
    ended: bool,
}

impl<'a> Call<'a> {
    pub(super) fn begin(endpoint: &'a Endpoint, context: &Context<'_>, trial: bool) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        let (counts, deadline) = (context.counts, context.deadline);
        Self { endpoint, began: Instant::now(), deadline, counts, trial, ended: false }
    }

    /// Holds the outcome against the endpoint, or for it.
    pub(super) fn end(&mut self, outcome: &Result<Result<Bytes, Failure>, CallError>) {
        self.ended = true;
        if !self.counts {
            return;
        }
        let trial = self.trial;
        self.endpoint.update(|state| match outcome {
            Ok(Err(failure)) if failure.is_unavailable() => state.breaker.failed(trial),
            Ok(_) | Err(CallError::TooLarge) => state.breaker.succeeded(trial),
            Err(CallError::Broken(_)) => state.breaker.failed(trial),
            // One stream too many says nothing of the connection, nor of the endpoint.
            Err(CallError::Refused(_) | CallError::NotSent(_) | CallError::NotProcessed(_)) => {
                state.breaker.abandoned(trial);
            }
        });
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        if self.counts && !self.ended {
            let (now, trial) = (Instant::now(), self.trial);
            let had_time = now >= self.began + MIN_CALL_TIME;
            self.endpoint.update(|state| match now >= self.deadline && had_time {
                true => state.breaker.failed(trial),
                false => state.breaker.abandoned(trial),
            });
        }
    }
}

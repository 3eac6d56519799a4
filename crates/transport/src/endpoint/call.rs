//! A call over an endpoint's connection, and the effect of its outcome on the circuit.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::uri::PathAndQuery;
use tokio::time::Instant;

use super::core::Endpoint;
use crate::context::Context;
use crate::failure::Failure;
use crate::unary::{self, CallError};

/// A timeout of a call with less time than this, because its body came late, say, does not count as a failure.
const MIN_CALL_TIME: Duration = Duration::from_millis(100);

impl Endpoint {
    pub(crate) async fn call(
        &self,
        path: &PathAndQuery,
        context: &Context<'_>,
        frame: Bytes,
    ) -> Result<Result<Bytes, Failure>, CallError> {
        let Some((connection, generation, trial)) = self.admit(context.counts) else {
            return Err(CallError::NotSent(format!("not connected to {}", self.at.address)));
        };
        let mut call = Call::begin(self, context, trial);
        // The first call that is no probe, which lacks the names of others.
        let first = !context.values.is_empty() && self.used.swap(generation, Relaxed) != generation;
        let mut request = Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.at.target.uri(path);
        *request.headers_mut() = context.headers(self.decider.token(), call.began, first);
        let outcome = unary::call(connection, request, frame).await;
        call.end(&outcome);
        // A server that sends GOAWAY is not failing.
        if let Err(CallError::NotSent(_) | CallError::NotProcessed(_)) = &outcome {
            self.update(|state| self.retire(state, generation));
        }
        outcome
    }
}

/// A call in flight. One that is dropped before its end was cancelled: by the deadline, which counts as a failure if
/// there was time for an answer, or by the caller.
struct Call<'a> {
    endpoint: &'a Endpoint,
    began: Instant,
    deadline: Instant,
    counts: bool,
    /// True for the one call that a half-open circuit lets through.
    trial: bool,
    ended: bool,
}

impl<'a> Call<'a> {
    fn begin(endpoint: &'a Endpoint, context: &Context<'_>, trial: bool) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        let (counts, deadline) = (context.counts, context.deadline);
        Self { endpoint, began: Instant::now(), deadline, counts, trial, ended: false }
    }

    /// Records the outcome in the circuit.
    fn end(&mut self, outcome: &Result<Result<Bytes, Failure>, CallError>) {
        self.ended = true;
        if !self.counts {
            return;
        }
        let trial = self.trial;
        self.endpoint.update(|state| match outcome {
            Ok(Err(failure)) if failure.is_unavailable() => state.breaker.failed(trial),
            Ok(_) | Err(CallError::TooLarge) => state.breaker.succeeded(trial),
            Err(CallError::Broken(_)) => state.breaker.failed(trial),
            // A refused or unsent stream is no outcome of the endpoint.
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

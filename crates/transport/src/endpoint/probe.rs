//! Probes an open circuit in the background, by gRPC's health check: a hung application still answers pings.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::Code;
use tracing::debug;

use super::core::Endpoint;
use super::state::Link;
use crate::breaker::jittered;
use crate::context::Context;
use crate::failure::Failure;
use crate::unary::PREFIX;

/// The longest time to the answer to a probe. With the longest pause it makes a second, the time after which a
/// recovered decider is used again.
const TIME_LIMIT: Duration = Duration::from_millis(500);
const PATH: &str = "/grpc.health.v1.Health/Check";
/// An empty message: it names no service, which means the whole server.
const REQUEST: Bytes = Bytes::from_static(&[0; PREFIX]);
/// The message whose field 1, `status`, is `SERVING`.
const SERVING: &[u8] = &[0x08, 1];

/// Waits until the circuit opens, and then probes it in growing pauses until it is not open any more. `wake` is
/// notified when the circuit opens, and of a new connection while it is open, which is probed at once.
pub(super) async fn probe_when_open(
    endpoint: Weak<Endpoint>,
    longest: Duration,
    wake: Arc<Notify>,
) {
    loop {
        wake.notified().await;
        let opened = Instant::now();
        while let Some(pause) = endpoint.upgrade().and_then(|endpoint| endpoint.next_pause()) {
            let _ = timeout(jittered(pause), wake.notified()).await;
            let Some(endpoint) = endpoint.upgrade() else { return };
            endpoint.probe(opened + longest).await;
        }
    }
}

impl Endpoint {
    fn next_pause(&self) -> Option<Duration> {
        self.state().breaker.next_pause()
    }

    /// Half-opens the circuit if the endpoint is alive, or if no probe succeeded until `latest`. Opens a connection if
    /// there is none.
    async fn probe(&self, latest: Instant) {
        if !matches!(self.state().link, Link::Connected(..)) {
            return self.request_connect(false);
        }
        if self.is_alive().await || Instant::now() >= latest {
            debug!(address = %self.at.address, "the circuit is half-open");
            self.update(|state| state.breaker.half_open());
        }
    }

    /// True if the application answers that it serves, or that it has no health check.
    async fn is_alive(&self) -> bool {
        let path = PathAndQuery::from_static(PATH);
        let deadline = Instant::now() + TIME_LIMIT;
        let headers = &self.decider.probe;
        let context = Context { headers, values: &[], more: &[], deadline, counts: false };
        match timeout_at(deadline, self.call(&path, &context, REQUEST)).await {
            Ok(Ok(Ok(message))) => message == SERVING,
            Ok(Ok(Err(Failure::Status(status)))) => status.code() == Code::Unimplemented,
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => false,
        }
    }
}

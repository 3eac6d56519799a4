//! The transport to a decider: a tower service under the generated clients, which finds an endpoint, sends one call over
//! its connection, and knows what surely did not run.

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

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::debug;

pub(crate) use self::metadata::request;
use self::pool::Pool;
pub use self::retry::RetryBudget;
use self::unary::Reply;
use crate::gateway::Gateway;
use crate::settings::Decider;

/// When the caller must have its verdict, as an extension of a request.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

/// One worker's connections to one decider.
#[derive(Clone, Debug)]
pub struct Channel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
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
            Self(Arc::new(Inner { pool, gateway: gateway.clone() }))
        };
        gateway.settings().deciders().map(open).collect()
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Reply>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Reply>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.0.clone();
        Box::pin(async move { channel.call(request).await })
    }
}

impl Inner {
    async fn call(&self, request: Request<Body>) -> Result<Response<Reply>, Status> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let deadline = head.extensions.get().map(|Deadline(at)| *at);
        if let Some(token) = self.pool.token() {
            head.headers.insert(http::header::AUTHORIZATION, token);
        }
        self.gateway.retries.deposit();
        let first = self.pool.pick(None).await?;
        let failed = match first.call(&head, body.clone(), deadline).await {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        if !failed.surely_did_not_run() || !self.gateway.retries.withdraw() {
            return Err(failed.into());
        }
        // Where there is no other endpoint, nor another connection, the first reason is the one to tell.
        let Ok(second) = self.pool.pick(Some(&first)).await else { return Err(failed.into()) };
        debug!(?failed, endpoint = %first.address, "sent again: it surely did not run");
        self.gateway.metrics.retried(self.pool.name());
        second.call(&head, body, deadline).await.map_err(Status::from)
    }
}

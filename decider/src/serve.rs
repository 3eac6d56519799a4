//! Serves every rpc of the contract dynamically, with gRPC health and reflection beside them.

mod accept;
mod codec;
mod connection;
mod dispatch;
mod health;
mod limits;
mod tls;
mod tokens;
mod worker;

pub use codec::DynamicCodec;
pub use dispatch::Decide;
pub use limits::Limits;
pub use process::tls::Files as TlsFiles;
pub use tls::Tls;
pub use tokens::Tokens;

use accept::Dealer;
use axum::middleware::from_fn_with_state;
use connection::Incoming;
use contract::DESCRIPTOR_SET;
use dispatch::Dispatch;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use health::Health;
use process::{Housekeeping, Task};
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport;
use worker::Worker;

/// The interval at which the files of certificates and tokens are read.
const REFRESH: Duration = Duration::from_secs(1);

/// A server of the contract: by default over plain connections, without tokens, and on one thread.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    tls: Option<Arc<Tls>>,
    tokens: Option<Arc<Tokens>>,
    workers: NonZeroUsize,
}

impl Default for Server {
    fn default() -> Self {
        Self { limits: Limits::default(), tls: None, tokens: None, workers: NonZeroUsize::MIN }
    }
}

/// A server could not start, or ended without a shutdown.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system refuses an address, a thread or another resource.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A worker has ended by itself, which is a bug.
    #[error("a worker died")]
    WorkerDied,
}

impl Server {
    /// A server with other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A server with TLS, for every connection, or without.
    #[must_use]
    pub fn tls(self, tls: Option<Tls>) -> Self {
        Self { tls: tls.map(Arc::new), ..self }
    }

    /// A server that requires one of the tokens in every call but those of health, or none.
    #[must_use]
    pub fn tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens: tokens.map(Arc::new), ..self }
    }

    /// A server with this number of threads.
    #[must_use]
    pub fn workers(self, workers: NonZeroUsize) -> Self {
        Self { workers, ..self }
    }

    /// Serves the contract's rpcs, health and reflection (v1 and v1alpha) until `shutdown` completes. Calls in flight
    /// may then take five seconds more. The caller's thread accepts the connections and is the first worker.
    ///
    /// # Errors
    /// When the threads can't be started, or one of them dies.
    pub async fn serve(
        self,
        listener: TcpListener,
        decide: impl Decide,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let health = Health::serving(reporter).await;
        // Health checks need no token.
        let routes = self.routes(decide).add_service(health_service);
        let _housekeeping = self.housekeeping()?;
        let drain = CancellationToken::new();
        let _drain_on_drop = drain.clone().drop_guard();

        let mut dealer = Dealer::new(listener, self.limits.connections);
        let mut worker = || Worker {
            server: self.limits.http2(transport::Server::builder()),
            routes: routes.clone(),
            incoming: Incoming::new(dealer.worker(), self.tls.clone(), self.limits.handshake),
            drain: drain.clone(),
        };
        let mut first = pin!(worker().run());
        let others = (1..self.workers.get()).map(|number| worker().spawn(number));
        let mut others = others.collect::<io::Result<FuturesUnordered<_>>>()?;
        tokio::select! {
            () = shutdown => {}
            () = dealer.run() => {}
            () = &mut first => return Err(ServeError::WorkerDied),
            Some(_) = others.next() => return Err(ServeError::WorkerDied),
        }
        health.end().await;
        drain.cancel();
        first.await;
        while others.next().await.is_some() {}
        Ok(())
    }

    /// The routes that need a token, if there are tokens.
    fn routes(&self, decide: impl Decide) -> Routes {
        let dispatch = Dispatch::new(decide, self.limits.message_bytes);
        let router = Routes::new(reflection().build_v1().expect(COMPLETE))
            .add_service(reflection().build_v1alpha().expect(COMPLETE))
            .into_axum_router()
            .fallback(async move |request| dispatch.answer(request).await);
        match &self.tokens {
            Some(tokens) => router.layer(from_fn_with_state(tokens.clone(), tokens::guard)).into(),
            None => router.into(),
        }
    }

    /// Reads the files again, beside the workers.
    fn housekeeping(&self) -> io::Result<Housekeeping> {
        let tls = self.tls.clone().map(|tls| Box::new(move || tls.refresh()) as Task);
        let tokens = self.tokens.clone().map(|tokens| Box::new(move || tokens.refresh()) as Task);
        Housekeeping::spawn(REFRESH, tls.into_iter().chain(tokens).collect())
    }
}

/// The reason why reflection can't fail.
const COMPLETE: &str = "the contract's descriptors are complete";

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

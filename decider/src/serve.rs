//! Serves every rpc of the contract dynamically, with gRPC health and reflection beside them.

mod accept;
mod codec;
mod dispatch;
mod health;
mod kept;
mod limits;
mod tls;
mod tokens;

pub use codec::DynamicCodec;
pub use limits::Limits;
pub(crate) use tls::HTTP_2;
pub use tls::{Tls, TlsFiles};
pub use tokens::Tokens;

use accept::Incoming;
use axum::middleware::from_fn_with_state;
use contract::DESCRIPTOR_SET;
use dispatch::Dispatch;
use health::Health;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::transport;

/// How long calls and streams that are under way may take once the server shuts down.
const DRAIN: Duration = Duration::from_secs(5);

/// How often the files of certificates and tokens are looked at.
const REFRESH: Duration = Duration::from_secs(1);

/// What a server answers.
pub trait Decide: Clone + Send + Sync + 'static {
    /// Answers one call of `rpc`. The response must be a message of `rpc.output()`.
    ///
    /// A panic is answered with the status `INTERNAL`.
    fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> impl Future<Output = Result<DynamicMessage, Status>> + Send;
}

/// A server of the contract: over plain connections and for everybody, unless told otherwise.
#[derive(Debug, Default)]
pub struct Server {
    limits: Limits,
    tls: Option<Arc<Tls>>,
    tokens: Option<Arc<Tokens>>,
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

    /// A server that asks for one of the tokens in every call but those of health, or for none.
    #[must_use]
    pub fn tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens: tokens.map(Arc::new), ..self }
    }

    /// Serves the contract's rpcs, health and reflection (v1 and v1alpha) until `shutdown` completes.
    /// Calls that are under way by then may take five seconds more.
    ///
    /// # Errors
    /// When the server can't run on the listener.
    pub async fn serve(
        self,
        listener: TcpListener,
        decide: impl Decide,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), transport::Error> {
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let health = Health::serving(reporter).await;
        // Whoever looks after the server's health needs no secret for it.
        let routes = self.routes(decide).add_service(health_service);

        let draining = Notify::new();
        let drain = async {
            shutdown.await;
            health.end().await;
            draining.notify_one();
        };
        let out_of_time = async {
            draining.notified().await;
            sleep(DRAIN).await;
        };
        let incoming = Incoming::new(listener, self.tls.clone(), &self.limits);
        let server = self.limits.http2(transport::Server::builder()).add_routes(routes);
        tokio::select! {
            served = server.serve_with_incoming_shutdown(incoming.into_stream(), drain) => served,
            () = out_of_time => Ok(()),
            () = self.refresh() => Ok(()),
        }
    }

    /// All that only those may call who are let in.
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

    /// Looks at the files again and again.
    async fn refresh(&self) {
        loop {
            sleep(REFRESH).await;
            if let Some(tls) = &self.tls {
                tls.refresh();
            }
            if let Some(tokens) = &self.tokens {
                tokens.refresh();
            }
        }
    }
}

/// Why reflection can't fail.
const COMPLETE: &str = "the contract's descriptors are complete";

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

//! Serves every rpc of the contract dynamically, with gRPC health and reflection beside them.

mod codec;
mod dispatch;
mod health;

pub use codec::DynamicCodec;

use crate::{DESCRIPTOR_SET, contract};
use dispatch::Dispatch;
use health::Health;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// How long calls and streams that are under way may take once the server shuts down.
const DRAIN: Duration = Duration::from_secs(5);

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

/// Serves the contract's rpcs, health and reflection (v1 and v1alpha) until `shutdown` completes.
/// Calls that are under way by then may take five seconds more.
///
/// # Errors
/// When the server can't run on the listener.
pub async fn serve(
    listener: TcpListener,
    decide: impl Decide,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), tonic::transport::Error> {
    let contract = contract();
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::serving(reporter, &contract).await;
    let dispatch = Dispatch::new(&contract, decide);
    let router = Routes::new(health_service)
        .add_service(reflection().build_v1().expect(COMPLETE))
        .add_service(reflection().build_v1alpha().expect(COMPLETE))
        .into_axum_router()
        .fallback(async move |request| dispatch.answer(request).await);

    let draining = Notify::new();
    let drain = async {
        shutdown.await;
        health.end().await;
        draining.notify_one();
    };
    let out_of_time = async {
        draining.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_routes(Routes::from(router));
    tokio::select! {
        served = server.serve_with_incoming_shutdown(incoming, drain) => served,
        () = out_of_time => Ok(()),
    }
}

/// Why reflection can't fail.
const COMPLETE: &str = "the contract's descriptors are complete";

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

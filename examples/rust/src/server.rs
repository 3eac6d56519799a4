//! Serves the decider, with health and reflection, until it is to stop.

use crate::call;
use crate::proto::DESCRIPTORS;
use crate::proto::message_service_server::{self, MessageServiceServer};
use crate::proto::user_service_server::{self, UserServiceServer};
use crate::service::Decider;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_reflection::server::Builder;
use tower::{layer::layer_fn, service_fn};
use tracing::warn;

/// How long calls that are under way may take once the server is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// What health is told of; the empty name is the server as a whole.
const HEALTH: [&str; 3] =
    ["", user_service_server::SERVICE_NAME, message_service_server::SERVICE_NAME];

/// Serves until `stop` completes, and what is under way by then to its end.
pub(crate) async fn serve(
    listener: TcpListener,
    decider: Arc<Decider>,
    stop: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut reporter, health) = tonic_health::server::health_reporter();
    for name in HEALTH {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    let reflection = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let draining = Notify::new();
    let drain = async {
        stop.await;
        for name in HEALTH {
            reporter.set_service_status(name, ServingStatus::NotServing).await;
            // Ends the streams of those who watch, which would hold up the end; they see the last status first.
            reporter.clear_service_status(name).await;
        }
        draining.notify_one();
    };
    let served = Server::builder()
        .layer(layer_fn(|routes: Routes| {
            service_fn(move |request| call::observe(routes.clone(), request))
        }))
        .add_service(UserServiceServer::from_arc(decider.clone()))
        .add_service(MessageServiceServer::from_arc(decider))
        .add_service(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), drain);
    let out_of_time = async {
        draining.notified().await;
        sleep(DRAIN).await;
    };
    tokio::select! {
        served = served => served?,
        () = out_of_time => warn!("calls were cut off"),
    }
    Ok(())
}

//! The port for operators: metrics, health, version.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;

/// The content type of [`crate::metrics::Metrics::encode`].
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Admin {
    gateway: Arc<Gateway>,
    draining: CancellationToken,
}

/// Serves the admin port for as long as the future is polled. Ready means listening and not draining, and *not* that
/// a decider answers: without gateways OpenIM would meet refused connections, and no failure policy could speak.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    draining: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(encoded))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/version", get(|| async { env!("CARGO_PKG_VERSION") }))
        .with_state(Admin { gateway, draining });
    axum::serve(listener, router).await
}

async fn encoded(
    State(admin): State<Admin>,
) -> Result<impl axum::response::IntoResponse, StatusCode> {
    let text = admin.gateway.metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    match admin.draining.is_cancelled() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        false => (StatusCode::OK, "ok"),
    }
}

//! The port for operators: metrics, health, version.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Older readers take OpenMetrics' text as well: what they do not know is a comment to them.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    asked: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let text = admin.gateway.metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let accepts = asked.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let open = accepts.contains("application/openmetrics-text");
    Ok(([(CONTENT_TYPE, if open { OPEN_METRICS } else { PROMETHEUS })], text))
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    match admin.draining.is_cancelled() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        false => (StatusCode::OK, "ok"),
    }
}

//! The port for operators: metrics, health, version, and the events. Its connections have a bound and timeouts of their
//! own, so that they take nothing from the callback port.
//!
//! - `events`: the routes to the events; `access`: who may use them; `refusal`: why not

pub mod access;
pub mod events;
mod refusal;
mod shared;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use process::listen::{Accepted, Acceptor};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

use self::shared::Admin;
pub use self::shared::Shared;

/// Connections; the oldest makes room for one more.
pub const CONNECTIONS: usize = 64;
/// The head of a request, and the pause before the next one on its connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// One request and its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A whole connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(600);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Older readers take OpenMetrics' text as well: its additions are comments to them.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the admin port for as long as the future is polled. Ready means listening and not draining, and *not* that a
/// decider answers: without gateways OpenIM would meet refused connections instead of the failure policy.
pub async fn serve(listener: TcpListener, shared: Shared, draining: CancellationToken) {
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let admin = Admin { shared, is_local, draining };
    let router = Router::new()
        .route("/metrics", get(encoded))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/version", get(|| async { env!("CARGO_PKG_VERSION") }))
        .merge(events::routes(admin.clone()))
        .with_state(admin);
    let (mut connections, mut acceptor) = (VecDeque::new(), Acceptor::new(listener));
    loop {
        if let Accepted::Connection(stream, _) = acceptor.accept().await {
            connections.retain(|connection: &AbortHandle| !connection.is_finished());
            // If the new one waited, silent ones could keep health checks out.
            if connections.len() >= CONNECTIONS {
                connections.pop_front().inspect(AbortHandle::abort);
            }
            let served = timeout(CONNECTION_TIMEOUT, connection(stream, router.clone()));
            connections.push_back(tokio::spawn(served).abort_handle());
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let service = service_fn(move |request| {
        let answer = router.clone().oneshot(request);
        async {
            let late = || StatusCode::SERVICE_UNAVAILABLE.into_response();
            let answer = timeout(REQUEST_TIMEOUT, answer).await;
            Ok::<_, Infallible>(answer.map_or_else(|_| late(), |Ok(response)| response))
        }
    });
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    if let Err(why) = http1.serve_connection(TokioIo::new(stream), service).await {
        debug!(%why, "connection on the admin port ended");
    }
}

async fn encoded(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let text = admin.shared.metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let open = accepts.contains("application/openmetrics-text");
    Ok(([(CONTENT_TYPE, if open { OPEN_METRICS } else { PROMETHEUS })], text))
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    match admin.draining.is_cancelled() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        false => (StatusCode::OK, "ok"),
    }
}

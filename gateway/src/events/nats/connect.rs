//! The connection to the servers: credentials, TLS, and the log of its state. async-nats reconnects by itself.

use std::fs;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ClientError, ConnectErrorKind, ConnectOptions, Event};
use process::{Mistake, pem};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::config::NatsConfig;

/// The longest time that opening a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause before the next attempt to reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// A server that does not answer two pings in a row is left.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Every mistake in the files that the settings name.
pub(super) fn mistakes(config: &NatsConfig) -> Vec<Mistake> {
    let check = |key, problem: Option<String>| {
        problem.map(|why| Mistake::new(format!("events.nats.{key}"), why))
    };
    let credentials = config.credentials_file.as_deref().and_then(|path| credentials(path).err());
    let ca = config.ca.as_deref().and_then(|path| pem::roots(path).err());
    let chain = config.certificate.as_deref().and_then(|path| pem::certificates(path).err());
    let private = config.key.as_deref().and_then(|path| pem::private_key(path).err());
    let checks =
        [("credentials_file", credentials), ("ca", ca), ("certificate", chain), ("key", private)];
    checks.into_iter().filter_map(|(key, problem)| check(key, problem)).collect()
}

/// Connects to one of the servers. `refused` is told when one refuses a reconnection: async-nats would go on with the
/// credentials of the first time, which may have expired.
///
/// # Errors
/// None can be reached, or they refuse.
pub(super) async fn connect(config: &NatsConfig, refused: Arc<Notify>) -> Result<Client, String> {
    let mut options = match config.credentials_file.as_deref() {
        Some(path) => credentials(path)?,
        None => ConnectOptions::new(),
    };
    if let Some(ca) = &config.ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let (Some(certificate), Some(key)) = (&config.certificate, &config.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    let servers: Vec<_> = config.servers.iter().map(|url| url.address()).collect();
    let connecting = options
        .name("callback-gateway")
        .require_tls(config.is_encrypted())
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .reconnect_delay_callback(reconnect_pause)
        .event_callback(move |event| {
            if is_refusal(&event) {
                refused.notify_one();
            }
            log(&event);
            ready(())
        })
        .connect(servers);
    connecting.await.map_err(|why| why.to_string())
}

fn credentials(path: &Path) -> Result<ConnectOptions, String> {
    let problem = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = fs::read_to_string(path).map_err(|why| problem(&why))?;
    // The parser's error is left out, since it could quote a part of the key.
    ConnectOptions::with_credentials(&text).map_err(|_| problem(&"holds no credentials of NATS"))
}

fn reconnect_pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.min(10)).unwrap_or(10);
    Duration::from_millis(1 << doublings).min(RECONNECT_PAUSE)
}

fn is_refusal(event: &Event) -> bool {
    let refusals = [ConnectErrorKind::AuthorizationViolation, ConnectErrorKind::Authentication];
    matches!(event, Event::ClientError(ClientError::Other(why))
        if refusals.iter().any(|kind| kind.to_string() == *why))
}

fn log(event: &Event) {
    match event {
        Event::Connected => info!("connected to NATS"),
        Event::Disconnected => warn!("disconnected from NATS"),
        other => warn!(event = %other, "NATS"),
    }
}

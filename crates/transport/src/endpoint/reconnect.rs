//! Keeps a connection to an endpoint open, and detects when it stops answering.

use std::sync::{Arc, Weak};
use std::time::Duration;

use h2::client::Connection;
use h2::{Ping, PingPong};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::core::Endpoint;
use crate::breaker::jittered;
use crate::connect::{self, Socket};
use crate::decider::Decider;
use crate::resolve::ResolvedAddress;

/// The first pause after a connection that failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// A connection that was lost sooner than this counts as one that failed.
const MIN_LIFETIME: Duration = Duration::from_secs(1);
/// The longest time to the answer to a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a connection, and another one when it is lost: at once if it lasted, else after growing pauses.
pub(super) async fn keep_open(endpoint: Weak<Endpoint>, decider: Arc<Decider>) {
    let (mut pause, mut generation) = (PAUSES.0, 0);
    while let Some(ResolvedAddress { address, target }) =
        endpoint.upgrade().map(|endpoint| endpoint.at.clone())
    {
        let opened = connect::open(&address, &target, &decider).await;
        let Some(strong) = endpoint.upgrade() else { return };
        let why = match opened {
            Ok((sender, connection)) => {
                generation += 1;
                info!(%address, "connected to the decider");
                let driven =
                    drive(connection, endpoint.clone(), generation, decider.config.keep_alive);
                tokio::spawn(driven);
                strong.update(|state| state.connected(sender, generation));
                let (lost, since) = (strong.lost.clone(), Instant::now());
                drop(strong);
                lost.notified().await;
                if since.elapsed() >= MIN_LIFETIME {
                    pause = PAUSES.0;
                    continue;
                }
                "the connection was lost at once".to_owned()
            }
            Err(why) => why.to_string(),
        };
        let Some(strong) = endpoint.upgrade() else { return };
        warn!(%address, why, "no connection to the decider");
        strong.update(|state| state.not_connected(format!("{address}: {why}")));
        strong.signals.unreachable.notify_one();
        let requested = strong.connect_requested.clone();
        drop(strong);
        let _ = timeout(jittered(pause), requested.notified()).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Runs a connection until it ends, or does not answer a ping.
async fn drive(
    mut connection: Connection<Socket>,
    endpoint: Weak<Endpoint>,
    generation: u64,
    keep_alive: Duration,
) {
    let pings = connection.ping_pong();
    let ended = tokio::select! {
        ended = connection => ended.map_err(|e| e.to_string()),
        why = silence(pings, &endpoint, keep_alive) => Err(why),
    };
    let Some(endpoint) = endpoint.upgrade() else { return };
    debug!(address = %endpoint.at.address, ?ended, "connection to the decider ended");
    endpoint.update(|state| endpoint.retire(state, generation));
}

/// Pings while calls are in flight; servers may punish pings on an idle connection. Ends when a ping is not answered.
async fn silence(
    pings: Option<PingPong>,
    endpoint: &Weak<Endpoint>,
    keep_alive: Duration,
) -> String {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        sleep(keep_alive).await;
        if endpoint.upgrade().is_some_and(|endpoint| endpoint.in_flight() > 0) {
            match timeout(PING_TIMEOUT, pings.ping(Ping::opaque())).await {
                Ok(Ok(_)) => {}
                Ok(Err(why)) => return why.to_string(),
                Err(_) => return "a ping was not answered".to_owned(),
            }
        }
    }
}

//! One worker's connections: accepts and serves them until shutdown, then drains them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use process::listen::{Accepted, Acceptor};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::admission::Admission;
use super::connection::{Connections, Origin};
use super::idle::ConnectionState;
use super::service::Service;
use super::shared::Shared;

/// Shorter than deadlines, and rare enough to cost nothing.
const TICK: Duration = Duration::from_millis(50);

/// Serves callbacks until `shutdown` is cancelled, then answers those in flight.
pub async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    service: Service,
    shutdown: CancellationToken,
) {
    let limits = &shared.limits;
    let service = Arc::new(Connections::new(service, shared.clone(), shutdown.clone()));
    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    let serve = |stream: TcpStream, peer: SocketAddr, room: Option<OwnedSemaphorePermit>| {
        let state = Arc::new(ConnectionState::new(closing.child_token()));
        let origin = Origin { peer: peer.ip(), state: state.clone() };
        let (service, metrics) = (service.clone(), shared.metrics.clone());
        connections.spawn(async move {
            let (_room, _connected) = (room, metrics.connected());
            service.serve(stream, origin).await;
        });
        state
    };

    // While an earlier timer is pending, tokio need not wake its driver, by a system call, for each deadline that is set.
    let tick = shutdown.clone().run_until_cancelled_owned(async {
        loop {
            sleep(TICK).await;
        }
    });
    tokio::spawn(tick);
    let mut acceptor = Acceptor::new(listener);
    let mut admission = Admission::new(shared.connections.clone());
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = acceptor.accept() => accepted,
            () = shared.connections.wanted() => {
                admission.make_room();
                continue;
            }
        };
        let (stream, peer) = match accepted {
            Accepted::Connection(stream, peer) => (stream, peer),
            Accepted::Exhausted => {
                admission.request_room();
                continue;
            }
        };
        let room = tokio::select! {
            biased;
            room = admission.admit() => room,
            () = shutdown.cancelled() => None,
        };
        admission.join(&serve(stream, peer, room));
    }

    // Closing the listener resets connections that the kernel has already taken, so these are served too.
    if let Ok(listener) = acceptor.into_inner().into_std() {
        while let Ok((stream, peer)) = listener.accept() {
            match stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                Ok(stream) => drop(serve(stream, peer, None)),
                Err(why) => debug!(%why, "can't serve a connection"),
            }
        }
    }
    connections.close();
    // Every answer now says `Connection: close`. Closing an idle connection at once would race with its next callback.
    if timeout(limits.linger, connections.wait()).await.is_err() {
        closing.cancel();
        if timeout(limits.drain, connections.wait()).await.is_err() {
            warn!(connections = connections.len(), "stopped with requests in flight");
        }
    }
}

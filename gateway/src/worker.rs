//! One thread's share of the gateway: it accepts connections and serves them, with a channel of its own, until it is
//! told to stop; then it drains them.

mod activity;
mod connection;
mod crowd;
mod rarely;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use self::activity::Activity;
use self::connection::{Connections, Origin};
use self::crowd::Crowd;
use crate::channel::Channel;
use crate::gateway::Gateway;
use crate::server::Server;

/// Connections that the kernel keeps for a listener until they are accepted.
const BACKLOG: i32 = 1024;
/// Earlier than deadlines are, and seldom enough to cost nothing.
const BEAT: Duration = Duration::from_millis(50);
/// How long accepting rests after an error; most are for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds one listener per worker to the same address; the kernel spreads connections over them.
///
/// # Errors
/// The address can't be used, or another process listens there: several processes could share it, and each would get
/// some of the callbacks.
pub fn bind(address: SocketAddr, workers: NonZeroUsize) -> io::Result<Vec<std::net::TcpListener>> {
    // A socket that does not share tells whether somebody else listens.
    let alone = socket(address, false)?;
    let address = alone.local_addr()?.as_socket().unwrap_or(address);
    drop(alone);
    let bind = |_| {
        let socket = socket(address, true)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    (0..workers.get()).map(bind).collect()
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_tcp_nodelay(true)?; // accepted sockets inherit it on Linux
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Serves callbacks until `shutdown` is cancelled, and then until those in flight are answered.
pub async fn run(listener: TcpListener, gateway: Arc<Gateway>, shutdown: CancellationToken) {
    let settings = gateway.settings();
    let limits = &settings.file.limits;
    let channels = Channel::open_all(&gateway);
    let server = Server::new(gateway.clone(), channels, shutdown.clone());
    let service = Connections::new(server, gateway.acceptor(), limits, shutdown.clone());
    let service = Arc::new(service);

    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    let serve = |stream: TcpStream, peer: SocketAddr, room: Option<OwnedSemaphorePermit>| {
        let activity = Arc::new(Activity::new(closing.child_token()));
        let origin = Origin { peer: peer.ip(), activity: activity.clone() };
        let (service, gateway) = (service.clone(), gateway.clone());
        connections.spawn(async move {
            let (_room, _connected) = (room, gateway.metrics.connected());
            service.serve(stream, origin).await;
        });
        activity
    };

    // While an earlier timer is pending, tokio need not wake its driver, by a system call, for each deadline that is set.
    let beat = shutdown.clone().run_until_cancelled_owned(async {
        loop {
            sleep(BEAT).await;
        }
    });
    tokio::spawn(beat);
    let mut crowd = Crowd::new(gateway.connections.clone());
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(why) => {
                    warn!(%why, "can't accept connections");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let room = tokio::select! {
            biased;
            room = crowd.room() => room,
            () = shutdown.cancelled() => None,
        };
        crowd.join(&serve(stream, peer, room));
    }

    // Closing the listener resets connections that the kernel has already taken, so these are served too.
    if let Ok(listener) = listener.into_std() {
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

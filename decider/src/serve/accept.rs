//! Accepts connections: as many as there may be, after their handshakes if there is TLS.

use super::limits::Limits;
use super::tls::Tls;
use futures_util::{Stream, stream};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::server::Connected;
use tracing::{debug, warn};

/// How long accepting rests after an error; most are for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections that come in.
pub(super) struct Incoming {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    patience: Duration,
    room: Arc<Semaphore>,
    full: bool,
    /// Handshakes run beside each other, so that a slow one holds up nobody.
    handshakes: JoinSet<io::Result<Connection>>,
}

impl Incoming {
    pub(super) fn new(listener: TcpListener, tls: Option<Arc<Tls>>, limits: &Limits) -> Self {
        let room = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let (patience, handshakes) = (limits.handshake, JoinSet::new());
        Self { listener, tls, patience, room, full: false, handshakes }
    }

    /// Dropping it stops listening.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Connection, Infallible>> {
        stream::unfold(self, async |mut this| Some((Ok(this.next().await), this)))
    }

    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => if let Some(connection) = self.welcome(stream) {
                        return connection;
                    },
                    Err(why) => {
                        warn!(%why, "can't accept connections");
                        sleep(PAUSE).await;
                    }
                },
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Ok(connection)) => return connection,
                    Ok(Err(why)) => debug!(%why, "no handshake"),
                    Err(why) => debug!(%why, "no handshake"),
                },
            }
        }
    }

    /// A connection that can be used at once.
    fn welcome(&mut self, stream: TcpStream) -> Option<Connection> {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            if !std::mem::replace(&mut self.full, true) {
                warn!("as many connections as there may be: more are closed");
            }
            return None;
        };
        self.full = false;
        if let Err(why) = stream.set_nodelay(true) {
            debug!(%why, "the connection has ended already");
        }
        let Some(tls) = &self.tls else {
            return Some(Connection { stream: Box::new(stream), _room: room });
        };
        let handshake = timeout(self.patience, tls.acceptor().accept(stream));
        self.handshakes.spawn(async {
            let stream = handshake.await??;
            Ok(Connection { stream: Box::new(stream), _room: room })
        });
        None
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A connection, which takes its room until it ends. It does not claim vectored writes, so that the
/// answers to many calls leave in one write.
pub(super) struct Connection {
    stream: Box<dyn Socket>,
    _room: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Nobody here asks who is connected.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

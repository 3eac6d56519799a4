//! The connections of one worker: usable ones, after their handshakes if there is TLS.

use super::accept::Dealt;
use super::tls::Tls;
use futures_util::{Stream, stream};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tonic::transport::server::Connected;
use tracing::debug;

/// The length of the preface.
const PREFACE: usize = 24;

/// The connections that are dealt to a worker.
pub(super) struct Incoming {
    dealt: UnboundedReceiver<Dealt>,
    tls: Option<Arc<Tls>>,
    handshake_timeout: Duration,
    /// Handshakes run concurrently, so that a slow one delays no other.
    handshakes: JoinSet<io::Result<Connection>>,
}

impl Incoming {
    pub(super) fn new(
        dealt: UnboundedReceiver<Dealt>,
        tls: Option<Arc<Tls>>,
        handshake_timeout: Duration,
    ) -> Self {
        Self { dealt, tls, handshake_timeout, handshakes: JoinSet::new() }
    }

    /// Ends when the dealer is dropped.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Connection, Infallible>> {
        stream::unfold(self, async |mut this| Some((Ok(this.next().await?), this)))
    }

    async fn next(&mut self) -> Option<Connection> {
        loop {
            let connected = tokio::select! {
                dealt = self.dealt.recv() => self.connect(dealt?).transpose(),
                Some(done) = self.handshakes.join_next() => Some(done.map_err(io::Error::other).flatten()),
            };
            match connected {
                Some(Ok(connection)) => return Some(connection),
                Some(Err(why)) => debug!(%why, "no connection"),
                None => {}
            }
        }
    }

    /// Returns a plain connection at once; with TLS, begins the handshake.
    fn connect(&mut self, Dealt { stream, room }: Dealt) -> io::Result<Option<Connection>> {
        let stream = TcpStream::from_std(stream)?;
        let Some(tls) = &self.tls else {
            return Ok(Some(Connection::new(stream, room, self.handshake_timeout)));
        };
        let limit = self.handshake_timeout;
        let handshake = timeout(limit, tls.acceptor().accept(stream));
        self.handshakes.spawn(async move {
            let stream = handshake.await??;
            Ok(Connection::new(stream, room, limit))
        });
        Ok(None)
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A connection, which takes its room until it ends. It does not claim vectored writes, so that many answers go out in
/// one write.
pub(super) struct Connection {
    stream: Box<dyn Socket>,
    /// None once the preface has come.
    preface: Option<Preface>,
    _room: OwnedSemaphorePermit,
}

/// The first bytes of a client of HTTP/2 (RFC 9113, 3.4), which hyper awaits without an end: it pings only after them.
struct Preface {
    missing: usize,
    timeout: Pin<Box<Sleep>>,
}

impl Connection {
    fn new(stream: impl Socket + 'static, room: OwnedSemaphorePermit, limit: Duration) -> Self {
        let preface = Preface { missing: PREFACE, timeout: Box::pin(sleep(limit)) };
        Self { stream: Box::new(stream), preface: Some(preface), _room: room }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(preface) = &mut self.preface {
            if read.is_pending() {
                ready!(preface.timeout.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            preface.missing = preface.missing.saturating_sub(buf.filled().len() - before);
            if preface.missing == 0 {
                self.preface = None;
            }
        }
        read
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

/// The peer's address is not used.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

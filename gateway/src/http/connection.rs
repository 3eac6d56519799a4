//! One connection: its handshake, its requests, and its end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as HyperService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use process::tls::H2;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::idle::{ConnectionState, Phase, Timeouts};
use super::service::Service;
use super::shared::Shared;
use super::when_woken::poll_when_woken;

/// Requests at the same time on one connection; Go's servers allow as many.
const STREAMS: u32 = 250;
/// HTTP/2's flow-control windows of a connection, and of each request on it. A body of 64 KiB and more takes round
/// trips.
const WINDOWS: (u32, u32) = (1 << 20, 64 << 10);
/// Requests that may be reset before they are accepted; more end the connection.
const RESETS: usize = 20;
/// The interval of pings on a silent connection, and the time to answer one.
const PING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// The parts that serve the connections of a worker.
pub(super) struct Connections {
    service: Service,
    shared: Arc<Shared>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    timeouts: Timeouts,
    drain: Duration,
    draining: CancellationToken,
}

/// The most bytes of one read from a connection: a group message of 16 KiB comes in one piece with its head, so that it
/// need not be joined. That copy is a ninth of its instructions.
const READ_LIMIT: usize = 32 << 10;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) peer: IpAddr,
    pub(super) state: Arc<ConnectionState>,
}

impl Connections {
    pub(super) fn new(service: Service, shared: Arc<Shared>, draining: CancellationToken) -> Self {
        let limits = &shared.limits;
        let mut http1 = http1::Builder::new();
        // hyper's own timeout runs between requests too, and costs a timer for each.
        http1
            .header_read_timeout(None)
            .max_header_size(limits.head)
            .max_buf_size(limits.head.max(READ_LIMIT));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .max_concurrent_streams(STREAMS)
            .initial_connection_window_size(WINDOWS.0)
            .initial_stream_window_size(WINDOWS.1)
            .max_pending_accept_reset_streams(RESETS)
            .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX));
        let drain = limits.drain;
        let timeouts = Timeouts { idle: limits.idle, head: limits.head_timeout };
        Self { service, shared, http1, http2, timeouts, drain, draining }
    }

    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, origin: Origin) {
        let Some(identity) = &self.shared.identity else {
            return self.http1(stream, &origin).await;
        };
        let tls = identity.current().acceptor();
        let handshake = timeout(self.timeouts.head, tls.accept(stream));
        // A silent peer must make room before its time is over, too.
        let Some(done) = origin.state.closing.run_until_cancelled(handshake).await else { return };
        match done {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(H2) => {
                self.http2(stream, &origin).await;
            }
            Ok(Ok(stream)) => self.http1(stream, &origin).await,
            Ok(Err(why)) => debug!(%why, peer = %origin.peer, "no handshake"),
            Err(_) => debug!(peer = %origin.peer, "the handshake took too long"),
        }
    }

    async fn http1<S>(self: &Arc<Self>, stream: S, origin: &Origin)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let state = origin.state.clone();
        let stream = InspectReader::new(stream, move |bytes: &[u8]| state.on_read(bytes));
        let connection = self.http1.serve_connection(TokioIo::new(stream), self.requests(origin));
        // Each answer now says `Connection: close`. To close an idle connection at once would race with its next
        // callback, so the listener decides when.
        self.drive(connection, &origin.state, std::future::pending()).await;
    }

    async fn http2<S>(self: &Arc<Self>, stream: S, origin: &Origin)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection = self.http2.serve_connection(TokioIo::new(stream), self.requests(origin));
        // GOAWAY names the requests that are still answered: none is lost.
        self.drive(connection, &origin.state, self.draining.cancelled()).await;
    }

    fn requests(
        self: &Arc<Self>,
        origin: &Origin,
    ) -> impl HyperService<
        Request<Incoming>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let (this, origin) = (self.clone(), origin.clone());
        service_fn(move |request: Request<Incoming>| {
            let (this, peer, guard) = (this.clone(), origin.peer, origin.state.request());
            let (head, body) = request.into_parts();
            async move {
                let _guard = guard;
                Ok::<_, Infallible>(this.service.respond(&head, body, peer).await)
            }
        })
    }

    /// Serves until the connection ends, is drained, or exceeds a timeout.
    async fn drive<C>(
        &self,
        connection: C,
        state: &ConnectionState,
        leave: impl Future<Output = ()>,
    ) where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let mut connection = pin!(connection);
        // The reasons to end a connection are not polled for every request.
        let reason = poll_when_woken(async {
            tokio::select! {
                phase = state.lasts_too_long(self.timeouts) => match phase {
                    Phase::Idle(_) => Ok(()),
                    _ => Err("the head of a request took too long"),
                },
                () = state.closing.cancelled() => match state.phase() {
                    Phase::Head(_) => Err("the head of a request was too slow to be waited for"),
                    _ => Ok(()),
                },
                () = leave => Ok(()),
            }
        });
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => Some(ended),
            reason = reason => match reason {
                Ok(()) => None,
                Err(why) => return debug!("{why}"),
            },
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                match timeout(self.drain, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return debug!("the connection did not end in time"),
                }
            }
        };
        if let Err(why) = ended {
            debug!(?why, "connection ended");
        }
    }
}

//! Opens a connection to an endpoint: TCP or a Unix domain socket, TLS, and HTTP/2 over it.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use process::tls::H2;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::decider::Decider;

/// The longest time that written data may stay without an acknowledgement. So the kernel detects a peer that vanished.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// The number of streams until the peer's SETTINGS arrive.
const FIRST_STREAMS: usize = 100;
const HEADER_LIST: u32 = 16 << 10;

/// The address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp(std::net::SocketAddr),
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An endpoint as the URL names it, before its name is resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) authority: Authority,
}

impl Target {
    pub(super) fn uri(&self, path: &PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if self.tls { Scheme::HTTPS } else { Scheme::HTTP });
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.clone());
        Uri::from_parts(parts).expect("all three parts are there")
    }
}

type Opened = (SendRequest<Bytes>, Connection<Socket>);

pub(super) async fn open(
    address: &Address,
    target: &Target,
    decider: &Decider,
) -> io::Result<Opened> {
    let opened = timeout(decider.config.connect_timeout, async {
        let socket: Box<dyn Stream> = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                SockRef::from(&stream).set_tcp_user_timeout(Some(TCP_USER_TIMEOUT))?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        let socket = if target.tls { secure(socket, target, decider).await? } else { socket };
        h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST)
            .initial_max_send_streams(FIRST_STREAMS)
            .enable_push(false)
            .handshake(Socket(socket))
            .await
            .map_err(io::Error::other)
    });
    opened.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn secure(
    socket: Box<dyn Stream>,
    target: &Target,
    decider: &Decider,
) -> io::Result<Box<dyn Stream>> {
    let config = decider.tls().ok_or_else(|| io::Error::other("no endpoint is https"))?;
    let name = decider.config.server_name.as_ref().unwrap_or(&target.host);
    let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = connector.connect(name, socket).await?;
    match stream.get_ref().1.alpn_protocol() {
        Some(H2) => Ok(Box::new(stream)),
        _ => Err(io::Error::other("the decider's TLS does not offer HTTP/2")),
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that does not claim vectored writes. With them h2 flushes each DATA frame of 256 bytes or more by itself,
/// one system call each; without, the frames of all waiting requests go out in one.
pub(super) struct Socket(Box<dyn Stream>);

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

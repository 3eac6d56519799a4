//! A peer that answers by a script, or does not.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// The path of gRPC's health check.
pub(crate) const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A server on a port of its own, or of another that is gone.
pub(crate) struct Peer {
    address: SocketAddr,
    calls: watch::Receiver<Vec<Parts>>,
    accepting: AbortHandle,
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// None, ever.
    Nothing,
    /// None until the gate is open.
    Behind(watch::Receiver<bool>, Box<Reply>),
    Reset(Reason),
    Answer {
        head: Box<Response<()>>,
        body: Bytes,
        trailers: Option<HeaderMap>,
    },
}

impl Reply {
    /// These bytes between a right head and right trailers.
    pub(crate) fn body(body: impl Into<Bytes>) -> Self {
        let head = head(200, &[("content-type", "application/grpc")]);
        Self::Answer { head, body: body.into(), trailers: Some(fields(&[("grpc-status", "0")])) }
    }

    /// This message, as it should be.
    pub(crate) fn message(message: &[u8]) -> Self {
        Self::body(frame(message))
    }

    /// This status, and nothing else.
    pub(crate) fn status(status: &'static str) -> Self {
        let head = head(200, &[("content-type", "application/grpc"), ("grpc-status", status)]);
        Self::Answer { head, body: Bytes::new(), trailers: None }
    }
}

pub(crate) fn head(status: u16, headers: &[(&'static str, &'static str)]) -> Box<Response<()>> {
    let mut head = Response::new(());
    *head.status_mut() = status.try_into().expect("a status");
    *head.headers_mut() = fields(headers);
    Box::new(head)
}

pub(crate) fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(*name, HeaderValue::from_static(value));
    }
    map
}

/// A message behind its prefix.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a length");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

impl Peer {
    pub(crate) async fn start(reply: impl FnMut(&Parts) -> Reply + Send + 'static) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at(any, None, reply).await.expect("a free port")
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        reply: impl FnMut(&Parts) -> Reply + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = watch::channel(Vec::new());
        let reply = Arc::new(Mutex::new(reply));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, reply, sender) = (tls.clone(), reply.clone(), sender.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, reply, sender).await,
                            Err(_not_trusted) => {}
                        },
                        None => serve(stream, reply, sender).await,
                    }
                });
            }
        });
        Ok(Self { address, calls, accepting: accepting.abort_handle() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all calls so far, health checks or others.
    pub(crate) fn calls(&self, health: bool) -> Vec<Parts> {
        let calls = self.calls.borrow();
        calls.iter().filter(|call| (call.uri.path() == HEALTH) == health).cloned().collect()
    }

    /// Waits for this many health checks.
    pub(crate) async fn checked(&self, times: usize) {
        let enough = |calls: &Vec<Parts>| {
            calls.iter().filter(|call| call.uri.path() == HEALTH).count() >= times
        };
        let mut calls = self.calls.clone();
        let waited = tokio::time::timeout(Duration::from_secs(5), calls.wait_for(enough)).await;
        waited.expect("health checks in time").expect("the peer runs");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: Arc<Mutex<impl FnMut(&Parts) -> Reply>>,
    calls: watch::Sender<Vec<Parts>>,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut unanswered = Vec::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        let reply = reply.lock().expect("no panic")(&head);
        calls.send_modify(|calls| calls.push(head));
        match reply {
            Reply::Nothing => unanswered.push((respond, body)),
            Reply::Behind(mut gate, reply) => {
                tokio::spawn(async move {
                    let _ = gate.wait_for(|is_open| *is_open).await;
                    let _ = answer(respond, *reply);
                });
            }
            reply => {
                // A call that was cancelled meanwhile is no error.
                let _ = answer(respond, reply);
            }
        }
    }
}

fn answer(mut respond: SendResponse<Bytes>, reply: Reply) -> Result<(), h2::Error> {
    match reply {
        Reply::Nothing | Reply::Behind(..) => Ok(()),
        Reply::Reset(reason) => {
            respond.send_reset(reason);
            Ok(())
        }
        Reply::Answer { head, body, trailers } => {
            let ends = body.is_empty() && trailers.is_none();
            let mut stream = respond.send_response(*head, ends)?;
            match trailers {
                _ if ends => Ok(()),
                None => stream.send_data(body, true),
                Some(trailers) => {
                    stream.send_data(body, false)?;
                    stream.send_trailers(trailers)
                }
            }
        }
    }
}

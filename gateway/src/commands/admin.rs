//! The client of a running gateway's admin port.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The most bytes of an answer: enough for the content of the largest event as JSON, each byte of it an escape.
const ANSWER: usize = 128 << 20;

/// Sends a request on a connection of its own.
///
/// # Errors
/// Nobody answers within the limit, or the answer is too large.
pub(super) async fn send(
    address: SocketAddr,
    mut request: Request<Full<Bytes>>,
    limit: Duration,
) -> Result<Response<Bytes>, Box<dyn Error>> {
    request.headers_mut().insert(HOST, HeaderValue::try_from(address.to_string())?);
    timeout(limit, async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER).collect().await;
        Ok(Response::from_parts(head, body.map_err(|why| why as Box<dyn Error>)?.to_bytes()))
    })
    .await?
}

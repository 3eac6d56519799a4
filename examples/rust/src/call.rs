//! What holds for every call: it is not decided after its deadline, and it is logged.

use http::{HeaderMap, HeaderValue, Request, Response};
use percent_encoding::percent_decode;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::ServiceExt;
use tracing::info;

/// Answers a call by its rpc, and logs it.
pub(crate) async fn observe(
    routes: Routes,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let mut call = Call::new(&request);
    let deadline = request.headers().get("grpc-timeout").and_then(timeout).map(|t| call.start + t);
    let mut answer = pin!(routes.oneshot(request));
    // tonic has a timer too, but it only ends calls that wait: a decision would come before it.
    let response = poll_fn(|context| match deadline {
        Some(deadline) if deadline <= Instant::now() => {
            Poll::Ready(Ok(Status::deadline_exceeded("the deadline has passed").into_http()))
        }
        _ => answer.as_mut().poll(context),
    });
    let response = response.await?;
    // A status that comes later, in trailers, is that of an rpc that has answered.
    call.status = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
    Ok(response)
}

/// A `grpc-timeout`: digits and a unit. What is none counts for nothing, as in tonic.
fn timeout(header: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = header.as_bytes().split_last()?;
    let unit = match unit {
        b'H' => Duration::from_secs(3600),
        b'M' => Duration::from_secs(60),
        b'S' => Duration::from_secs(1),
        b'm' => Duration::from_millis(1),
        b'u' => Duration::from_micros(1),
        b'n' => Duration::from_nanos(1),
        _ => return None,
    };
    Some(unit * str::from_utf8(digits).ok()?.parse().ok()?)
}

/// Logs when it is dropped, so that calls that are cancelled are logged too.
struct Call {
    rpc: String,
    operation_id: String,
    callback_id: String,
    start: Instant,
    status: Code,
}

impl Call {
    fn new(request: &Request<Body>) -> Self {
        Self {
            rpc: request.uri().path().trim_start_matches('/').into(),
            operation_id: metadata(request.headers(), "openim-operation-id"),
            callback_id: metadata(request.headers(), "callback-id"),
            start: Instant::now(),
            status: Code::Cancelled,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Self { rpc, operation_id, callback_id, start, status } = self;
        let milliseconds = start.elapsed().as_micros() as f64 / 1e3;
        info!(rpc, operation_id, callback_id, ?status, milliseconds, "call");
    }
}

/// The gateway sends what is not printable ASCII percent-encoded.
fn metadata(headers: &HeaderMap, key: &str) -> String {
    let value = headers.get(key).map_or(&b""[..], |value| value.as_bytes());
    percent_decode(value).decode_utf8_lossy().into()
}

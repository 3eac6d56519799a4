//! One unary call over an HTTP/2 connection, and what its failure says about whether it ran.

use std::convert::Infallible;
use std::future::Ready;

use bytes::Bytes;
use h2::client::SendRequest;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Request, Response, Uri, Version};
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt, Full};
use tonic::{Code, Status};

use crate::joined::Joined;

/// The largest answer of a decider: what gRPC implementations take by default.
const ANSWER_LIMIT: usize = 4 << 20;
static STATUS: HeaderName = HeaderName::from_static("grpc-status");
static DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// A message's flag and length, before the message itself.
const PREFIX: usize = 5;

/// The body of an answer, whole.
pub(crate) type Reply = WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing of the call was written.
    NotSent(String),
    /// The peer said goodbye, and declared that it did not run the call.
    NotProcessed(String),
    /// The peer refused the stream, and so did not run the call; the connection is as good as before.
    Refused(String),
    /// The call may have run.
    Broken(String),
    /// The answer is larger than what is taken.
    TooLarge,
}

impl Failed {
    pub(super) fn surely_did_not_run(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::NotProcessed(_) | Self::Refused(_))
    }
}

impl From<Failed> for Status {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NotSent(why)
            | Failed::NotProcessed(why)
            | Failed::Refused(why)
            | Failed::Broken(why) => Self::unavailable(why),
            Failed::TooLarge => Self::out_of_range("the answer is larger than 4 MiB"),
        }
    }
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) response: Response<Reply>,
    /// Whether it says that the decider, or what stands before it, is not available.
    pub(super) unavailable: bool,
}

/// Sends a call, and reads its answer. Dropping the future resets the stream, which cancels the call.
pub(super) async fn call(
    mut connection: SendRequest<Bytes>,
    head: &Parts,
    uri: Uri,
    body: Bytes,
) -> Result<Answer, Failed> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = head.headers.clone();
    // Fails at once on a connection that has ended or got GOAWAY.
    let sent = connection.send_request(request, false).map_err(|e| Failed::NotSent(e.to_string()));
    let (response, mut stream) = sent?;
    stream.send_data(body, true).map_err(broken)?;
    let (mut head, mut body) = response.await.map_err(unanswered)?.into_parts();
    let mut answer = Joined::default();
    while let Some(data) = body.data().await {
        let data = data.map_err(broken)?;
        body.flow_control().release_capacity(data.len()).map_err(broken)?;
        if answer.len() + data.len() > ANSWER_LIMIT + PREFIX {
            return Err(Failed::TooLarge);
        }
        answer.push(data);
    }
    let mut trailers = body.trailers().await.map_err(broken)?;
    // tonic panics on details that are not what they should be, and nobody reads them.
    [Some(&mut head.headers), trailers.as_mut()].into_iter().flatten().for_each(|headers| {
        headers.remove(&DETAILS);
    });
    check(&head)?;
    let unavailable = is_unavailable(&head, trailers.as_ref());
    let body = Full::new(answer.finish());
    let body = body.with_trailers(std::future::ready(trailers.map(Ok)));
    Ok(Answer { response: Response::from_parts(head, body), unavailable })
}

/// An answer is not gRPC's when a proxy wrote it, say. gRPC would take a 404 for an rpc that is not implemented, but a
/// route that is missing is no decider's word.
fn check(head: &http::response::Parts) -> Result<(), Failed> {
    let content_type = head.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    match content_type.is_some_and(|text| text.starts_with(b"application/grpc")) {
        true => Ok(()),
        false => Err(Failed::Broken(format!("the answer is not gRPC's: HTTP {}", head.status))),
    }
}

fn unanswered(error: h2::Error) -> Failed {
    // A stream fails with the peer's GOAWAY only if its number is over the last one that the GOAWAY names.
    if error.is_remote() && error.is_go_away() {
        Failed::NotProcessed(error.to_string())
    } else if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
        Failed::Refused(error.to_string())
    } else {
        broken(error)
    }
}

fn broken(error: h2::Error) -> Failed {
    Failed::Broken(error.to_string())
}

fn is_unavailable(head: &http::response::Parts, trailers: Option<&HeaderMap>) -> bool {
    let code = |headers: &HeaderMap| Some(Code::from_bytes(headers.get(&STATUS)?.as_bytes()));
    match code(&head.headers).or_else(|| trailers.and_then(code)) {
        Some(code) => code == Code::Unavailable,
        None => matches!(head.status.as_u16(), 429 | 502..=504),
    }
}

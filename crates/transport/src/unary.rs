//! One unary call over an HTTP/2 connection, and what its failure says about whether it ran.

use bytes::{Buf, Bytes};
use h2::client::SendRequest;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::{Request, StatusCode};
use tonic::{Code, Status};

use crate::body_buffer::BodyBuffer;
use crate::failure::Failure;

/// The length of what stands before a message: a flag for compression, and the message's length.
pub const PREFIX: usize = 5;
/// The largest answer of a decider: what gRPC implementations take by default.
const ANSWER_LIMIT: usize = 4 << 20;
static STATUS: HeaderName = HeaderName::from_static("grpc-status");
static DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum CallError {
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

impl CallError {
    pub(super) fn is_safe_to_retry(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::NotProcessed(_) | Self::Refused(_))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Status(match error {
            CallError::NotSent(why)
            | CallError::NotProcessed(why)
            | CallError::Refused(why)
            | CallError::Broken(why) => Status::unavailable(why),
            CallError::TooLarge => Status::out_of_range("the answer is larger than 4 MiB"),
        })
    }
}

/// Sends a call, and reads its answer: the message, or what is said or wrong in its place. Dropping the future resets the
/// stream, which cancels the call.
pub(super) async fn call(
    mut connection: SendRequest<Bytes>,
    request: Request<()>,
    frame: Bytes,
) -> Result<Result<Bytes, Failure>, CallError> {
    // Fails at once on a connection that has ended or got GOAWAY.
    let sent =
        connection.send_request(request, false).map_err(|e| CallError::NotSent(e.to_string()));
    let (response, mut stream) = sent?;
    stream.send_data(frame, true).map_err(broken)?;
    let (head, mut body) = response.await.map_err(unanswered)?.into_parts();
    let mut answer = BodyBuffer::default();
    while let Some(data) = body.data().await {
        let data = data.map_err(broken)?;
        body.flow_control().release_capacity(data.len()).map_err(broken)?;
        if answer.received() + data.len() > ANSWER_LIMIT + PREFIX {
            return Err(CallError::TooLarge);
        }
        answer.push(data);
    }
    let trailers = body.trailers().await.map_err(broken)?;
    check(&head)?;
    let said = status(head.status, head.headers, trailers).map_err(Failure::Status);
    Ok(said.and_then(|()| message(answer.finish())))
}

/// An answer is not gRPC's when a proxy wrote it, say. gRPC would take a 404 for an rpc that is not implemented, but a
/// route that is missing is no decider's word.
fn check(head: &http::response::Parts) -> Result<(), CallError> {
    let content_type = head.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    match content_type.is_some_and(|text| text.starts_with(b"application/grpc")) {
        true => Ok(()),
        false => Err(CallError::Broken(format!("the answer is not gRPC's: HTTP {}", head.status))),
    }
}

/// What the decider says of the call, in the trailers or, where there is nothing else, in the headers.
fn status(http: StatusCode, headers: HeaderMap, trailers: Option<HeaderMap>) -> Result<(), Status> {
    let mut said = trailers.unwrap_or(headers);
    match said.get(&STATUS).map(http::HeaderValue::as_bytes) {
        Some(b"0") => Ok(()),
        Some(_) => {
            // tonic panics on details that are not what they should be, and nobody reads them.
            said.remove(&DETAILS);
            Err(Status::from_header_map(&said).expect("there is a status"))
        }
        None => {
            let code = match http.as_u16() {
                429 | 502..=504 => Code::Unavailable,
                _ => Code::Unknown,
            };
            Err(Status::new(code, format!("the answer has no grpc-status: HTTP {http}")))
        }
    }
}

/// The one message of an answer.
fn message(mut body: Bytes) -> Result<Bytes, Failure> {
    if body.len() < PREFIX {
        return Err(Status::internal("the answer has no message").into());
    }
    let (flag, length) = (body.get_u8(), body.get_u32() as usize);
    match length {
        _ if flag != 0 => Err(Status::internal("the answer is compressed").into()),
        _ if length > ANSWER_LIMIT => Err(CallError::TooLarge.into()),
        _ if length > body.len() => Err(Status::internal("the answer is cut off").into()),
        _ if length < body.len() => {
            Err(Failure::WrongAnswer("it has more than one message".to_owned()))
        }
        _ => Ok(body),
    }
}

fn unanswered(error: h2::Error) -> CallError {
    // A stream fails with the peer's GOAWAY only if its number is over the last one that the GOAWAY names.
    if error.is_remote() && error.is_go_away() {
        CallError::NotProcessed(error.to_string())
    } else if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
        CallError::Refused(error.to_string())
    } else {
        broken(error)
    }
}

fn broken(error: h2::Error) -> CallError {
    CallError::Broken(error.to_string())
}

//! One unary call over an HTTP/2 connection, and the judgement of its answer by gRPC's rules.

use bytes::{Buf, Bytes};
use h2::client::SendRequest;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;
use http::{Request, StatusCode};
use percent_encoding::percent_decode;
use tonic::{Code, Status};

use crate::body_buffer::BodyBuffer;
use crate::content_type::is_grpc;
use crate::failure::{Failure, PUSHBACK};

/// The length of a message's prefix: a flag for compression, and the message's length.
pub const PREFIX: usize = 5;
/// The largest answer of a decider: the default limit of gRPC implementations.
const ANSWER_LIMIT: usize = 4 << 20;
static STATUS: HeaderName = HeaderName::from_static("grpc-status");
static MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The reason why a call has no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// Nothing of the call was written.
    NotSent(String),
    /// The peer sent GOAWAY, and declared that it did not run the call.
    NotProcessed(String),
    /// The peer refused the stream, and so did not run the call; the connection is as good as before.
    Refused(String),
    /// The call may have run.
    Broken(String),
    /// The answer is larger than [`ANSWER_LIMIT`].
    TooLarge,
}

impl CallError {
    pub(super) fn is_safe_to_retry(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::NotProcessed(_) | Self::Refused(_))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent(why) | CallError::NotProcessed(why) | CallError::Refused(why) => {
                Self::NotRun(why)
            }
            CallError::Broken(why) => Self::Status(Status::unavailable(why)),
            CallError::TooLarge => {
                Self::Status(Status::out_of_range("the answer is larger than 4 MiB"))
            }
        }
    }
}

/// Sends a call, and reads its answer: the message, or the failure that the decider answered with. Dropping the future
/// resets the stream, which cancels the call.
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
    let answer = answer.finish();
    let status = status(head.headers, trailers, answer.is_empty()).map_err(Failure::Status);
    Ok(status.and_then(|()| message(answer)))
}

/// Checks that the answer is gRPC's, and not a proxy's. gRPC would take a 404 for an unimplemented rpc, but a proxy's
/// missing route is not the decider's answer.
fn check(head: &Parts) -> Result<(), CallError> {
    let mut content_types = head.headers.get_all(CONTENT_TYPE).iter();
    let is_grpc = content_types.next().is_some_and(|it| is_grpc(it.as_bytes()));
    match is_grpc && content_types.next().is_none() && head.status == StatusCode::OK {
        true => Ok(()),
        false => Err(CallError::Broken(format!("the answer is not gRPC's: HTTP {}", head.status))),
    }
}

/// The decider's status: it is in the trailers, or in the headers if nothing came after them. There must be one only,
/// so that no contradiction is accepted as OK.
fn status(
    headers: HeaderMap,
    trailers: Option<HeaderMap>,
    without_message: bool,
) -> Result<(), Status> {
    let is_early = headers.contains_key(&STATUS);
    let (last, early) = match trailers {
        Some(trailers) => (trailers, is_early),
        None if without_message => (headers, false),
        None => return Err(Status::unknown("the answer has no trailers")),
    };
    let mut statuses = last.get_all(&STATUS).iter();
    match (statuses.next().map(HeaderValue::as_bytes), statuses.next()) {
        (None, _) => Err(Status::unknown("the answer has no grpc-status")),
        (Some(_), Some(_)) => Err(Status::unknown("the answer has more than one grpc-status")),
        (Some(b"0"), None) if early => {
            Err(Status::unknown("the answer has a grpc-status in its headers and its trailers"))
        }
        (Some(b"0"), None) => Ok(()),
        (Some(code), None) => {
            // Status::from_header_map panics on bad details, and lets a bad message replace the code.
            let message = last.get(&MESSAGE).map_or(&b""[..], HeaderValue::as_bytes);
            let message = percent_decode(message).decode_utf8_lossy();
            let mut status = Status::new(Code::from_bytes(code), message);
            if let Some(pushback) = last.get(&PUSHBACK) {
                status.metadata_mut().as_mut().insert(&PUSHBACK, pushback.clone());
            }
            Err(status)
        }
    }
}

/// The one message of an answer that says OK.
fn message(mut body: Bytes) -> Result<Bytes, Failure> {
    let wrong = |why: &str| Err(Failure::WrongAnswer(why.to_owned()));
    if body.len() < PREFIX {
        return wrong("it has no message");
    }
    let (flag, length) = (body.get_u8(), body.get_u32() as usize);
    match length {
        _ if flag != 0 => wrong("it is compressed"),
        _ if length > ANSWER_LIMIT => Err(CallError::TooLarge.into()),
        _ if length > body.len() => wrong("its message is cut off"),
        _ if length < body.len() => wrong("there are bytes behind its message"),
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

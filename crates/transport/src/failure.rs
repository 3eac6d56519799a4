//! The ways in which a call ends without an answer.

use std::time::Duration;

use http::HeaderName;
use tonic::{Code, Status};

/// The reason why a call has no valid answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The decider did not answer in time.
    #[error("the decider did not answer within the deadline")]
    Deadline,
    /// The call surely did not run: no endpoint could be used, or the one picked did not take the call.
    #[error("Unavailable: {0}")]
    NotRun(String),
    /// The decider broke gRPC's rules, or answered with a status other than OK.
    #[error("{:?}: {}", .0.code(), .0.message())]
    Status(Status),
    /// The decider answered OK, with something other than one message.
    #[error("wrong answer: {0}")]
    WrongAnswer(String),
}

/// The trailer by which a server says after how many milliseconds a call may be retried; one that is no such number says
/// never. By gRPC's A6.
pub(crate) static PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// The wish of a decider about a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Not before this time has passed.
    After(Duration),
    /// Never.
    Never,
}

impl Failure {
    /// The decider's wish about a retry, if it has one.
    #[must_use]
    pub fn pushback(&self) -> Option<Pushback> {
        let Self::Status(status) = self else { return None };
        let value = status.metadata().get(PUSHBACK.as_str())?.to_str().unwrap_or_default();
        let time = value.parse().map(Duration::from_millis);
        Some(time.map_or(Pushback::Never, Pushback::After))
    }

    /// True for the status UNAVAILABLE, from the decider or a proxy before it.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Status(status) if status.code() == Code::Unavailable)
    }
}

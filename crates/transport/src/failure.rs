//! The ways in which a call ends without an answer.

use tonic::{Code, Status};

/// The reason why a call has no valid answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The decider did not answer in time.
    #[error("the decider did not answer within the deadline")]
    Deadline,
    /// The decider could not be reached, broke gRPC's rules, or answered with a status other than OK.
    #[error("{:?}: {}", .0.code(), .0.message())]
    Status(Status),
    /// The decider answered OK, with something other than one message.
    #[error("wrong answer: {0}")]
    WrongAnswer(String),
}

impl Failure {
    /// True for the status UNAVAILABLE, from the decider or a proxy before it.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Status(status) if status.code() == Code::Unavailable)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

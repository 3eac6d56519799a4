//! The ways in which a callback ends without a decision.

use std::net::IpAddr;

use http::StatusCode;

use crate::json;

/// A request that can't be understood, and is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A caller who is not one of those who may call.
    #[error("{reason}")]
    Unauthorised {
        /// What is missing.
        reason: Unauthorised,
        /// Who called, behind the proxies that are believed; none if they did not say.
        client: Option<IpAddr>,
    },
    /// Another method than POST.
    #[error("callbacks are sent by POST")]
    Method,
    /// No command in the URL.
    #[error(
        "the URL names no callback: it must end in /{{command}} or have ?command={{command}}{}",
        advice(.query)
    )]
    NoCommand {
        /// As in `Disagree`.
        query: bool,
    },
    /// A command that can't be one.
    #[error("the URL's command must be 1 to 128 letters, digits or underscores{}", advice(.query))]
    BadCommand {
        /// As in `Disagree`.
        query: bool,
    },
    /// Several commands in the query.
    #[error("the URL's query has more than one command")]
    ManyCommands,
    /// A body over the limit.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A body for which there is no room beside the others.
    #[error("too many bodies are coming at once")]
    Crowded,
    /// A body that did not come in time.
    #[error("the body was not complete within the deadline")]
    Incomplete,
    /// A body that ended early, or was framed wrongly.
    #[error("the body could not be read")]
    Broken,
    /// A body that is not the callback's JSON.
    #[error("the body can't be read: {0}")]
    Body(String),
    /// A body that does not say which callback it is.
    #[error("the body has no callbackCommand")]
    NoBodyCommand,
    /// A body of another callback than the URL's.
    #[error("the URL says {url}, but the body's callbackCommand is another{}", advice(.query))]
    Disagree {
        /// The URL's command.
        url: String,
        /// Whether the URL that OpenIM was given has a query, behind which it wrote the command.
        query: bool,
    },
}

fn advice(query: &bool) -> &'static str {
    if *query { " (the callback URL in OpenIM's configuration must not have a query)" } else { "" }
}

impl From<json::Error> for Refused {
    fn from(error: json::Error) -> Self {
        Self::Body(error.to_string())
    }
}

impl Refused {
    /// The HTTP status that goes with the refusal. OpenIM never looks at it; proxies and people do.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised { reason: Unauthorised::Basic, .. } => StatusCode::UNAUTHORIZED,
            Self::Unauthorised { .. } => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoCommand { .. } => StatusCode::NOT_FOUND,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Crowded => StatusCode::TOO_MANY_REQUESTS,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::BadCommand { .. }
            | Self::ManyCommands
            | Self::Broken
            | Self::Body(_)
            | Self::NoBodyCommand
            | Self::Disagree { .. } => StatusCode::BAD_REQUEST,
        }
    }
}

/// What a caller lacks who may not call.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq, Hash)]
pub enum Unauthorised {
    /// An address of a network that may call.
    #[error("callbacks are not taken from this address")]
    Network,
    /// The secret at the beginning of the path.
    #[error("the URL's path does not begin with the secret that callers are given")]
    PathSecret,
    /// The right credentials for HTTP Basic.
    #[error("the URL's user and password are missing or wrong")]
    Basic,
}

/// A callback that was understood, and for which there is no decision.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The decider did not answer in time.
    #[error("the decider did not answer within the deadline")]
    Deadline,
    /// As many calls as there may be are in flight.
    #[error("overload: too many calls to deciders are in flight")]
    Overload,
    /// The decider could not be reached, or answered with a status other than OK.
    #[error("{:?}: {}", .0.code(), .0.message())]
    Status(tonic::Status),
    /// The decider's answer is no message of the contract.
    #[error("wrong answer: {0}")]
    Undecodable(String),
    /// The decider's answer can't be passed on.
    #[error(transparent)]
    Wrong(#[from] WrongAnswer),
}

impl Failure {
    /// Whether the decider does not implement the callback's rpc.
    #[must_use]
    pub fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Status(status) if status.code() == tonic::Code::Unimplemented)
    }

    /// Whether the decider, or what stands before it, says that it is not available.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Status(status) if status.code() == tonic::Code::Unavailable)
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self::Status(status)
    }
}

/// An answer that can't be passed on to OpenIM.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("wrong answer: {field} {problem}")]
pub struct WrongAnswer {
    /// The field of the response, by its name in the contract.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field of an answer.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// An entry without its key.
    #[error("is missing in an entry")]
    MissingKey,
    /// A key that the request's list does not hold.
    #[error("is not one of the request's")]
    UnknownKey,
    /// A key that several entries carry.
    #[error("comes twice")]
    DuplicateKey,
    /// Text that holds no JSON object.
    #[error("holds no JSON object")]
    NotAnObject,
    /// A JSON object that would overwrite the verdict.
    #[error("has a key of the verdict's own")]
    VerdictKey,
}

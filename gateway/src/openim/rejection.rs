//! The reasons why a request is no callback of OpenIM's.

use std::net::IpAddr;

use http::StatusCode;

use super::json;

/// A request that is no valid callback, or whose sender may not call. It is always refused.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// A caller who may not call.
    #[error("{reason}")]
    Unauthorised {
        /// The missing credential.
        reason: Unauthorised,
        /// The caller's address behind the trusted proxies; none if they gave none.
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
    /// A body over the bound of all bodies together.
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
    /// A body without a command.
    #[error("the body has no callbackCommand")]
    NoBodyCommand,
    /// A body of another callback than the URL's.
    #[error("the URL says {url}, but the body's callbackCommand is another{}", advice(.query))]
    Disagree {
        /// The URL's command.
        url: String,
        /// True if OpenIM's configured URL has a query, to which it appended the command.
        query: bool,
    },
}

fn advice(query: &bool) -> &'static str {
    if *query { " (the callback URL in OpenIM's configuration must not have a query)" } else { "" }
}

impl From<json::Error> for Rejection {
    fn from(error: json::Error) -> Self {
        Self::Body(error.to_string())
    }
}

impl Rejection {
    /// The HTTP status that goes with the refusal. OpenIM ignores it; proxies and people do not.
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

/// The credential that a caller lacks.
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

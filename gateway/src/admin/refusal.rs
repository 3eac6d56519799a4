//! The reasons for which the admin port refuses a request about events.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

/// A header that acts must have, with any value: no form can send it, and scripts of other pages are not allowed to.
pub const REQUESTED_BY: &str = "x-requested-by";

/// A reason to refuse a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("this gateway keeps no events: see events.store in its settings")]
    NoStore,
    #[error("no event has this id")]
    NotFound,
    #[error(
        "events need a token off loopback and through a proxy, and none is set: see admin_token_file"
    )]
    Forbidden,
    #[error("events need the token of admin_token_file")]
    Unauthorised,
    #[error("the Host must be localhost or an address")]
    Host,
    #[error("the header {REQUESTED_BY} must be set")]
    NotRequested,
    #[error("{0}")]
    Selection(&'static str),
    #[error("{0}")]
    Store(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NoStore => StatusCode::NOT_IMPLEMENTED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Host | Self::NotRequested => StatusCode::FORBIDDEN,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::Selection(_) => StatusCode::BAD_REQUEST,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="callback-gateway""#)];
        let text = self.to_string();
        match status {
            StatusCode::UNAUTHORIZED => (status, challenge, text).into_response(),
            _ => (status, text).into_response(),
        }
    }
}

//! Asks the admin port about events.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::Full;
use process::Mistake;
use process::exit::{UNAVAILABLE, USAGE};
use process::listen::reachable;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::super::admin::send;
use crate::admin::access::Access;
use crate::admin::events::{MOST, REQUESTED_BY, Shown};
use crate::events::letters::{Acted, Page, Selection, Status};
use crate::settings::Sources;

/// The time for one request. The gateway gives up earlier.
const LIMIT: Duration = Duration::from_secs(15);

/// The most characters of the reason for which a request is refused.
const REASON: usize = 500;

/// A client of the admin port that the settings name.
pub(super) struct Client {
    address: SocketAddr,
    token_file: Option<PathBuf>,
}

/// The reason why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("http://{0}: {1}; does the gateway run, and is this its admin address?")]
    Unreachable(SocketAddr, Box<dyn Error>),
    #[error("http://{0}: {1}: {2}")]
    Refused(SocketAddr, StatusCode, String),
    #[error(transparent)]
    Mistake(#[from] Mistake),
}

impl ClientError {
    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Mistake(_) | Self::Refused(_, StatusCode::BAD_REQUEST, _) => USAGE,
            Self::Unreachable(..) | Self::Refused(..) => UNAVAILABLE,
        }
    }
}

impl Client {
    /// As `healthcheck`, it takes what it needs from settings that may be wrong by now.
    pub(super) fn new(sources: &Sources) -> Result<Self, Vec<Mistake>> {
        let address = reachable(sources.admin()?);
        Ok(Self { address, token_file: sources.admin_token_file() })
    }

    pub(super) async fn status(&self) -> Result<Status, ClientError> {
        self.ask(Request::get("/events"), Bytes::new()).await
    }

    /// One page.
    pub(super) async fn list(
        &self,
        selection: &Selection,
        limit: usize,
    ) -> Result<Page, ClientError> {
        let Selection { ids: _, state, callback, key, since, cursor, until: _ } = selection;
        let path = "/events/list?";
        let mut query = Serializer::for_suffix(path.to_owned(), path.len());
        query.append_pair("limit", &limit.min(MOST).to_string());
        let values = [
            ("state", state.map(|state| state.as_str().to_owned())),
            ("callback", callback.clone()),
            ("key", key.clone()),
            ("since", since.map(|since| since.rfc3339())),
            ("cursor", cursor.map(|cursor| cursor.to_string())),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        self.get(&query.finish()).await
    }

    /// One record; none if none has the id.
    pub(super) async fn show(&self, id: Uuid, body: bool) -> Result<Option<Shown>, ClientError> {
        match self.get(&format!("/events/{id}?body={body}")).await {
            Err(ClientError::Refused(_, StatusCode::NOT_FOUND, _)) => Ok(None),
            shown => shown.map(Some),
        }
    }

    /// One act, `replay` or `drop`.
    pub(super) async fn act(&self, act: &str, selection: &Selection) -> Result<Acted, ClientError> {
        let request = Request::post(format!("/events/{act}"))
            .header(CONTENT_TYPE, "application/json")
            .header(REQUESTED_BY, "callback-gateway");
        let body = serde_json::to_vec(selection).expect("plain data");
        self.ask(self.authorised(request)?, body.into()).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(self.authorised(Request::get(path))?, Bytes::new()).await
    }

    /// With the token, which is read only where it is needed: not everybody who may ask for the status can read it.
    fn authorised(
        &self,
        mut request: http::request::Builder,
    ) -> Result<http::request::Builder, Mistake> {
        let access = Access::read(self.token_file.as_deref())?;
        if let (Some(value), Some(headers)) = (access.authorization(), request.headers_mut()) {
            headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let unreachable = |why: Box<dyn Error>| ClientError::Unreachable(self.address, why);
        let request = request.body(Full::new(body)).map_err(|e| unreachable(e.into()))?;
        let answer = send(self.address, request, LIMIT).await.map_err(unreachable)?;
        let (status, body) = (answer.status(), answer.body());
        if status == StatusCode::OK {
            return serde_json::from_slice(body).map_err(|e| unreachable(e.into()));
        }
        let text = String::from_utf8_lossy(body).chars().take(REASON).collect();
        Err(ClientError::Refused(self.address, status, text))
    }
}

//! The routes to the events: GET reads, POST acts. All but the numbers ask for a token.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::access::is_host_safe;
pub use super::refusal::REQUESTED_BY;
use super::refusal::Refusal;
use super::shared::Admin;
use crate::events::letters::{self, Acted, Letter, Page, Selection, Status};
use crate::events::{Events, Millis};
use crate::openim::{key::CallbackKey, view::view};

/// The most records of one page, and ids of one selection.
pub const MOST: usize = 1000;
/// The most bytes of a selection.
const BODY: usize = 64 << 10;

/// A record, and its content if it was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The record.
    #[serde(flatten)]
    pub letter: Letter,
    /// The content, without fields that are sensitive; base64 if it can't be decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    state: Option<letters::State>,
    callback: Option<String>,
    key: Option<String>,
    since: Option<Millis>,
    cursor: Option<u64>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Showing {
    #[serde(default)]
    body: bool,
}

pub(super) fn routes(admin: Admin) -> Router<Admin> {
    Router::new()
        .route("/events/list", get(list))
        .route("/events/{id}", get(show))
        .route("/events/replay", post(replay))
        .route("/events/drop", post(discard))
        .route_layer(from_fn_with_state(admin.clone(), operator))
        .route("/events", get(status)) // behind the layer: its numbers are for everybody, as metrics are
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(admin, host))
}

async fn host(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    match admin.is_local && !is_host_safe(request.headers()) {
        true => Refusal::Host.into_response(),
        false => next.run(request).await,
    }
}

/// Admits operators only, before a body is read.
async fn operator(
    State(admin): State<Admin>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let headers = request.headers();
    if request.method() == Method::POST && !headers.contains_key(REQUESTED_BY) {
        return Err(Refusal::NotRequested);
    }
    admin.shared.access.authorise(headers, admin.is_local)?;
    Ok(next.run(request).await)
}

async fn status(State(admin): State<Admin>) -> Result<Json<Status>, Refusal> {
    store(&admin)?.status().await.map(Json).map_err(Refusal::Store)
}

async fn list(
    State(admin): State<Admin>,
    Query(listing): Query<Listing>,
) -> Result<Json<Page>, Refusal> {
    let Listing { state, callback, key, since, cursor, limit } = listing;
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Refusal::Selection("limit must be 1 to 1000"));
    }
    let selection = Selection { ids: Vec::new(), state, callback, key, since, cursor, until: None };
    store(&admin)?.list(selection, limit).await.map(Json).map_err(Refusal::Store)
}

async fn show(
    State(admin): State<Admin>,
    Path(id): Path<Uuid>,
    Query(showing): Query<Showing>,
) -> Result<Json<Shown>, Refusal> {
    let shown = store(&admin)?.show(id).await.map_err(Refusal::Store)?;
    let (letter, content) = shown.ok_or(Refusal::NotFound)?;
    let callback = CallbackKey::find(&letter.callback).and_then(CallbackKey::callback);
    let decode = move || {
        callback.and_then(|callback| view(callback, &content)).unwrap_or_else(|| {
            // Of another version of the gateway.
            STANDARD.encode(&content).into()
        })
    };
    let body = match showing.body {
        // Decoding the descriptors takes a moment, once.
        true => Some(spawn_blocking(decode).await.map_err(|e| Refusal::Store(e.to_string()))?),
        false => None,
    };
    Ok(Json(Shown { letter, body }))
}

async fn replay(
    State(admin): State<Admin>,
    Json(selection): Json<Selection>,
) -> Result<Json<Acted>, Refusal> {
    check(&selection)?;
    if selection.ids.is_empty() && selection.state.is_none() && selection.since.is_none() {
        return Err(Refusal::Selection("name ids, a state or since"));
    }
    if selection.state == Some(letters::State::Waiting) {
        return Err(Refusal::Selection("events that wait are delivered anyhow"));
    }
    store(&admin)?.replay(selection).await.map(Json).map_err(Refusal::Store)
}

async fn discard(
    State(admin): State<Admin>,
    Json(selection): Json<Selection>,
) -> Result<Json<Acted>, Refusal> {
    check(&selection)?;
    if selection.ids.is_empty() && selection.state.is_none() {
        return Err(Refusal::Selection("name ids or a state"));
    }
    store(&admin)?.discard(selection).await.map(Json).map_err(Refusal::Store)
}

fn check(selection: &Selection) -> Result<(), Refusal> {
    match selection.ids.len() > MOST {
        true => Err(Refusal::Selection("more than 1000 ids")),
        false => Ok(()),
    }
}

fn store(admin: &Admin) -> Result<&Arc<Events>, Refusal> {
    admin.shared.events.as_ref().ok_or(Refusal::NoStore)
}

//! What travels beside a message: the deadline, and the metadata of the call.

use std::time::Instant;

use http::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tonic::metadata::MetadataMap;

use super::Deadline;
use crate::webhook::Call;

static OPERATION_ID: HeaderName = HeaderName::from_static("openim-operation-id");
static COMMAND: HeaderName = HeaderName::from_static("openim-command");
static CALLBACK_ID: HeaderName = HeaderName::from_static("callback-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static AGENT: HeaderValue =
    HeaderValue::from_static(concat!("callback-gateway/", env!("CARGO_PKG_VERSION")));

/// An operation id is text that the app's users can choose; servers limit metadata to 8 KiB, and a longer one must
/// not make the decision fail.
const OPERATION_ID_LIMIT: usize = 512;

/// What is not printable ASCII, and the escape character itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// A message with the metadata of its call, and what is left of the deadline.
pub(crate) fn request<Q>(call: &Call, message: Q) -> tonic::Request<Q> {
    let mut headers = HeaderMap::with_capacity(8);
    let mut insert = |name: &HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    if !call.operation_id.is_empty() {
        insert(&OPERATION_ID, HeaderValue::try_from(escape(&call.operation_id)).ok());
    }
    insert(&USER_AGENT, Some(AGENT.clone()));
    insert(&COMMAND, HeaderValue::from_str(&call.command).ok());
    insert(&CALLBACK_ID, Some(callback_id(call)));
    insert(&TRACEPARENT, call.traceparent.clone());
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request.set_timeout(call.deadline.saturating_duration_since(Instant::now().into()));
    request.extensions_mut().insert(Deadline(call.deadline));
    request
}

fn callback_id(call: &Call) -> HeaderValue {
    let mut text = uuid::Uuid::encode_buffer();
    let text = call.id.hyphenated().encode_lower(&mut text);
    let mut value = HeaderValue::from_str(text).expect("a UUID is a header value");
    // No two are the same: it must not fill the decider's header compression table.
    value.set_sensitive(true);
    value
}

fn escape(operation_id: &str) -> String {
    let end = operation_id.floor_char_boundary(OPERATION_ID_LIMIT);
    utf8_percent_encode(&operation_id[..end], ESCAPED).to_string()
}

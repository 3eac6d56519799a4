//! The connection to the decider, and what travels beside a message: the deadline and the call's metadata.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::transport;
use tower::Service;

use crate::settings::DeciderUrl;
use crate::webhook::Call;

static OPERATION_ID: HeaderName = HeaderName::from_static("openim-operation-id");
static COMMAND: HeaderName = HeaderName::from_static("openim-command");
static CALLBACK_ID: HeaderName = HeaderName::from_static("callback-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// An operation id is text that the app's users can choose; servers limit metadata to 8 KiB, and a longer one must
/// not make the decision fail.
const OPERATION_ID_LIMIT: usize = 512;

/// What is not printable ASCII, and the escape character itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// A connection to the decider that is opened when it is first needed, and again when it was lost.
#[derive(Clone, Debug)]
pub struct Channel(transport::Channel);

impl Channel {
    /// Prepares the connection. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(decider: &DeciderUrl) -> Self {
        let endpoint = transport::Endpoint::from(decider.uri().clone())
            .user_agent(concat!("callback-gateway/", env!("CARGO_PKG_VERSION")))
            .expect("the name and version of the package are a header value")
            .connect_timeout(Duration::from_secs(1))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(300))
            .keep_alive_timeout(Duration::from_secs(10));
        Self(endpoint.connect_lazy())
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = transport::Error;
    type Future = transport::channel::ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Service::call(&mut self.0, request)
    }
}

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
    insert(&COMMAND, HeaderValue::from_str(&call.command).ok());
    insert(&CALLBACK_ID, Some(callback_id(call)));
    insert(&TRACEPARENT, call.traceparent.clone());
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request.set_timeout(call.deadline.saturating_duration_since(Instant::now().into()));
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

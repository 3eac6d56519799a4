//! What travels beside a message: the deadline, and the metadata of the call.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::time::Instant;

use crate::contract::CALLBACKS;
use crate::webhook::Call;

static TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
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

/// The headers of a call, sent now. The first of a connection brings the names of all into the table of HPACK, with its
/// own values.
pub(super) fn headers(
    call: &Call<'_>,
    token: Option<HeaderValue>,
    now: Instant,
    first: bool,
) -> HeaderMap {
    // A value that hardly comes twice must not fill that table: it would push out those that do, and h2 looks through
    // all values of a name.
    let unique = |mut value: HeaderValue| {
        value.set_sensitive(!first);
        value
    };
    let left = call.deadline.saturating_duration_since(now);
    // Nearly always all of it is left.
    let timeout = match (left + ALMOST_A_MILLI).as_millis() {
        left if left == call.policy.deadline.as_millis() => millis(left),
        left => unique(millis(left)),
    };
    let operation_id = HeaderValue::from_str(&escape(&call.operation_id)).ok();
    let operation_id = operation_id.filter(|id| !id.is_empty());
    let is_anonymous = operation_id.is_none();
    let mut headers = OPEN[call.place()].clone();
    let filled = [timeout, unique(callback_id(call)), operation_id.map_or(EMPTY, unique)];
    headers.values_mut().zip(filled).for_each(|(open, value)| *open = value);
    if is_anonymous {
        headers.remove(&OPERATION_ID);
    }
    if call.callback.is_none_or(|callback| callback.command != call.command)
        && let Ok(command) = HeaderValue::from_str(&call.command)
    {
        headers.insert(&COMMAND, command);
    }
    if let Some(parent) = call.traceparent {
        headers.insert(&TRACEPARENT, parent.clone());
    }
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, token);
    }
    headers
}

const ALMOST_A_MILLI: Duration = Duration::from_nanos(999_999);
const EMPTY: HeaderValue = HeaderValue::from_static("");

/// The headers of a call of each rpc, by [`Call::place`]. The first three are filled in for each call; a map keeps the
/// order in which they came.
static OPEN: LazyLock<Vec<HeaderMap>> = LazyLock::new(|| {
    let open = |command: Option<&'static str>| {
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(&TIMEOUT, EMPTY);
        headers.insert(&CALLBACK_ID, EMPTY);
        headers.insert(&OPERATION_ID, EMPTY);
        headers.insert(&COMMAND, command.map_or(EMPTY, HeaderValue::from_static));
        headers.insert(&TE, HeaderValue::from_static("trailers"));
        headers.insert(&CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(&USER_AGENT, AGENT.clone());
        headers
    };
    CALLBACKS.iter().map(|callback| Some(callback.command)).chain([None]).map(open).collect()
});

/// What is left of a deadline, as gRPC writes it.
fn millis(number: u128) -> HeaderValue {
    let mut number = u32::try_from(number).unwrap_or(u32::MAX).min(99_999_999);
    let (mut text, mut first) = ([b'm'; 9], 8);
    loop {
        first -= 1;
        text[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return HeaderValue::from_bytes(&text[first..]).expect("digits");
        }
    }
}

fn callback_id(call: &Call<'_>) -> HeaderValue {
    let mut text = uuid::Uuid::encode_buffer();
    let text = call.id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).expect("a UUID is a header value")
}

/// Borrowed if there is nothing to escape.
fn escape(operation_id: &str) -> Cow<'_, str> {
    let end = operation_id.floor_char_boundary(OPERATION_ID_LIMIT);
    utf8_percent_encode(&operation_id[..end], ESCAPED).into()
}

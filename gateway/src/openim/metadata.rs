//! The metadata that a decider gets beside a request.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use transport::Headers;
use uuid::Uuid;

use super::call::index;
use super::contract::{CALLBACKS, Callback};

/// The name and version under which deciders see the gateway.
pub const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("callback-gateway/", env!("CARGO_PKG_VERSION")));

const OPERATION_ID: HeaderName = HeaderName::from_static("openim-operation-id");
const COMMAND: HeaderName = HeaderName::from_static("openim-command");
const CALLBACK_ID: HeaderName = HeaderName::from_static("callback-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The headers of each rpc, by [`Call::index`](super::call::Call::index).
static HEADERS: LazyLock<Vec<Headers>> = LazyLock::new(|| {
    let headers = |command: &[(HeaderName, HeaderValue)]| {
        Headers::new(USER_AGENT, &[CALLBACK_ID, OPERATION_ID], command)
    };
    let command = |command| [(COMMAND, HeaderValue::from_static(command))];
    let known = CALLBACKS.iter().map(|callback| headers(&command(callback.command)));
    known.chain([headers(&[])]).collect()
});

/// An operation id is text that the app's users can choose; servers limit metadata to 8 KiB, and a longer one must
/// not make the decision fail.
const OPERATION_ID_LIMIT: usize = 512;

/// Characters other than printable ASCII, and the escape character itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The headers that are the same in every call of a callback's rpc; None is an unknown one.
#[must_use]
pub fn headers(callback: Option<&Callback>) -> &'static Headers {
    &HEADERS[index(callback)]
}

/// The values of the others: the callback id, and the operation id, which is empty if there is none.
#[must_use]
pub fn values(id: Uuid, operation_id: &str) -> [HeaderValue; 2] {
    let operation_id = HeaderValue::from_str(&escape(operation_id));
    [callback_id(id), operation_id.unwrap_or(HeaderValue::from_static(""))]
}

/// The headers that few calls have: the caller's place in a trace, and a command that is not today's.
#[must_use]
pub fn more(
    callback: Option<&Callback>,
    command: &str,
    traceparent: Option<&HeaderValue>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut more = Vec::new();
    if let Some(parent) = traceparent {
        let mut parent = parent.clone();
        // It hardly comes twice, so it must not fill HPACK's table.
        parent.set_sensitive(true);
        more.push((TRACEPARENT, parent));
    }
    if callback.is_none_or(|callback| callback.command != command)
        && let Ok(command) = HeaderValue::from_str(command)
    {
        more.push((COMMAND, command));
    }
    more
}

fn callback_id(id: Uuid) -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    let text = id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).expect("a UUID is a header value")
}

/// Borrowed if there is nothing to escape.
fn escape(operation_id: &str) -> Cow<'_, str> {
    let end = operation_id.floor_char_boundary(OPERATION_ID_LIMIT);
    utf8_percent_encode(&operation_id[..end], ESCAPED).into()
}

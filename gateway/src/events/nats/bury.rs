//! Dead and ignored events: copies in a stream of their own.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{HeaderName, NATS_MESSAGE_ID, NATS_MESSAGE_TTL};
use async_nats::jetstream::Message;
use async_nats::jetstream::context::{Context, PublishError, PublishErrorKind};

use super::super::letters::State;
use super::super::record::Millis;
use super::{message, subject};

pub(super) const STATE: &str = "openim-state";
pub(super) const STATUS: &str = "openim-status";
/// The number of attempts, those of all gateways.
pub(super) const ATTEMPTED: &str = "openim-attempted";
/// The times of the last attempts, those of one gateway, separated by commas.
pub(super) const ATTEMPTS: &str = "openim-attempts";

/// The most bytes of a status in a copy, before it is escaped.
const STATUS_BYTES: usize = 1 << 10;
/// The most times of attempts in a copy: the last ones.
const TIMES: usize = 50;

/// The end of an event that was not delivered.
pub(super) struct Buried<'a> {
    pub(super) state: State,
    pub(super) status: &'a str,
    /// The number of attempts.
    pub(super) attempted: u32,
    /// The times of those that are known.
    pub(super) attempts: &'a [Millis],
}

impl Buried<'_> {
    /// Stores a copy of a message with its end, or without status and attempts where they make it too large.
    ///
    /// # Errors
    /// No server has stored it.
    pub(super) async fn keep(
        &self,
        to: &Context,
        message: &Message,
        max_age: Duration,
    ) -> Result<(), String> {
        let mut stored = self.publish(to, message, max_age).await;
        if stored.as_ref().is_err_and(|why| why.kind() == PublishErrorKind::MaxPayloadExceeded) {
            let least = Buried { status: "", attempts: &[], ..*self };
            stored = least.publish(to, message, max_age).await;
        }
        stored.map_err(|why| why.to_string())
    }

    async fn publish(
        &self,
        to: &Context,
        message: &Message,
        max_age: Duration,
    ) -> Result<(), PublishError> {
        let headers = self.headers(message, max_age);
        let subject = self.subject(message, &headers);
        let published = to.publish_with_headers(subject, headers, message.payload.clone()).await;
        published?.await.map(drop)
    }

    fn headers(&self, message: &Message, max_age: Duration) -> HeaderMap {
        let mut headers = without_end(message.headers.as_ref().unwrap_or(&HeaderMap::new()));
        let last = &self.attempts[self.attempts.len().saturating_sub(TIMES)..];
        let attempts: Vec<_> = last.iter().map(|at| at.rfc3339()).collect();
        let status = &self.status[..self.status.floor_char_boundary(STATUS_BYTES)];
        headers.insert(STATE, self.state.as_str());
        headers.insert(ATTEMPTED, self.attempted.to_string());
        for (name, value) in
            [(STATUS, message::escape(status)), (ATTEMPTS, attempts.join(",").into())]
        {
            if !value.is_empty() {
                headers.insert(name, value.as_ref());
            }
        }
        // By its place in the stream: a replayed event that fails again is not a duplicate of its former copy.
        let sequence = message.info().map_or(0, |info| info.stream_sequence);
        headers.insert(NATS_MESSAGE_ID, format!("{}.{sequence}", id(&headers)));
        if self.state == State::Ignored {
            headers.insert(NATS_MESSAGE_TTL, format!("{}s", max_age.as_secs().max(1)));
        }
        headers
    }

    fn subject(&self, message: &Message, headers: &HeaderMap) -> String {
        let callback = message.subject.rsplit('.').next().unwrap_or("unknown");
        subject::dead(self.state, callback, &id(headers))
    }
}

/// The headers that an event had before its end, without those that tell the servers to do something.
pub(super) fn without_end(headers: &HeaderMap) -> HeaderMap {
    let mut before = HeaderMap::new();
    let is_of_end = |name: &HeaderName| {
        let name: &str = name.as_ref();
        [STATE, STATUS, ATTEMPTED, ATTEMPTS].contains(&name)
            || name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("Nats-"))
    };
    for (name, values) in headers.iter().filter(|(name, _)| !is_of_end(name)) {
        values.iter().for_each(|value| before.append(name.clone(), value.clone()));
    }
    before
}

fn id(headers: &HeaderMap) -> String {
    message::id(headers).map_or_else(|| "unknown".to_owned(), |id| id.hyphenated().to_string())
}

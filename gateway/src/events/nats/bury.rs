//! Dead and ignored events: copies in a stream of their own.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{HeaderName, NATS_MESSAGE_ID, NATS_MESSAGE_TTL};
use async_nats::jetstream::Message;
use async_nats::jetstream::context::Context;

use super::super::letters::State;
use super::super::record::Millis;
use super::{message, subject};

pub(super) const STATE: &str = "openim-state";
pub(super) const STATUS: &str = "openim-status";
/// The time of each attempt, separated by commas.
pub(super) const ATTEMPTS: &str = "openim-attempts";

/// The end of an event that was not delivered.
pub(super) struct Buried<'a> {
    pub(super) state: State,
    pub(super) status: &'a str,
    pub(super) attempts: &'a [Millis],
}

impl Buried<'_> {
    /// Stores a copy of a message with its end.
    ///
    /// # Errors
    /// No server has stored it.
    pub(super) async fn keep(
        &self,
        to: &Context,
        message: &Message,
        max_age: Duration,
    ) -> Result<(), String> {
        let headers = self.headers(message, max_age);
        let subject = self.subject(message, &headers);
        let published = to.publish_with_headers(subject, headers, message.payload.clone()).await;
        let stored = published.map_err(|why| why.to_string())?.await;
        stored.map(drop).map_err(|why| why.to_string())
    }

    fn headers(&self, message: &Message, max_age: Duration) -> HeaderMap {
        let mut headers = message.headers.clone().unwrap_or_default();
        let attempts: Vec<_> = self.attempts.iter().map(|at| at.rfc3339()).collect();
        headers.insert(STATE, self.state.as_str());
        headers.insert(STATUS, message::escape(self.status).as_ref());
        headers.insert(ATTEMPTS, attempts.join(","));
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

/// The headers that an event had before its end.
pub(super) fn without_end(headers: &HeaderMap) -> HeaderMap {
    let mut before = HeaderMap::new();
    let is_of_end = |name: &HeaderName| {
        [STATE, STATUS, ATTEMPTS].contains(&name.as_ref()) || *name == NATS_MESSAGE_TTL
    };
    for (name, values) in headers.iter().filter(|(name, _)| !is_of_end(name)) {
        values.iter().for_each(|value| before.append(name.clone(), value.clone()));
    }
    before
}

fn id(headers: &HeaderMap) -> String {
    message::id(headers).map_or_else(|| "unknown".to_owned(), |id| id.hyphenated().to_string())
}

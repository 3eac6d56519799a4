//! The places of records in the two streams, and the records as operators see them.

use async_nats::jetstream::message::StreamMessage;

use super::super::letters::{Letter, State};
use super::bury;
use super::message;

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Waiting,
    Settled,
}

/// The place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) which: Which,
    pub(super) sequence: u64,
}

impl Place {
    /// A cursor has the stream in its lowest bit.
    pub(super) fn cursor(self) -> u64 {
        self.sequence << 1 | u64::from(self.which == Which::Settled)
    }

    pub(super) fn of(cursor: u64) -> Self {
        let which = if cursor & 1 == 1 { Which::Settled } else { Which::Waiting };
        Self { which, sequence: cursor >> 1 }
    }
}

/// A message as operators see it. None if it is no record.
pub(super) fn letter(which: Which, message: &StreamMessage) -> Option<Letter> {
    let headers = &message.headers;
    let text = |name| message::text(headers, name);
    let state = match which {
        Which::Waiting => State::Waiting,
        Which::Settled if text(bury::STATE)? == State::Ignored.as_str() => State::Ignored,
        Which::Settled => State::Dead,
    };
    let attempts = text(bury::ATTEMPTS).unwrap_or_default();
    Some(Letter {
        id: message::id(headers)?,
        callback: message::callback(headers)?,
        key: message::key(headers),
        state,
        received: message::received(headers)?,
        attempted: text(bury::ATTEMPTED).and_then(|text| text.parse().ok()).unwrap_or_default(),
        attempts: attempts.split(',').filter_map(message::time).collect(),
        next_attempt: None,
        status: text(bury::STATUS),
        command: message::command(headers)?,
        operation_id: message::operation_id(headers),
        bytes: message.payload.len() as u64,
    })
}

//! A record as a NATS message: its context as headers, those of a CloudEvent in binary mode among them, and its message
//! as the payload.

use std::borrow::Cow;
use std::fmt;

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;
use http::HeaderValue;
use humantime_serde::re::humantime::parse_rfc3339;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use super::super::record::{Millis, Record, framed};
use crate::openim::key::CallbackKey;

const ID: &str = "ce-id";
const TYPE: &str = "ce-type";
const TIME: &str = "ce-time";
/// The key, by CloudEvents' extension for partitioning.
const KEY: &str = "ce-partitionkey";
/// By CloudEvents' extension for distributed tracing.
const TRACEPARENT: &str = "ce-traceparent";
const COMMAND: &str = "openim-command";
const OPERATION_ID: &str = "openim-operation-id";
/// A callback's key follows in [`TYPE`].
const TYPES: &str = "openim.";

/// The characters that CloudEvents' binding to NATS escapes; those beyond ASCII always are.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The reason why a message is no record that this gateway can deliver.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// A header is missing or wrong.
    Header(&'static str),
    /// This gateway's contract has no such callback; that of another may.
    Callback(String),
}

/// The headers of a record.
pub(super) fn headers(record: &Record) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| headers.insert(name, escape(value).as_ref());
    let id = record.id.hyphenated().to_string();
    let callback = CallbackKey::of(Some(record.callback));
    add(ID, &id);
    add("ce-specversion", "1.0");
    add("ce-source", "/callback-gateway");
    add(TYPE, &format!("{TYPES}{}", callback.as_str()));
    add(TIME, &record.received.rfc3339());
    add("ce-datacontenttype", "application/protobuf");
    add(COMMAND, &record.command);
    add(OPERATION_ID, &record.operation_id);
    if let Some(key) = &record.key {
        add(KEY, key);
    }
    if let Some(parent) = record.traceparent.as_ref().and_then(|parent| parent.to_str().ok()) {
        add(TRACEPARENT, parent);
    }
    headers.insert(NATS_MESSAGE_ID, id);
    headers
}

/// The most bytes of a record as a message, but for headers of limited length.
pub(super) fn longest(record: &Record) -> usize {
    let key = record.key.as_ref().map_or(0, String::len);
    let traceparent = record.traceparent.as_ref().map_or(0, HeaderValue::len);
    let text = record.command.len() + record.operation_id.len() + key + traceparent;
    record.payload().len() + 3 * text // an escaped byte takes three
}

/// The record in a message.
///
/// # Errors
/// The message is none, or one of a callback that this gateway does not know.
pub(super) fn record(headers: &HeaderMap, payload: &Bytes) -> Result<Record, Unreadable> {
    let wrong = Unreadable::Header;
    let name = callback(headers).ok_or(wrong(TYPE))?;
    let known = CallbackKey::find(&name).and_then(CallbackKey::callback);
    let traceparent = text(headers, TRACEPARENT);
    Ok(Record {
        id: id(headers).ok_or(wrong(ID))?,
        received: received(headers).ok_or(wrong(TIME))?,
        command: command(headers).ok_or(wrong(COMMAND))?,
        operation_id: operation_id(headers),
        traceparent: traceparent.and_then(|parent| HeaderValue::from_str(&parent).ok()),
        key: key(headers),
        callback: known.ok_or(Unreadable::Callback(name))?,
        frame: framed(payload),
    })
}

pub(super) fn id(headers: &HeaderMap) -> Option<Uuid> {
    text(headers, ID).and_then(|id| id.parse().ok())
}

/// The callback's key in webhooks.yml, which this gateway's contract may not have.
pub(super) fn callback(headers: &HeaderMap) -> Option<String> {
    text(headers, TYPE)?.strip_prefix(TYPES).map(str::to_owned)
}

pub(super) fn key(headers: &HeaderMap) -> Option<String> {
    text(headers, KEY)
}

pub(super) fn received(headers: &HeaderMap) -> Option<Millis> {
    text(headers, TIME).and_then(|text| time(&text))
}

pub(super) fn command(headers: &HeaderMap) -> Option<String> {
    text(headers, COMMAND)
}

pub(super) fn operation_id(headers: &HeaderMap) -> String {
    text(headers, OPERATION_ID).unwrap_or_default()
}

/// A time as the headers have it.
pub(super) fn time(text: &str) -> Option<Millis> {
    parse_rfc3339(text).ok().map(Millis::from)
}

/// A header's text, unescaped.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.as_str();
    percent_decode_str(value).decode_utf8().ok().map(Cow::into_owned)
}

pub(super) fn escape(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, ESCAPED).into()
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "no valid header {name}"),
            Self::Callback(name) => write!(f, "no callback `{name}` in this gateway's contract"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openim::contract::CALLBACKS;

    #[test]
    fn a_record_comes_back_whatever_text_it_has() {
        let written = Record {
            id: Uuid::now_v7(),
            callback: CALLBACKS.last().expect("a callback"),
            command: "callback\"Command".to_owned(),
            operation_id: "op 1 %41 é\r\n".to_owned(),
            traceparent: Some(HeaderValue::from_static("00-1-2-01")),
            key: Some("default:a b,世界".to_owned()),
            received: Millis(1_766_361_600_123),
            frame: framed(b"payload"),
        };
        let payload = Bytes::copy_from_slice(written.payload());
        let read = record(&headers(&written), &payload).expect("a record");
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
        assert!(headers(&written).iter().all(|(_, values)| {
            values.iter().all(|value| value.as_str().bytes().all(|b| b.is_ascii_graphic()))
        }));
    }

    #[test]
    fn a_message_of_somebody_else_is_no_record() {
        let mut headers = HeaderMap::new();
        let read = |headers: &HeaderMap| record(headers, &Bytes::new()).expect_err("no record");
        assert!(matches!(read(&headers), Unreadable::Header(TYPE)));
        for (name, value) in
            [(TYPE, "openim.afterFuture"), (COMMAND, "c"), (TIME, "2026-01-01T00:00:00Z")]
        {
            headers.insert(name, value);
        }
        headers.insert(ID, Uuid::nil().to_string());
        assert!(matches!(read(&headers), Unreadable::Callback(name) if name == "afterFuture"));
    }
}

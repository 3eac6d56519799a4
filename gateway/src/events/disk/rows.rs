//! The rows of the database as they are read.

use rusqlite::Row;

use super::super::record::{Millis, Record, framed};
use crate::openim::key::CallbackKey;

/// The columns that `waiting` and `settled` share, besides `seq`.
pub(super) const SHARED: &str = "id, callback, key, received, command, operation_id, traceparent, attempted, \
                      attempts, status, payload";

/// A row that waits, without its content.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) seq: i64,
    pub(super) callback: String,
    pub(super) key: Option<String>,
}

pub(super) fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting { seq: row.get(0)?, callback: row.get(1)?, key: row.get(2)? })
}

/// The record of a row of [`SHARED`], and the number of its attempts.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Option<(Record, u32)>> {
    let callback = CallbackKey::find(row.get_ref(1)?.as_str()?).and_then(CallbackKey::callback);
    let traceparent: Option<Vec<u8>> = row.get(6)?;
    let attempted = row.get(7)?;
    row.get_ref(8)?.as_str()?; // else it is no record of ours
    let Some(callback) = callback else { return Ok(None) };
    let record = Record {
        id: row.get(0)?,
        callback,
        key: row.get(2)?,
        received: Millis(row.get(3)?),
        command: row.get(4)?,
        operation_id: row.get(5)?,
        traceparent: traceparent.and_then(|value| http::HeaderValue::from_bytes(&value).ok()),
        frame: framed(row.get_ref(10)?.as_blob()?),
    };
    Ok(Some((record, attempted)))
}

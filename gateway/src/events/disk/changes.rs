//! The statements that change the database.

use rusqlite::{Transaction, params};

use super::super::letters::State;
use super::super::record::{Millis, Record};
use super::rows::SHARED;

/// The end of an attempt, as it is written.
pub(super) struct Ending<'a> {
    pub(super) seq: i64,
    /// The time of the attempt.
    pub(super) at: Millis,
    pub(super) status: &'a str,
}

/// Adds records that wait, with numbers from `first` on.
pub(super) fn insert<'r>(
    to: &Transaction<'_>,
    first: i64,
    records: impl Iterator<Item = &'r Record>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO waiting (seq, id, callback, key, received, command, operation_id,
                                    traceparent, attempts, status, payload)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', NULL, ?9)";
    let mut statement = to.prepare_cached(sql)?;
    for (seq, record) in (first..).zip(records) {
        statement.execute(params![
            seq,
            record.id,
            record.callback.setting,
            record.key,
            record.received.0,
            record.command,
            record.operation_id,
            record.traceparent.as_ref().map(http::HeaderValue::as_bytes),
            record.payload(),
        ])?;
    }
    Ok(())
}

/// Deletes a record that waits; true if it was there.
pub(super) fn delete(from: &Transaction<'_>, seq: i64) -> rusqlite::Result<bool> {
    Ok(from.prepare_cached("DELETE FROM waiting WHERE seq = ?1")?.execute([seq])? > 0)
}

/// Puts off the next attempt of a record that waits; true if it was there.
pub(super) fn put_off(
    on: &Transaction<'_>,
    ending: &Ending<'_>,
    due: Millis,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE waiting SET due = ?2, attempts = attempts || ?3 || ' ', status = ?4
               WHERE seq = ?1";
    let values = params![ending.seq, due.0, ending.at.0.to_string(), ending.status];
    Ok(on.prepare_cached(sql)?.execute(values)? > 0)
}

/// Moves a record that waits among those that are settled; true if it was there.
pub(super) fn settle(
    on: &Transaction<'_>,
    ending: &Ending<'_>,
    state: State,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "INSERT OR REPLACE INTO settled (seq, state, settled, {SHARED})
         SELECT seq, ?2, ?3, id, callback, key, received, command, operation_id, traceparent,
                attempts || ?3 || ' ', ?4, payload
         FROM waiting WHERE seq = ?1"
    );
    let values = params![ending.seq, state.as_str(), ending.at.0, ending.status];
    on.prepare_cached(&sql)?.execute(values)?;
    delete(on, ending.seq)
}

/// Deletes up to `limit` settled records of a state, the oldest first, that were settled before a time; returns their
/// number.
pub(super) fn purge(
    on: &Transaction<'_>,
    state: State,
    before: Millis,
    limit: usize,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM settled WHERE seq IN
               (SELECT seq FROM settled WHERE state = ?1 AND settled < ?2 ORDER BY settled LIMIT ?3)";
    on.prepare_cached(sql)?.execute(params![state.as_str(), before.0, limit])
}

//! The statements that change the database.

use rusqlite::params;

use super::super::letters::State;
use super::super::record::{Millis, Record};
use super::rows::SHARED;
use super::transaction::Transaction;

/// The characters of the times that a record keeps, those of the last 100 attempts: each has 13 digits and a space.
const TIMES: usize = 100 * 14;

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
                                    traceparent, attempted, attempts, status, payload)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', NULL, ?9)";
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
    let sql = format!(
        "UPDATE waiting SET due = ?2, attempted = attempted + 1,
                attempts = substr(attempts || format('%013d ', ?3), -{TIMES}), status = ?4
         WHERE seq = ?1"
    );
    let values = params![ending.seq, due.0, ending.at.0, ending.status];
    Ok(on.prepare_cached(&sql)?.execute(values)? > 0)
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
                attempted + 1, substr(attempts || format('%013d ', ?3), -{TIMES}), ?4, payload
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::record::framed;
    use super::super::database::Database;
    use super::*;
    use crate::openim::key::CallbackKey;

    #[test]
    fn a_record_keeps_the_times_of_its_last_attempts_and_the_number_of_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(&directory.path().join("events.db")).expect("a database");
        let callback = CallbackKey::find("afterSendSingleMsg").and_then(CallbackKey::callback);
        let record = Record {
            id: Uuid::nil(),
            callback: callback.expect("a callback"),
            command: String::new(),
            operation_id: String::new(),
            traceparent: None,
            key: None,
            received: Millis(0),
            frame: framed(b""),
        };
        let transaction = database.begin().expect("a transaction");
        insert(&transaction, 1, [&record].into_iter()).expect("stored");
        let ending = |at| Ending { seq: 1, at: Millis(at), status: "" };
        for at in 1..150 {
            assert!(put_off(&transaction, &ending(at), Millis(0)).expect("written"));
        }
        assert!(settle(&transaction, &ending(150), State::Dead).expect("written"));
        transaction.commit().expect("committed");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (attempted, times): (u32, String) = database
            .connection
            .query_row("SELECT attempted, attempts FROM settled", [], row)
            .expect("a record");
        let times: Vec<i64> = times.split_whitespace().flat_map(str::parse).collect();
        assert_eq!((attempted, times), (150, (51..=150).collect()));
    }
}

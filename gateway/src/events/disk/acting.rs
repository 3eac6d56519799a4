//! The writer's changes for operators.

use std::time::{Instant, SystemTime};

use rusqlite::{OptionalExtension, Row};

use super::super::letters::Change;
use super::database;
use super::message::{Act, Place};
use super::rows::SHARED;
use super::transaction::Transaction;
use super::writer::{COUNTED, Writer};

/// The bytes that a record takes in the database beside its content, roughly.
const OVERHEAD: usize = 512;

/// The effect of an act.
#[derive(Default)]
struct Changed {
    records: u64,
    bytes: usize,
    /// Records that wait again, and the lowest number among them.
    replayed: u64,
    first_replayed: Option<i64>,
    /// Deleted records that waited, those of them that had been attempted, and the keys of all.
    discarded: u64,
    retrying: u64,
    keys: Vec<String>,
}

impl Writer {
    /// Makes a change, in one transaction. Nothing is changed while a damaged database is copied, since its records may
    /// be copied more than once.
    pub(super) fn act(&mut self, act: Act) -> rusqlite::Result<()> {
        let Some(database) = self.database.as_mut().filter(|_| self.salvage.is_none()) else {
            return Ok(());
        };
        let mut changed = Changed::default();
        let transaction = database.begin()?;
        for place in &act.places {
            match act.change {
                Change::Replay => changed.replay(&transaction, place)?,
                Change::Discard => changed.discard(&transaction, place)?,
            }
        }
        let oldest = database::oldest(&transaction)?;
        transaction.commit()?;
        self.checkpoints.committed(changed.bytes);
        self.waiting = (self.waiting + changed.replayed).saturating_sub(changed.discarded);
        self.queue.discarded(changed.keys, changed.retrying);
        if let Some(seq) = changed.first_replayed {
            self.queue.replayed(seq);
        }
        self.reports.metrics.waiting(self.waiting, oldest.map(SystemTime::from));
        self.next_round = self.next_round.min(Instant::now() + COUNTED);
        let _ = act.done.send(changed.records); // the operator may have left
        Ok(())
    }
}

impl Changed {
    /// Has a settled record wait as a fresh one does: the cursor finds it, and keeps the order of its key.
    fn replay(&mut self, on: &Transaction<'_>, place: &Place) -> rusqlite::Result<()> {
        if let Some(bytes) = unsettle(on, place.seq)? {
            self.count(bytes);
            self.replayed += 1;
            let first = self.first_replayed.map_or(place.seq, |seq| seq.min(place.seq));
            self.first_replayed = Some(first);
        }
        Ok(())
    }

    fn discard(&mut self, on: &Transaction<'_>, place: &Place) -> rusqlite::Result<()> {
        if !place.is_waiting {
            if let Some(bytes) = delete_settled(on, place.seq)? {
                self.count(bytes);
            }
        } else if let Some(deleted) = delete_waiting(on, place.seq)? {
            self.count(deleted.bytes);
            self.discarded += 1;
            self.retrying += u64::from(deleted.is_retrying);
            self.keys.extend(deleted.key);
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes + OVERHEAD;
    }
}

/// A record that waited and is deleted.
struct Deleted {
    bytes: usize,
    key: Option<String>,
    is_retrying: bool,
}

/// Moves a settled record among those that wait. Returns the bytes of its content; none if it was not there.
fn unsettle(on: &Transaction<'_>, seq: i64) -> rusqlite::Result<Option<usize>> {
    let sql = format!(
        "INSERT OR IGNORE INTO waiting (seq, {SHARED})
         SELECT seq, {SHARED} FROM settled WHERE seq = ?1 RETURNING length(payload)"
    );
    let bytes = on.prepare_cached(&sql)?.query_row([seq], |row| row.get(0)).optional()?;
    delete_settled(on, seq)?;
    Ok(bytes)
}

fn delete_settled(on: &Transaction<'_>, seq: i64) -> rusqlite::Result<Option<usize>> {
    let sql = "DELETE FROM settled WHERE seq = ?1 RETURNING length(payload)";
    on.prepare_cached(sql)?.query_row([seq], |row| row.get(0)).optional()
}

fn delete_waiting(on: &Transaction<'_>, seq: i64) -> rusqlite::Result<Option<Deleted>> {
    let sql = "DELETE FROM waiting WHERE seq = ?1
               RETURNING length(payload), key, due IS NOT NULL";
    let deleted = |row: &Row<'_>| {
        Ok(Deleted { bytes: row.get(0)?, key: row.get(1)?, is_retrying: row.get(2)? })
    };
    on.prepare_cached(sql)?.query_row([seq], deleted).optional()
}

//! The writer's changes for operators.

use std::time::{Instant, SystemTime};

use rusqlite::{OptionalExtension, Transaction};

use super::database::{self, SHARED};
use super::message::{Act, Change, Place};
use super::writer::{COUNTED, Writer};

/// The effect of an act.
#[derive(Default)]
struct Changed {
    records: u64,
    /// The lowest number that waits again, and the bytes of all that do.
    replayed: Option<i64>,
    bytes: usize,
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
        self.waiting = self.waiting.saturating_sub(changed.discarded);
        self.queue.discarded(changed.keys, changed.retrying);
        if let Some(seq) = changed.replayed {
            self.waiting += changed.records;
            self.queue.replayed(seq);
            self.checkpoints.committed(changed.bytes);
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
        let sql = format!(
            "INSERT OR IGNORE INTO waiting (seq, {SHARED})
             SELECT seq, {SHARED} FROM settled WHERE seq = ?1 RETURNING length(payload)"
        );
        let mut statement = on.prepare_cached(&sql)?;
        let bytes: Option<usize> = statement.query_row([place.seq], |row| row.get(0)).optional()?;
        on.prepare_cached("DELETE FROM settled WHERE seq = ?1")?.execute([place.seq])?;
        if let Some(bytes) = bytes {
            self.records += 1;
            self.bytes += bytes;
            self.replayed = Some(self.replayed.map_or(place.seq, |seq| seq.min(place.seq)));
        }
        Ok(())
    }

    fn discard(&mut self, on: &Transaction<'_>, place: &Place) -> rusqlite::Result<()> {
        if !place.is_waiting {
            let mut statement = on.prepare_cached("DELETE FROM settled WHERE seq = ?1")?;
            self.records += statement.execute([place.seq])? as u64;
            return Ok(());
        }
        let Some((key, is_retrying)) = database::discard(on, place.seq)? else { return Ok(()) };
        self.records += 1;
        self.discarded += 1;
        self.retrying += u64::from(is_retrying);
        self.keys.extend(key);
        Ok(())
    }
}

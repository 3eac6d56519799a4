//! One transaction: what it holds, and what follows from it.

use std::path::Path;
use std::time::{Instant, SystemTime};

use rusqlite::Connection;

use super::super::deliver::Attempt;
use super::super::letters::State;
use super::super::record::Millis;
use super::super::schedule;
use super::batch::{Batch, Keep, Stored};
use super::changes::{self, Ending};
use super::database::{oldest, space};
use super::lane::End;
use super::message::Ended;
use super::retire::{self, Salvage};
use super::transaction::Transaction;
use super::waiter;
use super::writer::{COUNTED, Writer};

/// The bytes that stay free on the file system or in the file. The ends of deliveries need them: what can't be deleted
/// from a full disk would fill it for ever. They are twice the length to which the WAL may grow.
const RESERVE: u64 = 32 << 20;
/// The bytes that the end of a delivery, or a record that is copied, counts for: each changes a page, at least.
const CHANGE: usize = 4096;

/// The reason why a batch was not written.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error("the database can't be opened")]
    Closed,
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// The result of one transaction.
struct Written {
    stored: Vec<Stored>,
    /// The reason why no record was stored.
    shortage: Option<&'static str>,
    effects: Vec<Effect>,
    /// The time when the oldest record that waits was received.
    oldest: Option<Millis>,
    /// The damaged database was copied to its end.
    salvaged: bool,
}

/// The effect of an attempt's end. None: it was not made, or the record was dropped meanwhile.
enum Effect {
    Delete,
    Settle(State, String),
    PutOff(Millis, String),
    None,
}

impl Writer {
    /// Writes a batch, and returns the records that are stored now. All callers are answered by then.
    ///
    /// # Errors
    /// The work that follows a commit failed.
    pub(super) fn write(&mut self, batch: Batch) -> rusqlite::Result<Vec<Stored>> {
        if self.database.is_none() && Instant::now() >= self.again {
            self.open();
        }
        let Batch { keeps, mut ends } = batch;
        if self.salvage.is_some() {
            // Their records may not have been copied yet.
            self.ends.append(&mut ends);
        }
        if keeps.is_empty() && ends.is_empty() && self.salvage.is_none() {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        match self.commit(&keeps, &ends) {
            Ok(Written { stored, shortage, effects, oldest, salvaged }) => {
                self.reports.metrics.committed(began.elapsed());
                let result = shortage.map_or(Ok(()), |why| Err(why.to_owned()));
                waiter::answer(keeps.into_iter().map(|(_, waiter)| waiter), &result);
                for (ended, effect) in ends.iter().zip(effects) {
                    self.written(ended, &effect);
                }
                self.reports.metrics.waiting(self.waiting, oldest.map(SystemTime::from));
                if shortage.is_some() && !self.config.keep_delivered.is_zero() {
                    self.next_round = began;
                }
                if salvaged {
                    self.salvaged()?;
                }
                Ok(stored)
            }
            Err(why) => {
                let result = Err(why.to_string());
                waiter::answer(keeps.into_iter().map(|(_, waiter)| waiter), &result);
                self.ends.append(&mut ends);
                if let CommitError::Sql(why) = why {
                    self.salvage = self.salvage.take().map(Salvage::again);
                    self.failed(&why);
                }
                Ok(Vec::new())
            }
        }
    }

    /// Stores all records, or none if space is short; the ends of attempts are written in any case.
    fn commit(&mut self, keeps: &[Keep], ends: &[Ended]) -> Result<Written, CommitError> {
        let now = self.clock.now();
        let mut effects: Vec<_> = ends.iter().map(|ended| self.effect(ended, now)).collect();
        let Some(database) = &mut self.database else { return Err(CommitError::Closed) };
        let transaction = database.begin()?;
        let shortage = match keeps {
            [] => None,
            _ => shortage(&transaction, &self.path, self.config.max_bytes)?,
        };
        let keeps = if shortage.is_some() { &[] } else { keeps };
        let records = keeps.iter().map(|(record, _)| record);
        let stored: Vec<_> = (self.last_seq + 1..).zip(records.cloned()).collect();
        let records = stored.iter().map(|(_, record)| &**record);
        changes::insert(&transaction, self.last_seq + 1, records)?;
        for (ended, effect) in ends.iter().zip(&mut effects) {
            if !apply(&transaction, ended, effect, now)? {
                *effect = Effect::None;
            }
        }
        let salvaged =
            self.salvage.as_mut().map(|salvage| salvage.step(&transaction)).transpose()?;
        let oldest = oldest(&transaction)?;
        transaction.commit()?;
        self.last_seq += i64::try_from(stored.len()).unwrap_or_default();
        self.waiting += stored.len() as u64;
        let kept: usize = keeps.iter().map(|(record, _)| record.size()).sum();
        let copied = if salvaged.is_some() { retire::ROWS } else { 0 };
        self.checkpoints.committed(kept + (ends.len() + copied) * CHANGE);
        let salvaged = salvaged == Some(true);
        Ok(Written { stored, shortage, effects, oldest, salvaged })
    }

    fn effect(&self, ended: &Ended, now: Millis) -> Effect {
        match &ended.attempt {
            Attempt::Delivered if self.config.keep_delivered.is_zero() => Effect::Delete,
            Attempt::Delivered => Effect::Settle(State::Delivered, String::new()),
            Attempt::Ignored => Effect::Settle(State::Ignored, "Unimplemented".to_owned()),
            Attempt::Dead(why) => Effect::Settle(State::Dead, why.clone()),
            Attempt::Failed(why, _)
                if self.clock.age(ended.record.received) >= self.config.max_age =>
            {
                Effect::Settle(State::Dead, why.clone())
            }
            Attempt::Failed(why, pushback) => {
                let pause = || schedule::pause(ended.attempts + 1);
                let pause = pushback.map_or_else(pause, schedule::pushback);
                Effect::PutOff(now.after(pause), why.clone())
            }
            Attempt::NotRun(_) => Effect::None,
        }
    }

    /// The end of an attempt is on disk.
    fn written(&mut self, ended: &Ended, effect: &Effect) {
        self.queue.ended(
            ended.seq,
            match effect {
                Effect::Delete | Effect::Settle(..) => End::Left,
                Effect::PutOff(..) => End::PutOff,
                Effect::None => End::Unchanged,
            },
        );
        let Ended { record, attempts, .. } = ended;
        match effect {
            Effect::Delete | Effect::Settle(State::Delivered, _) => {
                self.reports.delivered(record);
            }
            Effect::Settle(State::Ignored, _) => self.reports.ignored(record),
            Effect::Settle(_, why) => {
                self.reports.dead(record, attempts + 1, why);
                self.next_round = self.next_round.min(Instant::now() + COUNTED);
            }
            Effect::PutOff(due, why) => {
                self.queue.put_off(*due);
                self.reports.retried(record, attempts + 1, why, due.since(self.clock.now()));
            }
            Effect::None => {}
        }
        if matches!(effect, Effect::Delete | Effect::Settle(..)) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

/// The reason why no more records are to be stored, if there is one.
fn shortage(
    database: &Connection,
    path: &Path,
    max_bytes: u64,
) -> rusqlite::Result<Option<&'static str>> {
    let space = space(database)?;
    if space.used > max_bytes {
        return Ok(Some("the database has reached events.max_bytes"));
    }
    // Where the system does not say what is free, a commit finds out.
    let is_short = rustix::fs::statvfs(path)
        .is_ok_and(|stat| stat.f_bavail * stat.f_frsize + space.free < RESERVE);
    Ok(is_short.then_some("the file system has less than 32 MiB left"))
}

/// True if the record was there.
fn apply(
    to: &Transaction<'_>,
    ended: &Ended,
    effect: &Effect,
    at: Millis,
) -> rusqlite::Result<bool> {
    let ending = |status| Ending { seq: ended.seq, at, status };
    match effect {
        Effect::Delete => changes::delete(to, ended.seq),
        Effect::Settle(state, why) => changes::settle(to, &ending(why), *state),
        Effect::PutOff(due, why) => changes::put_off(to, &ending(why), *due),
        Effect::None => Ok(false),
    }
}

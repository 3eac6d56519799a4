//! The one thread that writes the database. It takes all that has queued into one transaction, so that commits grow with
//! load; the ends of deliveries are written in the same transactions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, Transaction};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::debug;

use super::super::config::EventsConfig;
use super::super::deliver::Attempt;
use super::super::letters::State;
use super::super::record::{Millis, Record};
use super::super::report::Reports;
use super::super::schedule;
use super::checkpoint::Checkpoints;
use super::database::{self, Database, Ending, space};
use super::message::{Act, Ended, Message};
use super::queue::{End, Queue};
use super::retire::{self, Salvage};

/// The most messages of one transaction.
const BATCH: usize = 1024;
/// The longest time without a look at ages and bounds.
const ROUND: Duration = Duration::from_secs(30);
/// The pause after an error.
pub(super) const AGAIN: Duration = Duration::from_millis(500);
/// The time after which dead records are counted anew.
pub(super) const COUNTED: Duration = Duration::from_secs(1);
/// The most records that are deleted in one transaction for their age.
const PURGED: usize = 1000;

/// The bytes that stay free on the file system or in the file. The ends of deliveries need them: what can't be deleted from a full disk
/// would fill it for ever. They are twice the length to which the WAL may grow.
const RESERVE: u64 = 32 << 20;
/// The bytes that the end of a delivery, or a record that is copied, counts for: each changes a page, at least.
const PAGE: usize = 4096;

/// The reason why a batch was not written.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error("the database can't be opened")]
    Closed,
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// The writer, and what it knows beside the database.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) config: EventsConfig,
    pub(super) messages: Receiver<Message>,
    pub(super) queue: Queue,
    pub(super) reports: Reports,
    pub(super) checkpoints: Checkpoints,
    /// None while it can't be opened.
    pub(super) database: Option<Database>,
    /// The database was just made, and holds nothing.
    pub(super) is_new: bool,
    /// The old database whose records are being copied into the new one. Nothing is delivered meanwhile, since the old
    /// records come first.
    pub(super) salvage: Option<Salvage>,
    pub(super) clock: Clock,
    pub(super) last_seq: i64,
    pub(super) waiting: u64,
    /// Ends of attempts that could not be written yet.
    unwritten: Vec<Ended>,
    pub(super) next_round: Instant,
    /// The time of the next try, after an error.
    pub(super) again: Instant,
    /// The time by which it must end, once it stops.
    stop: Option<Instant>,
}

/// A record to store, and who waits for it.
type Keep = (Arc<Record>, oneshot::Sender<Result<(), String>>);
/// A record that is stored, and its number.
type Stored = (i64, Arc<Record>);

/// What is written in one transaction.
#[derive(Default)]
struct Batch {
    keeps: Vec<Keep>,
    ends: Vec<Ended>,
    room: Vec<OwnedSemaphorePermit>,
}

/// What was written in one transaction.
struct Written {
    stored: Vec<Stored>,
    /// The reason why no record was stored.
    shortage: Option<&'static str>,
    effects: Vec<Effect>,
    /// The time when the oldest record that waits was received.
    oldest: Option<Millis>,
}

/// The effect of an attempt's end. None: it was not made, or the record was dropped meanwhile.
enum Effect {
    Delete,
    Settle(State, String),
    PutOff(Millis, String),
    None,
}

/// A wall clock that is not set back while the process runs.
#[derive(Debug)]
pub(super) struct Clock {
    began: Millis,
    since: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Millis::now(), since: Instant::now() }
    }

    pub(super) fn now(&self) -> Millis {
        self.began.after(self.since.elapsed())
    }
}

impl Writer {
    #[allow(clippy::too_many_arguments, reason = "each is a part of its own")]
    pub(super) fn new(
        path: PathBuf,
        config: EventsConfig,
        messages: Receiver<Message>,
        queue: Queue,
        reports: Reports,
        checkpoints: Checkpoints,
    ) -> Self {
        let now = Instant::now();
        Self {
            path,
            config,
            messages,
            queue,
            reports,
            checkpoints,
            database: None,
            is_new: false,
            salvage: None,
            clock: Clock::start(),
            last_seq: 0,
            waiting: 0,
            unwritten: Vec::new(),
            next_round: now,
            again: now,
            stop: None,
        }
    }

    pub(super) fn run(mut self) {
        while !self.is_done() {
            let messages = self.receive();
            self.handle(messages);
        }
        debug!(waiting = self.waiting, "the store of events is closed");
    }

    fn is_done(&self) -> bool {
        self.stop.is_some_and(|by| {
            Instant::now() >= by || (self.queue.in_flight() == 0 && self.unwritten.is_empty())
        })
    }

    /// All messages that have queued; waits for one if there is nothing else to do.
    fn receive(&mut self) -> Vec<Message> {
        let first = match self.messages.recv_timeout(self.patience()) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return Vec::new(),
            Err(RecvTimeoutError::Disconnected) => {
                self.stop = Some(Instant::now());
                return Vec::new();
            }
        };
        [first].into_iter().chain(self.messages.try_iter().take(BATCH - 1)).collect()
    }

    /// The time until something is to be done though no message comes.
    fn patience(&self) -> Duration {
        let again = self.again.saturating_duration_since(Instant::now());
        let has_work = self.salvage.is_some() || (self.stop.is_none() && self.queue.is_behind());
        if self.database.is_some() && has_work {
            return again;
        }
        let round = self.next_round.saturating_duration_since(Instant::now());
        let due = self.queue.next_due().map(|due| due.since(self.clock.now()));
        let again = (!self.unwritten.is_empty() || self.database.is_none()).then_some(again);
        let stop = self.stop.map(|by| by.saturating_duration_since(Instant::now()));
        [due, again, stop].into_iter().flatten().fold(round, Duration::min)
    }

    fn handle(&mut self, messages: Vec<Message>) {
        let mut batch = Batch { ends: std::mem::take(&mut self.unwritten), ..Batch::default() };
        let (mut acts, mut reload, mut checkpoint) = (Vec::new(), false, false);
        for message in messages {
            match message {
                Message::Keep { record, kept, room } => {
                    batch.keeps.push((record, kept));
                    batch.room.push(room);
                }
                Message::Ended(ended) => batch.ends.push(ended),
                Message::Act(act) => acts.push(act),
                Message::Reload => reload = true,
                Message::FinishCheckpoint => checkpoint = true,
                Message::Stop(limit) => self.stop = Some(Instant::now() + limit),
            }
        }
        let stored = self.write(batch);
        let result = self.tend(acts, reload, checkpoint);
        if let Err(why) = result.and_then(|()| self.dispatch(stored)).and_then(|()| self.round()) {
            let _ = self.rewind(); // finds what was not handed out
            self.failed(&why);
        }
    }

    /// Writes a batch, and returns the records that are stored now.
    fn write(&mut self, batch: Batch) -> Vec<Stored> {
        if self.database.is_none() && Instant::now() >= self.again {
            self.open();
        }
        let Batch { keeps, mut ends, room: _room } = batch;
        if self.salvage.is_some() {
            // Their records may not have been copied yet.
            self.unwritten.append(&mut ends);
        }
        if keeps.is_empty() && ends.is_empty() && self.salvage.is_none() {
            return Vec::new();
        }
        let began = Instant::now();
        match self.commit(&keeps, &ends) {
            Ok(Written { stored, shortage, effects, oldest }) => {
                self.reports.metrics.committed(began.elapsed());
                for (_, kept) in keeps {
                    let _ = kept.send(shortage.map_or(Ok(()), |why| Err(why.to_owned())));
                }
                for (ended, effect) in ends.iter().zip(effects) {
                    self.written(ended, &effect);
                }
                self.reports.metrics.waiting(self.waiting, oldest.map(SystemTime::from));
                stored
            }
            Err(why) => {
                for (_, kept) in keeps {
                    let _ = kept.send(Err(why.to_string()));
                }
                self.unwritten.append(&mut ends);
                if let CommitError::Sql(why) = why {
                    self.salvage = self.salvage.take().map(Salvage::again);
                    self.failed(&why);
                }
                Vec::new()
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
        database::insert(&transaction, self.last_seq + 1, records)?;
        for (ended, effect) in ends.iter().zip(&mut effects) {
            if !apply(&transaction, ended, effect, now)? {
                *effect = Effect::None;
            }
        }
        let salvaged =
            self.salvage.as_mut().map(|salvage| salvage.step(&transaction)).transpose()?;
        let oldest = database::oldest(&transaction)?;
        transaction.commit()?;
        self.last_seq += i64::try_from(stored.len()).unwrap_or_default();
        self.waiting += stored.len() as u64;
        let kept: usize = keeps.iter().map(|(record, _)| record.size()).sum();
        let copied = if salvaged.is_some() { retire::ROWS } else { 0 };
        self.checkpoints.committed(kept + (ends.len() + copied) * PAGE);
        if salvaged == Some(true) {
            self.salvaged()?;
        }
        Ok(Written { stored, shortage, effects, oldest })
    }

    fn effect(&self, ended: &Ended, now: Millis) -> Effect {
        match &ended.attempt {
            Attempt::Delivered if self.config.keep_delivered.is_zero() => Effect::Delete,
            Attempt::Delivered => Effect::Settle(State::Delivered, String::new()),
            Attempt::Ignored => Effect::Settle(State::Ignored, "Unimplemented".to_owned()),
            Attempt::Dead(why) => Effect::Settle(State::Dead, why.clone()),
            Attempt::Failed(why, _) if now.since(ended.record.received) >= self.config.max_age => {
                Effect::Settle(State::Dead, why.clone())
            }
            Attempt::Failed(why, pushback) => {
                let pause = pushback.unwrap_or_else(|| schedule::pause(ended.attempts + 1));
                Effect::PutOff(now.after(pause.min(schedule::LONGEST)), why.clone())
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

    fn tend(&mut self, acts: Vec<Act>, reload: bool, checkpoint: bool) -> rusqlite::Result<()> {
        acts.into_iter().try_for_each(|act| self.act(act))?;
        if let Some(database) = self.database.as_mut().filter(|_| checkpoint) {
            database.checkpoint()?;
        }
        if reload { self.rewind() } else { Ok(()) }
    }

    fn dispatch(&mut self, stored: Vec<Stored>) -> rusqlite::Result<()> {
        let Some(database) = &self.database else { return Ok(()) };
        if self.stop.is_some() || self.salvage.is_some() {
            return Ok(());
        }
        self.queue.dispatch(database, stored, self.clock.now())?;
        for seq in self.queue.take_unknown() {
            let status = "this version of the gateway does not have the callback";
            let ending = Ending { seq, at: self.clock.now(), status };
            if let Some(database) = &mut self.database {
                let transaction = database.begin()?;
                database::settle(&transaction, &ending, State::Dead)?;
                transaction.commit()?;
                self.waiting = self.waiting.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Deletes what is over its age or the bound, and counts.
    fn round(&mut self) -> rusqlite::Result<()> {
        let now = Instant::now();
        let Some(database) = &mut self.database else { return Ok(()) };
        if now >= self.next_round {
            self.next_round = now + ROUND;
            let now = self.clock.now();
            let over = space(&database.connection)?.used > self.config.max_bytes;
            let delivered = if over { now } else { now.before(self.config.keep_delivered) };
            let bounds =
                [(State::Ignored, now.before(self.config.max_age)), (State::Delivered, delivered)];
            let transaction = database.begin()?;
            for (state, before) in bounds {
                if database::purge(&transaction, state, before, PURGED)? == PURGED {
                    self.next_round = Instant::now();
                }
            }
            transaction.commit()?;
            self.reports.metrics.dead(database.count_settled(State::Dead)?);
        }
        Ok(())
    }

    /// Takes its place in the database anew.
    pub(super) fn rewind(&mut self) -> rusqlite::Result<()> {
        let Some(database) = &self.database else { return Ok(()) };
        database.forget_future(self.clock.now())?;
        self.last_seq = self.last_seq.max(database.last_seq()?);
        self.waiting = database.count_waiting()?.0;
        let oldest = database::oldest(&database.connection)?;
        self.reports.metrics.waiting(self.waiting, oldest.map(SystemTime::from));
        self.next_round = Instant::now();
        self.queue.rewind(database)
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
        Effect::Delete => database::delete(to, ended.seq),
        Effect::Settle(state, why) => database::settle(to, &ending(why), *state),
        Effect::PutOff(due, why) => database::put_off(to, &ending(why), *due),
        Effect::None => Ok(false),
    }
}

//! The one thread that writes the database. It takes all that has queued into one transaction, so that commits grow
//! with load; the ends of deliveries are written in the same transactions.

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use tracing::debug;

use super::super::config::EventsConfig;
use super::super::letters::State;
use super::super::report::Reports;
use super::batch::{Batch, Stored};
use super::changes::{self, Ending};
use super::checkpoint::Checkpoints;
use super::clock::Clock;
use super::database::{Database, oldest, space};
use super::message::{Act, Ended, Message};
use super::queue::Queue;
use super::retire::Salvage;
use super::rows::Waiting;

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
    /// The old databases that were copied: one that can't be renamed then is not copied again.
    pub(super) copied: Vec<PathBuf>,
    pub(super) clock: Clock,
    pub(super) last_seq: i64,
    pub(super) waiting: u64,
    /// Ends of attempts that could not be written yet.
    pub(super) ends: Vec<Ended>,
    pub(super) next_round: Instant,
    /// The time of the next try, after an error.
    pub(super) again: Instant,
    /// The time by which it must end, once it stops.
    stop: Option<Instant>,
    /// The lock of the directory, released when the database is closed. None until it could be taken.
    pub(super) lock: Option<File>,
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
            copied: Vec::new(),
            clock: Clock::start(),
            last_seq: 0,
            waiting: 0,
            ends: Vec::new(),
            next_round: now,
            again: now,
            stop: None,
            lock: None,
        }
    }

    pub(super) fn run(mut self) {
        while !self.is_done() {
            let messages = self.receive();
            self.handle(messages);
        }
        self.close();
        debug!(waiting = self.waiting, "the store of events is closed");
    }

    fn is_done(&self) -> bool {
        self.stop.is_some_and(|by| {
            Instant::now() >= by || (self.queue.in_flight() == 0 && self.ends.is_empty())
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
        let until = |time: Instant| time.saturating_duration_since(Instant::now());
        let (is_open, again) = (self.database.is_some(), until(self.again));
        let delivers = is_open && self.stop.is_none();
        if (is_open && self.salvage.is_some()) || (delivers && self.queue.has_work()) {
            return again;
        }
        // Nothing else moves these two times on, so that the writer would not pause at all.
        let round = delivers.then(|| until(self.next_round).max(again));
        let due = self.queue.next_due().filter(|_| delivers);
        let due = due.map(|due| due.since(self.clock.now()).max(again));
        let again = (!is_open || !self.ends.is_empty()).then_some(again);
        [round, due, again, self.stop.map(until)].into_iter().flatten().min().unwrap_or(ROUND)
    }

    fn handle(&mut self, messages: Vec<Message>) {
        self.clock.update();
        let mut batch = Batch { ends: std::mem::take(&mut self.ends), ..Batch::default() };
        let (mut acts, mut reload, mut checkpoint) = (Vec::new(), false, false);
        for message in messages {
            match message {
                Message::Keep(record, waiter) => batch.keeps.push((record, waiter)),
                Message::Ended(ended) => batch.ends.push(ended),
                Message::Act(act) => acts.push(act),
                Message::Reload => reload = true,
                Message::FinishCheckpoint => checkpoint = true,
                Message::Stop(limit) => self.stop = Some(Instant::now() + limit),
            }
        }
        let result = self.write(batch).and_then(|stored| {
            self.change(acts, reload, checkpoint)?;
            self.dispatch(stored)?;
            self.round()
        });
        if let Err(why) = result {
            self.queue.rewind(); // finds what was not handed out
            self.failed(&why);
        }
    }

    fn change(&mut self, acts: Vec<Act>, reload: bool, checkpoint: bool) -> rusqlite::Result<()> {
        acts.into_iter().try_for_each(|act| self.act(act))?;
        if let Some(database) = self.database.as_mut().filter(|_| checkpoint) {
            database.checkpoint()?;
        }
        if reload {
            self.queue.rewind();
        }
        // Without checkpoints the WAL would grow for ever.
        let checks = self.database.is_some() && Instant::now() >= self.again;
        if checks { self.checkpoints.check() } else { Ok(()) }
    }

    fn dispatch(&mut self, stored: Vec<Stored>) -> rusqlite::Result<()> {
        let Some(database) = &self.database else { return Ok(()) };
        if self.stop.is_some() || self.salvage.is_some() {
            return Ok(());
        }
        self.queue.dispatch(database, stored, self.clock.now())?;
        let unknown = self.queue.take_unknown();
        if unknown.is_empty() { Ok(()) } else { self.bury(unknown) }
    }

    /// Makes records dead whose callbacks this gateway does not have.
    fn bury(&mut self, unknown: Vec<Waiting>) -> rusqlite::Result<()> {
        let Some(database) = &mut self.database else { return Ok(()) };
        let (at, mut keys) = (self.clock.now(), Vec::new());
        let status = "this version of the gateway does not have the callback";
        let transaction = database.begin()?;
        for Waiting { seq, callback, key } in unknown {
            if changes::settle(&transaction, &Ending { seq, at, status }, State::Dead)? {
                self.waiting = self.waiting.saturating_sub(1);
                self.reports.unknown(&callback);
                keys.extend(key);
            }
        }
        transaction.commit()?;
        self.queue.discarded(keys, 0);
        self.next_round = Instant::now();
        Ok(())
    }

    /// Deletes what is over its age or the bound, and counts.
    fn round(&mut self) -> rusqlite::Result<()> {
        let now = Instant::now();
        let Some(database) = &mut self.database else { return Ok(()) };
        if now >= self.next_round.max(self.again) {
            self.next_round = now + ROUND;
            let now = self.clock.now();
            // Before the bound, so that new events find space.
            let over = space(&database.connection)?.used > self.config.max_bytes / 10 * 9;
            let delivered = if over { now } else { now.before(self.config.keep_delivered) };
            let bounds =
                [(State::Ignored, now.before(self.config.max_age)), (State::Delivered, delivered)];
            let transaction = database.begin()?;
            for (state, before) in bounds {
                if changes::purge(&transaction, state, before, PURGED)? == PURGED {
                    self.next_round = Instant::now();
                }
            }
            transaction.commit()?;
            self.reports.metrics.dead(database.count_settled(State::Dead)?);
        }
        Ok(())
    }

    /// Counts what the database has, and begins anew with it.
    pub(super) fn recount(&mut self) -> rusqlite::Result<()> {
        self.queue.rewind();
        let Some(database) = &self.database else { return Ok(()) };
        let (waiting, retrying) = database.count_waiting()?;
        self.last_seq = self.last_seq.max(database.last_seq()?);
        (self.waiting, self.next_round) = (waiting, Instant::now());
        self.queue.set_retrying(retrying);
        let oldest = oldest(&database.connection)?;
        self.reports.metrics.waiting(self.waiting, oldest.map(SystemTime::from));
        Ok(())
    }
}

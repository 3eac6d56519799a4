//! Decides which records are delivered next. At most one record of a key is in flight, in the order received; a key
//! that waits for another attempt holds up no other. SQL finds what is due: memory holds only what is in flight.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::error::SendError;

use super::super::deliver::Configs;
use super::super::record::{Millis, Record};
use super::database::Database;
use super::lane::{End, Flight, Lane, READY, READY_SIZE};
use super::rows::Waiting;
use crate::openim::contract::Kind;
use crate::openim::key::CallbackKey;

/// Rows that are read without a pause, so that what is to be stored meanwhile need not wait.
const SCAN: usize = 4096;
/// Rows of one query.
const PAGE: usize = 256;

/// A record to deliver.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) seq: i64,
    pub(crate) record: Arc<Record>,
    /// The attempts that were made before.
    pub(crate) attempts: u32,
}

/// The records in flight, and the place up to which each decider's have been handed out.
#[derive(Debug)]
pub(super) struct Queue {
    configs: Configs,
    /// By [`DeciderId`](crate::failure_policy::DeciderId).
    lanes: Vec<Lane>,
    flights: HashMap<i64, Flight>,
    /// The keys in flight; true if more records of the key may wait.
    keys: HashMap<String, bool>,
    /// Keys whose record ended, and of which more wait.
    released: VecDeque<String>,
    /// Records that wait and have been attempted.
    retrying: u64,
    /// The time of the next attempt that is not due yet.
    next_due: Option<Millis>,
    /// Records of callbacks that this gateway does not have.
    unknown: Vec<Waiting>,
    in_flight: usize,
    /// The records that the dispatch at hand hands out.
    handed_out: Vec<Delivery>,
    to: UnboundedSender<Vec<Delivery>>,
}

impl Queue {
    pub(super) fn new(
        configs: Configs,
        deciders: usize,
        in_flight: usize,
        to: UnboundedSender<Vec<Delivery>>,
    ) -> Self {
        Self {
            configs,
            lanes: (0..deciders).map(|_| Lane::default()).collect(),
            flights: HashMap::new(),
            keys: HashMap::new(),
            released: VecDeque::new(),
            retrying: 0,
            next_due: None,
            unknown: Vec::new(),
            in_flight,
            handed_out: Vec::new(),
            to,
        }
    }

    /// Begins anew with what the database has, whatever it was; records in flight stay in flight.
    pub(super) fn rewind(&mut self) {
        for lane in &mut self.lanes {
            (lane.cursor, lane.is_behind, lane.is_overdue) = (0, true, true);
            lane.ready.clear();
        }
        self.next_due = Some(Millis::default()); // the next dispatch reads it
    }

    /// The number of records that wait and have been attempted.
    pub(super) fn set_retrying(&mut self, retrying: u64) {
        self.retrying = retrying;
    }

    /// True if a dispatch could hand out records at once.
    pub(super) fn has_work(&self) -> bool {
        let has_room = |lane: &Lane| lane.is_behind && !lane.is_full(self.in_flight);
        !self.released.is_empty() || self.lanes.iter().any(has_room)
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        self.next_due
    }

    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// The records found of callbacks that this gateway does not have.
    pub(super) fn take_unknown(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.unknown)
    }

    /// A record is no longer in flight.
    pub(super) fn ended(&mut self, seq: i64, end: End) {
        let Some(flight) = self.flights.remove(&seq) else { return };
        let lane = &mut self.lanes[flight.lane];
        lane.in_flight -= 1;
        lane.bytes -= flight.size;
        match (flight.is_retry, end) {
            (true, End::Left) => self.retrying = self.retrying.saturating_sub(1),
            (false, End::PutOff) => self.retrying += 1,
            _ => {}
        }
        if let Some(key) = flight.key
            && self.keys.remove(&key).unwrap_or_default()
        {
            self.released.push_back(key);
        }
    }

    /// Settled records wait again, this one the first of them.
    pub(super) fn replayed(&mut self, seq: i64) {
        for lane in &mut self.lanes {
            (lane.cursor, lane.is_behind) = (lane.cursor.min(seq - 1), true);
        }
    }

    /// Records of these keys do not wait any more, and so many of them had been attempted.
    pub(super) fn discarded(&mut self, keys: Vec<String>, retrying: u64) {
        self.retrying = self.retrying.saturating_sub(retrying);
        self.released.extend(keys);
        // They may be ready.
        self.lanes.iter_mut().for_each(Lane::unready);
    }

    /// Notes the time of an attempt to come.
    pub(super) fn put_off(&mut self, due: Millis) {
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
    }

    /// Hands out what can be delivered now. `stored` are the records that have just been stored.
    pub(super) fn dispatch(
        &mut self,
        database: &Database,
        stored: Vec<(i64, Arc<Record>)>,
        now: Millis,
    ) -> rusqlite::Result<()> {
        let found = self.find(database, stored, now);
        let handed_out = std::mem::take(&mut self.handed_out);
        if !handed_out.is_empty()
            && let Err(SendError(unsent)) = self.to.send(handed_out)
        {
            // It stops, and they stay on disk.
            unsent.iter().for_each(|delivery| self.ended(delivery.seq, End::Unchanged));
        }
        found
    }

    /// Finds what can be delivered now.
    fn find(
        &mut self,
        database: &Database,
        stored: Vec<(i64, Arc<Record>)>,
        now: Millis,
    ) -> rusqlite::Result<()> {
        while let Some(key) = self.released.front().cloned() {
            self.next_of(database, &key, now)?;
            self.released.pop_front();
        }
        for (seq, record) in stored {
            self.add(seq, record);
        }
        if self.next_due.is_some_and(|due| due <= now) {
            self.lanes.iter_mut().for_each(|lane| lane.is_overdue = true);
            self.next_due = database.next_due(now, &self.callbacks(None))?;
        }
        (0..self.lanes.len()).try_for_each(|lane| {
            self.hand_out_due(database, lane, now)?;
            self.hand_out_ready(database, lane)?;
            self.hand_out_fresh(database, lane)
        })
    }

    /// The first record of a key that has just been released.
    fn next_of(&mut self, database: &Database, key: &str, now: Millis) -> rusqlite::Result<()> {
        let Some((row, due)) = database.first_of(key)? else { return Ok(()) };
        if due.is_some_and(|due| now < due) {
            return Ok(());
        }
        let Some(lane) = self.lane_of(&row.callback) else {
            self.unknown.push(row);
            return Ok(());
        };
        if !self.is_full(lane) {
            return self.hand_out(database, &row, lane, due.is_some());
        }
        // Its decider was changed meanwhile: found again by the cursor, or as due.
        let lane = &mut self.lanes[lane];
        match due {
            Some(_) => lane.is_overdue = true,
            None => (lane.cursor, lane.is_behind) = (lane.cursor.min(row.seq - 1), true),
        }
        Ok(())
    }

    /// A record was stored.
    fn add(&mut self, seq: i64, record: Arc<Record>) {
        let index = self.configs.load().of(Some(record.callback)).decider.0;
        let lane = &mut self.lanes[index];
        if lane.is_behind {
            return; // the cursor finds it
        }
        if self.flights.contains_key(&seq) {
            lane.cursor = seq; // the next of a key that was just released
        } else if lane.ready.len() >= READY || record.size() > READY_SIZE {
            lane.is_behind = true;
        } else {
            lane.cursor = seq;
            lane.ready.push_back((seq, record));
        }
    }

    fn hand_out_ready(&mut self, database: &Database, index: usize) -> rusqlite::Result<()> {
        while !self.is_full(index) {
            let Some((seq, record)) = self.lanes[index].ready.pop_front() else { break };
            let others = self.retrying > 0 || self.lanes.iter().any(|lane| lane.is_behind);
            let is_free = match &record.key {
                None => true,
                Some(key) => match self.keys.get_mut(key) {
                    Some(more) => {
                        *more = true;
                        false
                    }
                    None => !others || !database.has_earlier(key, seq)?,
                },
            };
            if is_free {
                self.send(Delivery { seq, record, attempts: 0 }, index, false, others);
            }
        }
        Ok(())
    }

    fn hand_out_due(
        &mut self,
        database: &Database,
        index: usize,
        now: Millis,
    ) -> rusqlite::Result<()> {
        if !self.lanes[index].is_overdue || self.is_full(index) {
            return Ok(());
        }
        self.lanes[index].is_overdue = false;
        // More than can be in flight, whose rows are still due.
        let limit = self.in_flight * 2;
        for callback in self.callbacks(Some(index)) {
            let rows = database.due(callback, now, limit)?;
            self.lanes[index].is_overdue |= rows.len() == limit;
            for row in rows {
                if self.is_full(index) {
                    self.lanes[index].is_overdue = true;
                    return Ok(());
                }
                self.hand_out(database, &row, index, true)?;
            }
        }
        Ok(())
    }

    fn hand_out_fresh(&mut self, database: &Database, index: usize) -> rusqlite::Result<()> {
        let mut scanned = 0;
        while self.lanes[index].is_behind
            && self.lanes[index].ready.is_empty()
            && scanned < SCAN
            && !self.is_full(index)
        {
            let rows = database.behind(self.lanes[index].cursor, PAGE)?;
            self.lanes[index].is_behind = !rows.is_empty();
            for (row, is_fresh) in rows {
                if self.is_full(index) {
                    break;
                }
                self.lanes[index].cursor = row.seq;
                scanned += 1;
                match self.lane_of(&row.callback) {
                    Some(lane) if lane == index && is_fresh => {
                        self.hand_out(database, &row, index, false)?;
                    }
                    None if index == 0 => self.unknown.push(row),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Hands out a record that is read back, if its turn has come.
    fn hand_out(
        &mut self,
        database: &Database,
        row: &Waiting,
        lane: usize,
        is_retry: bool,
    ) -> rusqlite::Result<()> {
        if self.is_free(database, row)?
            && let Some((record, attempts)) = database.load(row.seq)?
        {
            let delivery = Delivery { seq: row.seq, record: Arc::new(record), attempts };
            // Others of its key may have been passed because of it.
            self.send(delivery, lane, is_retry, true);
        }
        Ok(())
    }

    /// True if neither the record nor an earlier one of its key is in flight or waits.
    fn is_free(&mut self, database: &Database, row: &Waiting) -> rusqlite::Result<bool> {
        let is_ready = self.lanes.iter().any(|lane| lane.holds(row.seq));
        if is_ready || self.flights.contains_key(&row.seq) {
            return Ok(false);
        }
        let Some(key) = &row.key else { return Ok(true) };
        if let Some(more) = self.keys.get_mut(key) {
            *more = true;
            return Ok(false);
        }
        Ok(!database.has_earlier(key, row.seq)?)
    }

    /// `others` is true if more records of its key may wait.
    fn send(&mut self, delivery: Delivery, lane: usize, is_retry: bool, others: bool) {
        let (seq, key, size) = (delivery.seq, delivery.record.key.clone(), delivery.record.size());
        self.handed_out.push(delivery);
        self.lanes[lane].in_flight += 1;
        self.lanes[lane].bytes += size;
        if let Some(key) = &key {
            self.keys.insert(key.clone(), others);
        }
        self.flights.insert(seq, Flight { lane, key, size, is_retry });
    }

    fn is_full(&self, lane: usize) -> bool {
        self.lanes[lane].is_full(self.in_flight)
    }

    /// The lane of a callback; none if this gateway does not have it.
    fn lane_of(&self, callback: &str) -> Option<usize> {
        let callback = CallbackKey::find(callback)?.callback()?;
        Some(self.configs.load().of(Some(callback)).decider.0)
    }

    /// The callbacks of a lane, or of all.
    pub(super) fn callbacks(&self, lane: Option<usize>) -> Vec<&'static str> {
        let configs = self.configs.load();
        let of_lane = configs.iter().filter(|(key, config)| {
            let is_after = key.callback().is_some_and(|callback| callback.kind == Kind::After);
            is_after && lane.is_none_or(|lane| config.decider.0 == lane)
        });
        of_lane.map(|(key, _)| key.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;

//! Lists and changes records for operators. Reads have a read-only connection of their own, since they may look at
//! every row; changes are made by the writer, in bounded transactions, so that events are stored in between.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::super::letters::{ACT, Acted, Change, Letter, Page, Selection, State, Status};
use super::super::record::Millis;
use super::Disk;
use super::database::{self, Database, OpenError};
use super::message::{Act, Message, Place};
use super::retire;

/// The most records of one transaction: few enough that an event which comes meanwhile is stored in time.
const BATCH: usize = 250;

const WAITING: &str = "waiting";
const SETTLED: &str = "settled";

impl Disk {
    pub(crate) async fn status(&self) -> Result<Status, String> {
        let path = self.path.clone();
        let (in_flight, max_bytes) = (self.in_flight.load(Relaxed) as u64, self.max_bytes);
        let status = move |database: &Database| {
            let retired = retire::replaced(&path)?;
            Ok(Status {
                store: "disk".to_owned(),
                bypassed: false,
                waiting: database.count_waiting()?.0,
                dead: database.count_settled(State::Dead)?,
                ignored: database.count_settled(State::Ignored)?,
                delivered: database.count_settled(State::Delivered)?,
                in_flight,
                oldest: database::oldest(&database.connection)?,
                used_bytes: database::space(&database.connection)?.used,
                max_bytes: Some(max_bytes),
                retired: retired.iter().map(|path| path.display().to_string()).collect(),
            })
        };
        self.read(status).await
    }

    pub(crate) async fn list(&self, selection: Selection, limit: usize) -> Result<Page, String> {
        let found = move |database: &Database| Ok(letters(database, &selection, limit + 1)?);
        let mut found = self.read(found).await?;
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let next = found.last().map(|(seq, _)| *seq).filter(|_| !is_last);
        let records = found.into_iter().map(|(_, letter)| letter).collect();
        Ok(Page { records, next })
    }

    pub(crate) async fn show(&self, id: Uuid) -> Result<Option<(Letter, Bytes)>, String> {
        let show = move |database: &Database| {
            let selection = Selection { ids: vec![id], ..Selection::default() };
            let Some((seq, letter)) = letters(database, &selection, 1)?.pop() else {
                return Ok(None);
            };
            let table = if letter.state == State::Waiting { WAITING } else { SETTLED };
            let sql = format!("SELECT payload FROM {table} WHERE seq = ?1");
            let payload: Vec<u8> = database.connection.query_row(&sql, [seq], |row| row.get(0))?;
            Ok(Some((letter, payload.into())))
        };
        self.read(show).await
    }

    pub(crate) async fn replay(&self, selection: Selection) -> Result<Acted, String> {
        self.act(Change::Replay, selection, &[SETTLED]).await
    }

    pub(crate) async fn discard(&self, selection: Selection) -> Result<Acted, String> {
        self.act(Change::Discard, selection, &[WAITING, SETTLED]).await
    }

    async fn act(
        &self,
        change: Change,
        selection: Selection,
        tables: &'static [&'static str],
    ) -> Result<Acted, String> {
        let places = self.read(move |database| Ok(places(database, &selection, tables)?)).await?;
        let next = places.last().map(|place| place.seq.cast_unsigned());
        let next = next.filter(|_| places.len() == ACT);
        let mut records = 0;
        for places in places.chunks(BATCH) {
            let (done, result) = oneshot::channel();
            let act = Act { change, places: places.to_vec(), done };
            let failed = || "the store can't be changed now: see the gateway's log".to_owned();
            self.messages.send(Message::Act(act)).map_err(|_| failed())?;
            records += result.await.map_err(|_| failed())?;
        }
        Ok(Acted { records, next, until: None })
    }

    /// Reads from the database beside the writer, in one transaction; one read at a time.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, OpenError> + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.reading.clone().acquire_owned().await.map_err(|e| e.to_string())?;
        let path = self.path.clone();
        let read = move || {
            let _turn = turn;
            let database = Database::open_read_only(&path)?;
            let _snapshot = database.connection.unchecked_transaction()?;
            read(&database)
        };
        let read = spawn_blocking(read).await.map_err(|e| e.to_string())?;
        read.map_err(|why| format!("the store can't be read now: {why}"))
    }
}

/// Up to `limit` selected records, the newest first, each with its number.
fn letters(
    database: &Database,
    selection: &Selection,
    limit: usize,
) -> rusqlite::Result<Vec<(u64, Letter)>> {
    let mut found = Vec::new();
    for (table, columns) in [(WAITING, "'waiting', due"), (SETTLED, "state, NULL")] {
        let Some((condition, values)) = condition(table, selection, "<") else { continue };
        // The inner query needs an index only, where there is one.
        let sql = format!(
            "SELECT seq, {columns}, id, callback, key, received, attempted, attempts, status, command,
                    operation_id, length(payload)
             FROM {table} WHERE seq IN
                (SELECT seq FROM {table} WHERE {condition} ORDER BY seq DESC LIMIT {limit})"
        );
        let mut statement = database.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), letter)?;
        found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    found.truncate(limit);
    Ok(found)
}

/// The places of up to [`ACT`] selected records, the oldest first.
fn places(
    database: &Database,
    selection: &Selection,
    tables: &[&'static str],
) -> rusqlite::Result<Vec<Place>> {
    let mut places = Vec::new();
    for &table in tables {
        let Some((condition, values)) = condition(table, selection, ">") else { continue };
        let sql = format!("SELECT seq FROM {table} WHERE {condition} ORDER BY seq LIMIT {ACT}");
        let mut statement = database.connection.prepare(&sql)?;
        let place = |row: &Row<'_>| Ok(Place { seq: row.get(0)?, is_waiting: table == WAITING });
        let rows = statement.query_map(params_from_iter(values), place)?;
        places.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    places.sort_by_key(|place| place.seq);
    places.truncate(ACT);
    Ok(places)
}

/// The selection as a condition on rows of a table, which are `<` or `>` the cursor; none if it has no such rows.
fn condition(table: &str, selection: &Selection, behind: &str) -> Option<(String, Vec<Value>)> {
    let Selection { ids, state, callback, key, since, cursor, until: _ } = selection;
    let text = |text: &String| Value::from(text.clone());
    let mut values: Vec<Value> = ids.iter().map(|id| id.as_bytes().to_vec().into()).collect();
    let mut conditions = match ids.len() {
        0 => vec!["true".to_owned()],
        count => vec![format!("id IN ({})", vec!["?"; count].join(", "))],
    };
    let mut add = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(format!("{condition} ?"));
            values.push(value);
        }
    };
    match (table, state) {
        (SETTLED, Some(State::Waiting)) => return None,
        (SETTLED, Some(state)) => add("state =", Some(state.as_str().to_owned().into())),
        (_, None | Some(State::Waiting)) => {}
        (_, Some(_)) => return None,
    }
    add("callback =", callback.as_ref().map(text));
    add("key =", key.as_ref().map(text));
    add("received >=", since.map(|since| since.0.into()));
    add(&format!("seq {behind}"), cursor.map(|cursor| cursor.cast_signed().into()));
    Some((conditions.join(" AND "), values))
}

fn letter(row: &Row<'_>) -> rusqlite::Result<(u64, Letter)> {
    let state = row.get_ref(1)?.as_str()?;
    let state = State::ALL.into_iter().find(|known| known.as_str() == state);
    let attempts = row.get_ref(8)?.as_str()?.split_whitespace();
    let letter = Letter {
        // Whatever else is in the file is no reason to hide the others.
        state: state.unwrap_or(State::Dead),
        next_attempt: row.get::<_, Option<i64>>(2)?.map(Millis),
        id: row.get(3)?,
        callback: row.get(4)?,
        key: row.get(5)?,
        received: Millis(row.get(6)?),
        attempted: row.get(7)?,
        attempts: attempts.filter_map(|time| time.parse().ok().map(Millis)).collect(),
        status: row.get(9)?,
        command: row.get(10)?,
        operation_id: row.get(11)?,
        bytes: row.get(12)?,
    };
    Ok((row.get(0)?, letter))
}

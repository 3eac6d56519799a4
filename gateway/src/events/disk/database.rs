//! The database: its file, its schema, and the statements that read it.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, params};

use super::super::letters::State;
use super::super::record::{Millis, Record};
use super::rows::{SHARED, Waiting, record, waiting};
use super::transaction::Transaction;

/// Marks the file as the gateway's: `OMEV`.
const APPLICATION: i32 = 0x4f4d_4556;

/// The changes of the schema, in order: the file's version is the number of those that it has.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// A database that is open.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
}

/// The reason why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer gateway wrote it.
    #[error(
        "a newer gateway wrote it: its schema has version {found}, and this one reads up to {known}"
    )]
    Newer {
        /// The version in the file.
        found: usize,
        /// The newest that is known.
        known: usize,
    },
    /// It belongs to another program.
    #[error("it is the database of another program")]
    Foreign,
    /// The file can't be made.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// SQLite can't use it.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// The bytes in a database's file.
pub(super) struct Space {
    pub(super) used: u64,
    /// In pages of deleted records, which new ones take first.
    pub(super) free: u64,
}

impl Database {
    /// Opens the database, and makes it or brings it up to date if need be.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        // Made here, so that nobody else may read it; SQLite gives its further files the same mode.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let _ = file.set_permissions(Permissions::from_mode(0o600)); // another user's may be shared by group
        let mut connection = connect(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // A thread of its own makes them.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        migrate(&mut connection)?;
        Ok(Self { connection })
    }

    /// Opens a damaged database to copy from it. Nothing is written: locked by this process alone it needs no shared
    /// memory, whose file a full disk would refuse, and its WAL stays beside it.
    pub(super) fn open_damaged(path: &Path) -> Result<Self, OpenError> {
        let mut connection = connect(path)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        migrate(&mut connection)?;
        Ok(Self { connection })
    }

    /// Lets what was attempted after `now` be due at once: the clock was set back since, perhaps by more than a pause.
    pub(super) fn forget_future(&self, now: Millis) -> rusqlite::Result<()> {
        // The last of the attempts has 13 digits until the year 2286, and a space.
        let sql = "UPDATE waiting SET due = ?1
                   WHERE due > ?1 AND CAST(substr(attempts, -14) AS INTEGER) > ?1";
        self.connection.execute(sql, [now.0]).map(drop)
    }

    /// Lets records of callbacks other than these be found as those that have not been attempted.
    pub(super) fn forget_attempts_of_others(&self, callbacks: &[&str]) -> rusqlite::Result<()> {
        let marks = vec!["?"; callbacks.len()].join(", ");
        let sql = format!(
            "UPDATE waiting SET due = NULL WHERE due IS NOT NULL AND callback NOT IN ({marks})"
        );
        self.connection.execute(&sql, rusqlite::params_from_iter(callbacks)).map(drop)
    }

    /// Opens the database beside the writer. A connection that may write would delete the WAL by its name when it is
    /// closed, be it that of a newer database.
    pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self { connection: Connection::open_with_flags(path, flags)? })
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        Transaction::begin(&mut self.connection)
    }

    /// Writes the rest of the WAL into the database, so that the WAL begins anew.
    pub(super) fn checkpoint(&mut self) -> rusqlite::Result<()> {
        checkpoint(&self.connection).map(drop)
    }

    /// The largest number that a record has.
    pub(super) fn last_seq(&self) -> rusqlite::Result<i64> {
        let sql = "SELECT max(coalesce((SELECT max(seq) FROM waiting), 0),
                              coalesce((SELECT max(seq) FROM settled), 0))";
        self.connection.query_row(sql, [], |row| row.get(0))
    }

    /// The number of records that wait, and of those among them that have been attempted.
    pub(super) fn count_waiting(&self) -> rusqlite::Result<(u64, u64)> {
        let sql = "SELECT (SELECT count(*) FROM waiting),
                          (SELECT count(*) FROM waiting WHERE due IS NOT NULL)";
        self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    pub(super) fn count_settled(&self, state: State) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM settled WHERE state = ?1";
        self.connection.prepare_cached(sql)?.query_row([state.as_str()], |row| row.get(0))
    }

    /// Rows behind `cursor`, in the order received; true for those that have not been attempted.
    pub(super) fn behind(
        &self,
        cursor: i64,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Waiting, bool)>> {
        let sql = "SELECT seq, callback, key, due IS NULL FROM waiting
                   WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = |row: &Row<'_>| Ok((waiting(row)?, row.get(3)?));
        let rows = statement.query_map(params![cursor, limit], row)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        match rows.iter().find(|(row, _)| row.seq <= cursor) {
            Some((row, _)) => Err(rusqlite::Error::IntegralValueOutOfRange(0, row.seq)),
            None => Ok(rows),
        }
    }

    /// Rows of a callback whose time for another attempt has come, the earliest first.
    pub(super) fn due(
        &self,
        callback: &str,
        now: Millis,
        limit: usize,
    ) -> rusqlite::Result<Vec<Waiting>> {
        let sql = "SELECT seq, callback, key FROM waiting
                   WHERE callback = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(params![callback, now.0, limit], waiting)?.collect()
    }

    /// The time of the next attempt after `now` of a record of these callbacks.
    pub(super) fn next_due(
        &self,
        now: Millis,
        callbacks: &[&str],
    ) -> rusqlite::Result<Option<Millis>> {
        let sql = "SELECT min(due) FROM waiting WHERE callback = ?1 AND due > ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut next = None;
        for callback in callbacks {
            let due: Option<i64> =
                statement.query_row(params![callback, now.0], |row| row.get(0))?;
            next = next.into_iter().chain(due).min();
        }
        Ok(next.map(Millis))
    }

    /// True if a record of the key that was received before this one waits.
    pub(super) fn has_earlier(&self, key: &str, seq: i64) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM waiting WHERE key = ?1 AND seq < ?2";
        self.connection.prepare_cached(sql)?.exists(params![key, seq])
    }

    /// The first record of the key that waits, with the time of its next attempt if it has been attempted.
    pub(super) fn first_of(
        &self,
        key: &str,
    ) -> rusqlite::Result<Option<(Waiting, Option<Millis>)>> {
        let sql = "SELECT seq, callback, key, due FROM waiting WHERE key = ?1 ORDER BY seq LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let first = |row: &Row<'_>| Ok((waiting(row)?, row.get::<_, Option<i64>>(3)?.map(Millis)));
        statement.query_row([key], first).optional()
    }

    /// A record that waits, and the number of its attempts; none if it is of a callback that this gateway does not
    /// have.
    pub(super) fn load(&self, seq: i64) -> rusqlite::Result<Option<(Record, u32)>> {
        let sql = format!("SELECT {SHARED} FROM waiting WHERE seq = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([seq], record).optional()?.flatten())
    }
}

/// The bytes in the file, used and free.
pub(super) fn space(of: &Connection) -> rusqlite::Result<Space> {
    let pragma = |name: &str| {
        let mut statement = of.prepare_cached(&format!("PRAGMA {name}"))?;
        statement.query_row([], |row| row.get::<_, u64>(0))
    };
    let (page, free) = (pragma("page_size")?, pragma("freelist_count")?);
    let used = pragma("page_count")?.saturating_sub(free);
    Ok(Space { used: used * page, free: free * page })
}

/// The time when the oldest record that waits was received.
pub(super) fn oldest(of: &Connection) -> rusqlite::Result<Option<Millis>> {
    let sql = "SELECT received FROM waiting ORDER BY seq LIMIT 1";
    let mut statement = of.prepare_cached(sql)?;
    statement.query_row([], |row| Ok(Millis(row.get(0)?))).optional()
}

/// Writes as much of the WAL into the database as it can without waiting; returns the WAL's pages, and those of them
/// that are in the database now.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// A connection to the file, which another one has brought up to date.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let pragma = |connection: &Connection, name| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0))
    };
    let (application, version) =
        (pragma(connection, "application_id")?, pragma(connection, "user_version")?);
    let found = usize::try_from(version).unwrap_or_default();
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_empty = connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0;
    match (application, found) {
        (0, 0) if is_empty => {}
        (APPLICATION, _) if found > MIGRATIONS.len() => {
            return Err(OpenError::Newer { found, known: MIGRATIONS.len() });
        }
        (APPLICATION, _) => {}
        _ => return Err(OpenError::Foreign),
    }
    if found < MIGRATIONS.len() {
        let transaction = connection.transaction()?;
        for migration in &MIGRATIONS[found..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
        transaction.commit()?;
    }
    Ok(())
}

/// True for an error after which the file must not be written any more: a WAL may drop later commits behind a bad
/// frame. A value that no statement of ours could have written is damage too.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    match error {
        FromSqlConversionFailure(..)
        | IntegralValueOutOfRange(..)
        | InvalidColumnType(..)
        | Utf8Error(..) => true,
        _ => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}

//! A damaged database is retired: its readable records are copied into a new one, and its file is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{ErrorCode, params, params_from_iter};
use tracing::{error, info};

use super::super::record::Millis;
use super::database::{Database, OpenError, is_damage};
use super::lock::DirectoryError;
use super::rows::{SHARED, record};
use super::transaction::Transaction;

/// The ending of a retired database that was not copied yet, and of one that was.
const DAMAGED: &str = "damaged.db";
const RETIRED: &str = "retired.db";
/// Rows that are copied in one transaction.
pub(super) const ROWS: usize = 500;
/// Numbers without a readable row, one after the other, after which a table is given up.
const GIVEN_UP: u64 = 10_000;
/// More records than a database ever had.
const UNREADABLE: i64 = 1 << 40;
const TABLES: [&str; 2] = ["waiting", "settled"];

/// Moves a database and its WAL out of the way. All connections must be closed: SQLite deletes the WAL of a database
/// that it closes by its name.
pub(super) fn retire(path: &Path) -> io::Result<PathBuf> {
    let damaged = unused(path).ok_or(io::ErrorKind::AlreadyExists)?;
    let _ = fs::remove_file(beside(path, "-shm")); // made anew from the WAL
    // A kill between the two is seen by it that the WAL has its new name: `finish` does the rest.
    let (wal, moved) = (beside(path, "-wal"), beside(&damaged, "-wal"));
    existing(fs::rename(&wal, &moved))?;
    fs::rename(path, &damaged).inspect_err(|_| drop(fs::rename(&moved, &wal)))?;
    Ok(damaged)
}

/// Finishes a [`retire`] that a kill has cut short. Without its WAL the database would lack what was committed last.
pub(super) fn finish(path: &Path) -> io::Result<()> {
    for wal in ending_in(path, &format!("{DAMAGED}-wal"))? {
        let damaged = wal.with_extension("db");
        if !damaged.exists() {
            existing(fs::rename(path, damaged))?;
        }
    }
    Ok(())
}

/// Deletes a database that never held a record.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    ["-journal", "-shm", "-wal", ""]
        .iter()
        .try_for_each(|ending| existing(fs::remove_file(beside(path, ending))))
}

/// A name for a damaged database that no other one has or had: two may be retired within a millisecond.
fn unused(path: &Path) -> Option<PathBuf> {
    let now = Millis::now().0;
    let name = |millis: i64, ending: &str| path.with_extension(format!("{millis}.{ending}"));
    let is_free = |&millis: &i64| [DAMAGED, RETIRED].iter().all(|e| !name(millis, e).exists());
    (now..).find(is_free).map(|millis| name(millis, DAMAGED))
}

/// The result for a file that need not exist.
fn existing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

/// The retired databases that were not copied yet, the oldest first.
pub(super) fn damaged(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = ending_in(path, DAMAGED)?;
    paths.sort();
    Ok(paths)
}

/// All retired databases, those that were not copied yet first.
pub(super) fn replaced(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = damaged(path)?;
    paths.extend(ending_in(path, RETIRED)?);
    Ok(paths)
}

/// The files in a database's directory whose names end so.
fn ending_in(path: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let directory = path.parent().unwrap_or(path);
    let paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    Ok(paths)
}

/// The file that SQLite has beside a database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The copy of a damaged database into the one in use, in steps.
#[derive(Debug)]
pub(super) struct Salvage {
    pub(super) path: PathBuf,
    from: Option<Database>,
    tables: Vec<&'static str>,
    /// The last number that was copied, or could not be.
    seq: i64,
    copied: u64,
    unreadable: u64,
    /// Numbers without a readable row, since the last readable one.
    missed: u64,
}

impl Salvage {
    /// Opens a damaged database. One that can't be opened for its damage has nothing readable.
    ///
    /// # Errors
    /// It can't be opened now, for another reason.
    pub(super) fn open(path: PathBuf) -> Result<Self, OpenError> {
        let from = match Database::open_damaged(&path) {
            Ok(from) => Some(from),
            Err(OpenError::Sql(why)) if !is_damage(&why) => return Err(OpenError::Sql(why)),
            Err(why) => {
                error!(path = %path.display(), %why, "nothing is readable in the damaged database");
                None
            }
        };
        Ok(Self::of(path, from))
    }

    fn of(path: PathBuf, from: Option<Database>) -> Self {
        let (tables, unreadable) =
            if from.is_some() { (TABLES.to_vec(), 0) } else { (Vec::new(), 1) };
        Self { path, from, tables, seq: 0, copied: 0, unreadable, missed: 0 }
    }

    /// Begins anew, after a step that was not committed.
    pub(super) fn again(self) -> Self {
        Self::of(self.path, self.from)
    }

    /// A number that is not less than any in it, and than `known`.
    pub(super) fn last_seq(&self, known: i64) -> i64 {
        let last = self.from.as_ref().map_or(Ok(known), Database::last_seq);
        last.unwrap_or(known + UNREADABLE)
    }

    /// Copies some rows; true if that was all.
    pub(super) fn step(&mut self, to: &Transaction<'_>) -> rusqlite::Result<bool> {
        let (Some(from), Some(&table)) = (&self.from, self.tables.last()) else { return Ok(true) };
        match rows(from, table, self.seq, ROWS).or_else(|_| rows(from, table, self.seq, 1)) {
            Ok(rows) => {
                if rows.is_empty() {
                    self.next_table();
                }
                for row in rows {
                    match row.first() {
                        Some(&Value::Integer(seq)) if seq > self.seq => {
                            self.copy(to, table, seq, &row)?;
                        }
                        _ => self.miss(),
                    }
                }
            }
            Err(_) => self.miss(),
        }
        if self.missed > GIVEN_UP {
            self.next_table();
        }
        Ok(self.tables.is_empty())
    }

    fn copy(
        &mut self,
        to: &Transaction<'_>,
        table: &str,
        seq: i64,
        row: &[Value],
    ) -> rusqlite::Result<()> {
        let marks = vec!["?"; row.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO {table} VALUES ({marks})");
        match to.prepare_cached(&sql)?.execute(params_from_iter(row)) {
            Ok(copied) => {
                self.copied += copied as u64;
                (self.seq, self.missed) = (seq, 0);
            }
            // A value of another type than its column's.
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                self.miss();
            }
            Err(why) => return Err(why),
        }
        Ok(())
    }

    /// Goes on behind a row that can't be read.
    fn miss(&mut self) {
        self.seq += 1;
        self.unreadable += u64::from(self.missed == 0);
        self.missed += 1;
    }

    fn next_table(&mut self) {
        self.tables.pop();
        (self.seq, self.missed) = (0, 0);
    }

    /// Closes the damaged database and marks it as copied. Returns the number of gaps in it.
    pub(super) fn finish(self) -> u64 {
        drop(self.from);
        let path = self.path.to_string_lossy().replace(DAMAGED, RETIRED);
        let (copied, unreadable) = (self.copied, self.unreadable);
        let wal = fs::rename(beside(&self.path, "-wal"), beside(Path::new(&path), "-wal"));
        let renamed = existing(wal).and_then(|()| fs::rename(&self.path, &path));
        match renamed {
            Ok(()) => info!(path, copied, unreadable, "copied from the damaged database"),
            Err(why) => error!(%why, copied, unreadable, "the damaged database can't be renamed"),
        }
        unreadable
    }
}

/// Rows of a table behind a number, with all columns as they are; fails where one of them is no record.
fn rows(from: &Database, table: &str, seq: i64, limit: usize) -> rusqlite::Result<Vec<Vec<Value>>> {
    let sql = format!("SELECT {SHARED}, * FROM {table} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = from.connection.prepare_cached(&sql)?;
    let (first, end) = (SHARED.split(',').count(), statement.column_count());
    let row = |row: &rusqlite::Row<'_>| {
        record(row)?;
        (first..end).map(|column| row.get(column)).collect()
    };
    statement.query_map(params![seq, limit], row)?.collect()
}

/// True if a database that can't be opened is to be retired, not refused.
pub(super) fn is_damaged(why: &DirectoryError) -> bool {
    matches!(why, DirectoryError::Database(OpenError::Sql(why)) if is_damage(why))
}

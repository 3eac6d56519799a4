//! A damaged database is retired: its readable records are copied into a new one, and its file is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};
use tracing::{error, info};

use super::super::record::Millis;
use super::database::{Database, OpenError};

/// The ending of a retired database that was not copied yet, and of one that was.
const DAMAGED: &str = "damaged.db";
const RETIRED: &str = "retired.db";
/// Rows that are copied in one transaction.
const ROWS: usize = 500;
/// Numbers without a readable row, one after the other, after which a table is given up.
const GIVEN_UP: u64 = 10_000;
/// More records than a database ever had.
const UNREADABLE: i64 = 1 << 40;
const TABLES: [&str; 2] = ["waiting", "settled"];

/// Moves a database and its WAL out of the way. All connections must be closed: SQLite deletes the WAL of a database
/// that it closes by its name.
pub(super) fn retire(path: &Path) -> io::Result<PathBuf> {
    let damaged = path.with_extension(format!("{}.{DAMAGED}", Millis::now().0));
    let _ = fs::remove_file(beside(path, "-shm")); // made anew from the WAL
    match fs::rename(beside(path, "-wal"), beside(&damaged, "-wal")) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => fs::rename(path, &damaged)?,
    }
    Ok(damaged)
}

/// The retired databases that were not copied yet, the oldest first.
pub(super) fn damaged(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(DAMAGED));
    paths.sort();
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
    path: PathBuf,
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
    /// Opens a damaged database. One that can't be opened has nothing readable.
    pub(super) fn open(path: PathBuf) -> Self {
        let from = match Database::open(&path) {
            Ok(from) => Some(from),
            Err(why) => {
                error!(path = %path.display(), %why, "nothing is readable in the damaged database");
                None
            }
        };
        let tables = if from.is_some() { TABLES.to_vec() } else { Vec::new() };
        Self { path, from, tables, seq: 0, copied: 0, unreadable: 0, missed: 0 }
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
                    let marks = vec!["?"; row.len()].join(", ");
                    let sql = format!("INSERT OR IGNORE INTO {table} VALUES ({marks})");
                    self.copied += to.prepare_cached(&sql)?.execute(params_from_iter(&row))? as u64;
                    if let Some(Value::Integer(seq)) = row.first() {
                        self.seq = *seq;
                    }
                    self.missed = 0;
                }
            }
            Err(_) => {
                self.seq += 1;
                self.unreadable += u64::from(self.missed == 0);
                self.missed += 1;
                if self.missed > GIVEN_UP {
                    self.next_table();
                }
            }
        }
        Ok(self.tables.is_empty())
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
        let renamed = fs::rename(beside(&self.path, "-wal"), beside(Path::new(&path), "-wal"))
            .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
            .and_then(|()| fs::rename(&self.path, &path));
        match renamed {
            Ok(()) => info!(path, copied, unreadable, "copied from the damaged database"),
            Err(why) => error!(%why, copied, unreadable, "the damaged database can't be renamed"),
        }
        unreadable
    }
}

/// Rows of a table behind a number, with all columns as they are.
fn rows(from: &Database, table: &str, seq: i64, limit: usize) -> rusqlite::Result<Vec<Vec<Value>>> {
    let sql = format!("SELECT * FROM {table} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = from.connection.prepare_cached(&sql)?;
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    statement.query_map(params![seq, limit], row)?.collect()
}

/// True if a database that can't be opened is to be retired, not refused.
pub(super) fn is_damaged(why: &OpenError) -> bool {
    matches!(why, OpenError::Sql(why) if super::database::is_damage(why))
}

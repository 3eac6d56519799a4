//! A transaction.

use std::ops::Deref;

use rusqlite::Connection;

/// A transaction, which is rolled back unless it is committed. [`rusqlite::Transaction`] parses its statements each
/// time.
#[derive(Debug)]
pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    pub(super) fn begin(connection: &'a mut Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self(connection))
    }

    pub(super) fn commit(self) -> rusqlite::Result<()> {
        self.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Some errors have rolled it back.
        if !self.is_autocommit() {
            let _ = self.execute_batch("ROLLBACK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_rolled_back() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch("CREATE TABLE numbers (number INTEGER)").expect("a table");
        for is_committed in [true, false, true] {
            let transaction = Transaction::begin(&mut connection).expect("a transaction");
            transaction.execute("INSERT INTO numbers VALUES (1)", []).expect("a row");
            if is_committed {
                transaction.commit().expect("committed");
            }
        }
        let count = connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0));
        assert_eq!(count, Ok(2));
    }
}

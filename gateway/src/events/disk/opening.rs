//! The writer's way back from errors: a database that can't be used is opened again, and a damaged one is retired.

use std::time::Instant;

use tracing::{error, warn};

use super::database::{Database, OpenError, is_damage};
use super::lock::{DirectoryError, lock};
use super::retire::{self, Salvage};
use super::writer::{AGAIN, Writer};

impl Writer {
    /// Opens the database at the start.
    ///
    /// # Errors
    /// It is not this gateway's to use. A damaged one is retired, and one that can't be opened for any other reason is
    /// opened again later: events are relayed until then.
    pub(super) fn start(&mut self) -> Result<(), DirectoryError> {
        match self.try_open() {
            Err(why) if why.is_permanent() => Err(why),
            opened => {
                self.opened(opened);
                Ok(())
            }
        }
    }

    /// Opens the database again.
    pub(super) fn open(&mut self) {
        let opened = self.try_open();
        self.opened(opened);
    }

    fn try_open(&mut self) -> Result<Database, DirectoryError> {
        if self.lock.is_none() {
            self.lock = Some(lock(self.path.parent().unwrap_or(&self.path))?);
        }
        retire::finish(&self.path)?;
        self.is_new |= !self.path.try_exists()?;
        Ok(Database::open(&self.path)?)
    }

    fn opened(&mut self, opened: Result<Database, DirectoryError>) {
        let result = match opened {
            Ok(database) => {
                self.database = Some(database);
                self.resume()
            }
            Err(why) => Err(why),
        };
        if let Err(why) = result {
            self.close();
            if retire::is_damaged(&why) && !self.is_new {
                return self.retire(&why.to_string());
            }
            error!(%why, "the database of events can't be opened: events are relayed");
            if self.is_new
                && let Err(why) = retire::remove(&self.path)
            {
                error!(%why, "the new database of events can't be removed");
            }
        }
    }

    /// Goes on with what an open database has.
    fn resume(&mut self) -> Result<(), DirectoryError> {
        if let Some(database) = &self.database {
            database.forget_future(self.clock.now())?;
            database.forget_attempts_of_others(&self.queue.callbacks(None))?;
        }
        self.recount()?;
        self.checkpoints.start()?;
        self.is_new = false;
        self.salvage_next();
        Ok(())
    }

    /// A statement failed.
    pub(super) fn failed(&mut self, why: &rusqlite::Error) {
        if is_damage(why) {
            self.close();
            self.retire(&why.to_string());
        } else {
            self.again = Instant::now() + AGAIN;
            warn!(%why, "the database of events failed");
        }
    }

    fn retire(&mut self, why: &str) {
        match retire::retire(&self.path) {
            Ok(path) => {
                (self.is_new, self.again) = (true, Instant::now());
                self.reports.metrics.retired();
                error!(why, kept = %path.display(), "the database of events is damaged: a new one");
            }
            Err(e) => {
                error!(why, %e, "the database of events is damaged, and can't be moved away");
            }
        }
    }

    /// Closes the database, which is opened again later.
    pub(super) fn close(&mut self) {
        self.again = Instant::now() + AGAIN;
        self.checkpoints.stop();
        self.salvage = None;
        self.database = None;
    }

    /// A damaged database was copied: goes on with the next one, or with the delivery.
    pub(super) fn salvaged(&mut self) -> rusqlite::Result<()> {
        if let Some(salvage) = self.salvage.take() {
            self.copied.push(salvage.path.clone());
            self.reports.metrics.unreadable(salvage.finish());
        }
        self.salvage_next();
        self.recount()
    }

    /// Begins to copy the oldest damaged database that was not copied to its end. Records that were copied before are
    /// not copied twice.
    fn salvage_next(&mut self) {
        let damaged = retire::damaged(&self.path).map_err(OpenError::File);
        let oldest =
            damaged.map(|paths| paths.into_iter().find(|path| !self.copied.contains(path)));
        match oldest.and_then(|oldest| oldest.map(Salvage::open).transpose()) {
            Ok(salvage) => self.salvage = salvage,
            Err(why) => {
                error!(%why, "a damaged database of events can't be copied yet: events are relayed");
                self.close();
            }
        }
        if let Some(salvage) = &self.salvage {
            // Its records keep their numbers; new ones come behind them.
            self.last_seq = self.last_seq.max(salvage.last_seq(self.last_seq));
        }
    }
}

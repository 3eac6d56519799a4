//! The writer's way back from errors: a database that can't be used is opened again, and a damaged one is retired.

use std::time::Instant;

use tracing::{error, warn};

use super::database::{Database, OpenError, is_damage};
use super::retire::{self, Salvage};
use super::writer::{AGAIN, Writer};

impl Writer {
    /// Opens the database at the start.
    ///
    /// # Errors
    /// It is not this gateway's to use. A damaged one is retired, and one that can't be opened for any other reason is
    /// opened again later: events are relayed until then.
    pub(super) fn start(&mut self) -> Result<(), OpenError> {
        match Database::open(&self.path) {
            Err(why @ (OpenError::Newer { .. } | OpenError::Foreign | OpenError::File(_))) => {
                Err(why)
            }
            opened => {
                self.opened(opened);
                Ok(())
            }
        }
    }

    /// Opens the database again.
    pub(super) fn open(&mut self) {
        let opened = Database::open(&self.path);
        self.opened(opened);
    }

    fn opened(&mut self, opened: Result<Database, OpenError>) {
        let result = match opened {
            Ok(database) => {
                self.database = Some(database);
                self.resume()
            }
            Err(why) => Err(why),
        };
        if let Err(why) = result {
            self.database = None;
            self.again = Instant::now() + AGAIN;
            match retire::is_damaged(&why) {
                true => self.retire(&why.to_string()),
                false => error!(%why, "the database of events can't be opened: events are relayed"),
            }
        }
    }

    /// Goes on with what an open database has.
    fn resume(&mut self) -> Result<(), OpenError> {
        self.rewind()?;
        self.checkpoints.start()?;
        self.salvage_again();
        Ok(())
    }

    /// A statement failed.
    pub(super) fn failed(&mut self, why: &rusqlite::Error) {
        if is_damage(why) {
            self.retire(&why.to_string());
        } else {
            warn!(%why, "the database of events failed");
        }
    }

    fn retire(&mut self, why: &str) {
        self.close();
        self.again = Instant::now();
        match retire::retire(&self.path) {
            Ok(path) => {
                self.reports.metrics.retired();
                error!(why, kept = %path.display(), "the database of events is damaged: a new one");
            }
            Err(e) => {
                self.again += AGAIN;
                error!(why, %e, "the database of events is damaged, and can't be moved away");
            }
        }
    }

    pub(super) fn close(&mut self) {
        self.checkpoints.stop();
        self.salvage = None;
        self.database = None;
    }

    /// A damaged database was copied: goes on with the next one, or with the delivery.
    pub(super) fn salvaged(&mut self) -> rusqlite::Result<()> {
        if let Some(salvage) = self.salvage.take() {
            self.reports.metrics.unreadable(salvage.finish());
        }
        self.salvage_again();
        self.rewind()
    }

    /// Begins to copy the oldest damaged database that was not copied to its end. Records that were copied before are
    /// not copied twice.
    pub(super) fn salvage_again(&mut self) {
        let directory = self.path.parent().unwrap_or(&self.path);
        let damaged = retire::damaged(directory).unwrap_or_else(|why| {
            error!(%why, "damaged databases of events can't be found");
            Vec::new()
        });
        self.salvage = damaged.into_iter().next().map(Salvage::open);
        if let Some(salvage) = &self.salvage {
            // Its records keep their numbers; new ones come behind them.
            self.last_seq = self.last_seq.max(salvage.last_seq(self.last_seq));
        }
    }
}

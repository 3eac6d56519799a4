//! What is read from files, and read again when they change.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use tracing::{error, info};

use crate::settings::Mistake;

/// The last that could be read.
#[derive(Debug)]
pub struct Kept<T> {
    now: ArcSwap<T>,
    /// What was wrong when it was last looked at; it is not logged twice.
    wrong: Mutex<Vec<Mistake>>,
}

impl<T: PartialEq> Kept<T> {
    /// What was read at the start.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { now: ArcSwap::from_pointee(value), wrong: Mutex::default() }
    }

    /// What is in force. To be held for a short time only.
    #[must_use]
    pub fn now(&self) -> Guard<Arc<T>> {
        self.now.load()
    }

    /// Takes what was just read, if it is something else; keeps what it has if nothing good could be read.
    pub fn refresh(&self, what: &'static str, read: Result<T, Vec<Mistake>>) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(value) => {
                wrong.clear();
                if value != **self.now.load() {
                    self.now.store(Arc::new(value));
                    info!(what, "read again");
                }
            }
            Err(mistakes) if *wrong == mistakes => {}
            Err(mistakes) => {
                for why in &mistakes {
                    error!(what, %why, "kept as it was, since what changed can't be used");
                }
                *wrong = mistakes;
            }
        }
    }
}

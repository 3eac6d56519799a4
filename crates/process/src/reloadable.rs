//! A value that is read from files, and read again when they change.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use tracing::{error, info};

use crate::Mistake;

/// The last value that could be read. Reading it is one atomic load; it is replaced by the housekeeping thread.
#[derive(Debug)]
pub struct Reloadable<T> {
    current: ArcSwap<T>,
    /// The mistakes of the last read, so that the same ones are not logged each second.
    mistakes: Mutex<Vec<Mistake>>,
}

impl<T: PartialEq> Reloadable<T> {
    /// Begins with the value that was read at the start.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { current: ArcSwap::from_pointee(value), mistakes: Mutex::default() }
    }

    /// The value in force. The guard is meant to be held for a few instructions, not across an await: see
    /// [`ArcSwap::load`].
    #[must_use]
    pub fn current(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Stores the value that was just read, if it differs; keeps the one in force if the read failed. `what` is its
    /// name in the log.
    pub fn refresh(&self, what: &str, read: Result<T, Vec<Mistake>>) {
        let mut known = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(value) => {
                known.clear();
                if value != **self.current.load() {
                    self.current.store(Arc::new(value));
                    info!(what, "read again");
                }
            }
            Err(mistakes) if *known == mistakes => {}
            Err(mistakes) => {
                for why in &mistakes {
                    error!(what, %why, "kept as it was, since what changed can't be used");
                }
                *known = mistakes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_can_not_be_read_leaves_the_last_one_in_force() {
        let value = Reloadable::new(1);
        for (read, expected) in
            [(Ok(2), 2), (Err("gone"), 2), (Err("gone"), 2), (Ok(3), 3), (Err("gone"), 3)]
        {
            value.refresh("number", read.map_err(|why| vec![Mistake::new("number", why)]));
            assert_eq!(**value.current(), expected);
        }
    }

    #[test]
    fn a_value_that_stays_the_same_is_not_replaced() {
        let value = Reloadable::new("same".to_owned());
        let before = Arc::clone(&value.current());
        value.refresh("text", Ok("same".to_owned()));
        assert!(Arc::ptr_eq(&before, &value.current()));
    }
}

//! The time of the store.

use std::time::Instant;

use super::super::record::Millis;

/// A wall clock that is not set back while the process runs.
#[derive(Debug)]
pub(super) struct Clock {
    began: Millis,
    since: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Millis::now(), since: Instant::now() }
    }

    pub(super) fn now(&self) -> Millis {
        self.began.after(self.since.elapsed())
    }
}

//! Bypasses a store that fails, so that callers need not wait for it in vain.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Failures in a row after which the store is bypassed.
const FAILURES: u32 = 3;
/// The pause between two writes in the background that try whether the store works again.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts the failures of a store in a row.
#[derive(Debug, Default)]
pub(crate) struct Bypass {
    failures: AtomicU32,
    tried: Mutex<Option<Instant>>,
}

impl Bypass {
    pub(crate) fn is_on(&self) -> bool {
        self.failures.load(Relaxed) >= FAILURES
    }

    /// True if the store has just come back.
    pub(crate) fn succeeded(&self) -> bool {
        self.failures.load(Relaxed) > 0 && self.failures.swap(0, Relaxed) >= FAILURES
    }

    /// True if the store is bypassed from now on.
    pub(crate) fn failed(&self) -> bool {
        self.failures.fetch_add(1, Relaxed) + 1 == FAILURES
    }

    /// True if the store is to be tried now, once in each pause.
    pub(crate) fn is_try_due(&self) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tried.is_none_or(|tried| tried.elapsed() >= PAUSE);
        if due {
            *tried = Some(Instant::now());
        }
        due
    }
}

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
    failed: Mutex<Option<Instant>>,
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

    /// True if the store is bypassed from now on. Failures within `once` of one that was counted are the same one: many
    /// callers may wait for the same commit.
    pub(crate) fn failed(&self, once: Duration) -> bool {
        let counts = has_passed(&self.failed, once);
        counts && self.failures.fetch_add(1, Relaxed) + 1 == FAILURES
    }

    /// True if the store is to be tried now, once in each pause.
    pub(crate) fn is_try_due(&self) -> bool {
        has_passed(&self.tried, PAUSE)
    }
}

/// True if so much time has passed since it was true last.
fn has_passed(last: &Mutex<Option<Instant>>, time: Duration) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let has_passed = last.is_none_or(|last| last.elapsed() >= time);
    if has_passed {
        *last = Some(Instant::now());
    }
    has_passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_at_the_same_time_count_once() {
        let (bypass, once) = (Bypass::default(), Duration::from_millis(50));
        assert!((0..10).all(|_| !bypass.failed(once)) && !bypass.is_on());
        std::thread::sleep(once);
        assert!((0..10).all(|_| !bypass.failed(once)) && !bypass.is_on());
        std::thread::sleep(once);
        assert!(bypass.failed(once) && bypass.is_on());
        assert!(bypass.succeeded() && !bypass.is_on());
    }
}

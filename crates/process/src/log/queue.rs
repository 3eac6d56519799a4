//! The lines that wait to be written.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The target of panics and of the count of dropped lines, which no filter switches off.
pub(super) const TARGET: &str = "process::log";

/// The bytes that may wait; a line that does not fit is dropped.
const CAPACITY: usize = 1 << 20;

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The number of lines lost since the process began, because stderr accepted none.
#[must_use]
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

pub(super) fn drop_lines(lines: u64) {
    DROPPED.fetch_add(lines, Ordering::Relaxed);
}

/// One buffer for all lines, which the writer exchanges for an empty one: its lock is held for the time of copying a line.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: Mutex<Lines>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    closing: bool,
}

impl Queue {
    /// Waits for lines until `tick` and exchanges them for `batch`, which is empty. True if the queue is closing.
    pub(super) fn take(&self, batch: &mut Vec<u8>, tick: Instant) -> bool {
        let mut lines = self.lock();
        while lines.bytes.is_empty() && !lines.closing {
            let left = tick.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            let woken = self.wake.wait_timeout(lines, left);
            lines = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        mem::swap(&mut lines.bytes, batch);
        lines.closing
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    fn push(&self, line: &[u8]) {
        let mut lines = self.lock();
        if lines.bytes.len() + line.len() > CAPACITY {
            return drop_lines(1);
        }
        let first = lines.bytes.is_empty();
        lines.bytes.extend_from_slice(line);
        drop(lines);
        if first {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The formatting layer writes each line at once.
impl io::Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

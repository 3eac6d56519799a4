//! The log of a whole test process, in which a test finds its own lines by a text.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// All that this process has logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to keep the log that a filter lets through. The first call in a process counts.
pub fn keep(filter: &str) {
    static SUBSCRIBER: OnceLock<()> = OnceLock::new();
    SUBSCRIBER.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log);
        subscriber.with_env_filter(filter).init();
    });
}

/// The lines that hold a text.
#[must_use]
pub fn lines_with(text: &str) -> Vec<String> {
    let log = String::from_utf8_lossy(&lock()).into_owned();
    log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

fn lock() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

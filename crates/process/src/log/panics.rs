//! Panics become lines of the log: std's own hook writes to stderr, blocks on it, and panics again if it can't.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;
use std::thread;

use tracing::error;

use super::queue::TARGET;

/// Logs each panic from now on, with a backtrace if `RUST_BACKTRACE` is set.
pub(super) fn log() {
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a value that is no text");
        let backtrace = Backtrace::capture();
        let captured = backtrace.status() == BacktraceStatus::Captured;
        error!(
            target: TARGET,
            thread = thread::current().name(),
            at = panic.location().map(tracing::field::display),
            backtrace = captured.then(|| tracing::field::display(&backtrace)),
            "panicked: {message}"
        );
    }));
}

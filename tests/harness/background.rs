//! A thread with a runtime of its own.

use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Runs a future and all that it spawns. Dropping it is like killing a process: everything ends at once, and every
/// socket is closed by then.
pub(crate) struct Background {
    killed: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// The future is made within the runtime.
    pub(crate) fn run<F: Future>(future: impl FnOnce() -> F + Send + 'static) -> Self {
        let killed = CancellationToken::new();
        let token = killed.clone();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                token.run_until_cancelled(async { future().await }).await;
            });
        });
        Self { killed, thread: Some(thread) }
    }

    /// Waits until the future has ended by itself.
    pub(crate) fn join(mut self) {
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(!matches!(ended, Some(Err(_))), "a thread of the harness panicked");
    }

    /// True if the future has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.killed.cancel();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(!matches!(ended, Some(Err(_))), "a thread of the harness panicked");
        }
    }
}

//! The threads of the events: one of them that ends too early is a bug, and a stop waits for all.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

/// The threads of the events.
#[derive(Debug)]
pub(crate) struct Threads {
    ended: CancellationToken,
    all_ended: Mutex<Receiver<()>>,
}

/// One thread's proof that it runs.
#[derive(Debug)]
pub(crate) struct Alive {
    ended: CancellationToken,
    _guard: DropGuard,
    _sender: Sender<()>,
}

impl Threads {
    pub(crate) fn new() -> (Self, Alive) {
        let (sender, all_ended) = channel();
        let ended = CancellationToken::new();
        let alive =
            Alive { ended: ended.clone(), _guard: ended.clone().drop_guard(), _sender: sender };
        (Self { ended, all_ended: Mutex::new(all_ended) }, alive)
    }

    /// Waits until one of them has ended.
    pub(crate) async fn one_ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until all have ended; false if they do not in time. Blocks.
    pub(crate) fn join(&self, limit: Duration) -> bool {
        let all_ended = self.all_ended.lock().unwrap_or_else(PoisonError::into_inner);
        all_ended.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected)
    }
}

impl Clone for Alive {
    fn clone(&self) -> Self {
        let ended = self.ended.clone();
        Self { _guard: ended.clone().drop_guard(), ended, _sender: self._sender.clone() }
    }
}

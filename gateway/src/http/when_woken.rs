//! Polls a future only when it was woken itself, and not whenever its task runs.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Wraps a future in a waker of its own: its task may run far more often for other reasons.
pub(super) async fn poll_when_woken<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken { woken: AtomicBool::new(true), task: AtomicWaker::new() });
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    poll_fn(|cx| {
        woken.task.register(cx.waker());
        match woken.woken.swap(false, Relaxed) {
            true => future.as_mut().poll(&mut Context::from_waker(&waker)),
            false => Poll::Pending,
        }
    })
    .await
}

struct Woken {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Relaxed);
        self.task.wake();
    }
}

//! The state of a connection, and the timeouts of its phases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The state of a connection. A worker is one thread, so nothing here is contended.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// Cancelled to end the connection as soon as possible.
    pub(super) closing: CancellationToken,
    pub(super) opened: Instant,
    /// True once a byte has come.
    used: AtomicBool,
    /// The number of requests in flight.
    requests: AtomicUsize,
    /// True while the head of a request is incomplete.
    head: AtomicBool,
    /// The beginning of the idle time, or of the incomplete head: microseconds from `opened`.
    since: AtomicU64,
}

/// The phase that a connection is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No request in flight, since then.
    Idle(Instant),
    /// The head of a request is incomplete, since then.
    Head(Instant),
    /// Requests are in flight, each with its own deadline.
    Busy,
}

/// The longest that a phase may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) idle: Duration,
    pub(super) head: Duration,
}

impl ConnectionState {
    pub(super) fn new(closing: CancellationToken) -> Self {
        Self {
            closing,
            opened: Instant::now(),
            used: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            head: AtomicBool::new(false),
            since: AtomicU64::new(0),
        }
    }

    /// Notes that bytes were read. With a request in flight, they may be its body or the next request.
    pub(super) fn on_read(&self, bytes: &[u8]) {
        let idle = matches!(self.phase(), Phase::Idle(_));
        if idle && !bytes.is_empty() {
            self.used.store(true, Ordering::Relaxed);
            self.head.store(true, Ordering::Relaxed);
            self.now();
        }
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.used.store(true, Ordering::Relaxed);
        self.head.store(false, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Request(self.clone())
    }

    /// True until a byte has come.
    pub(super) fn is_unused(&self) -> bool {
        !self.used.load(Ordering::Relaxed)
    }

    pub(super) fn phase(&self) -> Phase {
        let since = || self.opened + Duration::from_micros(self.since.load(Ordering::Relaxed));
        match (self.requests.load(Ordering::Relaxed), self.head.load(Ordering::Relaxed)) {
            (0, false) => Phase::Idle(since()),
            (0, true) => Phase::Head(since()),
            _ => Phase::Busy,
        }
    }

    /// Waits until a phase exceeds its timeout. It polls, so that requests need not notify it: a phase that has just
    /// begun can't expire before the next poll.
    pub(super) async fn lasts_too_long(&self, timeouts: Timeouts) -> Phase {
        loop {
            let (now, phase) = (Instant::now(), self.phase());
            let due = match phase {
                Phase::Idle(since) => Some(since + timeouts.idle),
                Phase::Head(since) => Some(since + timeouts.head),
                Phase::Busy => None,
            };
            let next = now + timeouts.head.min(timeouts.idle);
            match due {
                Some(due) if due <= now => return phase,
                due => sleep_until(due.map_or(next, |due| due.min(next))).await,
            }
        }
    }

    fn now(&self) {
        let micros = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.since.store(micros, Ordering::Relaxed);
    }
}

/// A request in flight; it ends too when the client disconnects.
#[derive(Debug)]
pub(super) struct Request(Arc<ConnectionState>);

impl Drop for Request {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.now();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    const TIMEOUTS: Timeouts =
        Timeouts { idle: Duration::from_secs(600), head: Duration::from_secs(10) };

    fn state() -> Arc<ConnectionState> {
        Arc::new(ConnectionState::new(CancellationToken::new()))
    }

    /// The time until a phase expires, and true if it is an incomplete head.
    async fn timeouts(state: &ConnectionState) -> (Duration, bool) {
        let began = Instant::now();
        let phase = state.lasts_too_long(TIMEOUTS).await;
        (began.elapsed(), matches!(phase, Phase::Head(_)))
    }

    fn is_about((took, head): (Duration, bool), expected: Duration, is_head: bool) -> bool {
        head == is_head && took >= expected && took < expected + Duration::from_millis(5)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_be_idle_for_long_and_a_head_may_not_take_long() {
        let state = state();
        assert!(is_about(timeouts(&state).await, TIMEOUTS.idle, false));
        state.on_read(b"");
        state.on_read(b"P");
        advance(Duration::from_secs(4)).await;
        state.on_read(b"O");
        assert!(is_about(timeouts(&state).await, Duration::from_secs(6), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_not_cut_however_long_it_takes_and_idleness_begins_with_its_end() {
        let state = state();
        state.on_read(b"POST");
        let request = state.request();
        state.on_read(b"the next head");
        let answered = async {
            sleep(Duration::from_secs(1000)).await;
            drop(request);
        };
        let (took, ()) = tokio::join!(timeouts(&state), answered);
        assert!(is_about(took, Duration::from_secs(1600), false), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_requests_the_last_counts() {
        let state = state();
        let (one, two) = (state.request(), state.request());
        advance(Duration::from_secs(1)).await;
        drop(one);
        assert_eq!(state.phase(), Phase::Busy);
        drop(two);
        assert_eq!(state.phase(), Phase::Idle(Instant::now()));
    }
}

//! The bound on connections: over it accepting waits, and the one idle for longest is closed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::idle::{ConnectionState, Phase};

/// A new connection is used at once, after a handshake at most.
const UNUSED_FOR: Duration = Duration::from_millis(100);
/// A connection that became idle less than this ago is likely to be used again.
const IDLE_FOR: Duration = Duration::from_secs(1);
/// The time that one connection has to close before the next one is closed too.
const PAUSE: Duration = Duration::from_millis(10);

/// The room for connections, which all workers share.
#[derive(Debug)]
pub(super) struct Room {
    /// The connections that may still be opened.
    free: Arc<Semaphore>,
    /// A worker needs room: each closes a connection, since the idlest may be another one's.
    wanted: Notify,
}

impl Room {
    pub(super) fn new(connections: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(connections)), wanted: Notify::new() }
    }

    /// Lowers the bound by `count`.
    pub(super) fn take(&self, count: usize) {
        self.free.forget_permits(count);
    }

    /// Waits until a worker needs room.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}

/// The connections of a worker.
#[derive(Debug)]
pub(super) struct Admission {
    room: Arc<Room>,
    members: Vec<Weak<ConnectionState>>,
    /// The number of members at which closed ones are removed.
    forget: usize,
    full: bool,
}

impl Admission {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self { room, members: Vec::new(), forget: 64, full: false }
    }

    /// Waits until there is room for one more connection. OpenIM never closes idle ones, and without this it would take
    /// nothing but idle connections to keep all others out.
    pub(super) async fn admit(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.room.free.clone().try_acquire_owned() {
            self.full = false;
            return Some(permit);
        }
        if !std::mem::replace(&mut self.full, true) {
            warn!("as many connections as there may be: those that are idle for longest make room");
        }
        loop {
            self.request_room();
            if let Ok(permit) = timeout(PAUSE, self.room.free.clone().acquire_owned()).await {
                return permit.ok();
            }
        }
    }

    pub(super) fn join(&mut self, state: &Arc<ConnectionState>) {
        if self.members.len() >= self.forget {
            self.members.retain(|member| member.strong_count() > 0);
            self.forget = 64.max(2 * self.members.len());
        }
        self.members.push(Arc::downgrade(state));
    }

    /// Makes room among the connections of all workers.
    pub(super) fn request_room(&self) {
        self.make_room();
        self.room.wanted.notify_waiters();
    }

    /// Closes the connections over which nothing has come since they were opened: OpenIM opens one to send. If there
    /// are none, closes the one idle for longest.
    pub(super) fn make_room(&self) {
        let now = Instant::now();
        let members = self.members.iter().filter_map(Weak::upgrade);
        let members: Vec<_> = members.filter(|state| !state.closing.is_cancelled()).collect();
        let unused = members.iter().filter(|s| s.is_unused() && s.opened + UNUSED_FOR <= now);
        if unused.inspect(|state| state.closing.cancel()).count() > 0 {
            return;
        }
        let idle = members.iter().filter_map(|state| match state.phase() {
            // A head comes in one piece, except in an attack.
            Phase::Idle(since) | Phase::Head(since) if since + IDLE_FOR <= now => {
                Some((since, state))
            }
            _ => None,
        });
        if let Some((_, state)) = idle.min_by_key(|(since, _)| *since) {
            state.closing.cancel();
        }
    }
}

//! The bound on connections: over it accepting waits, and who has been idle for longest makes room.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::activity::{Activity, Phase};

/// A connection that has just become idle is likely to be used again.
const SETTLED: Duration = Duration::from_secs(1);
/// How long one connection is given to make room before the next one must.
const PAUSE: Duration = Duration::from_millis(10);

/// The connections of a worker.
#[derive(Debug)]
pub(super) struct Crowd {
    /// How many more there may be, those of the other workers counted.
    room: Arc<Semaphore>,
    members: Vec<Weak<Activity>>,
    /// How many members there may be until those who left are forgotten.
    forget: usize,
    full: bool,
}

impl Crowd {
    pub(super) fn new(room: Arc<Semaphore>) -> Self {
        Self { room, members: Vec::new(), forget: 64, full: false }
    }

    /// Waits until there is room for one more connection. OpenIM never closes idle ones, and without this it would take
    /// nothing but idle connections to keep all others out.
    pub(super) async fn room(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.room.clone().try_acquire_owned() {
            self.full = false;
            return Some(permit);
        }
        if !std::mem::replace(&mut self.full, true) {
            warn!("as many connections as there may be: those that are idle for longest make room");
        }
        loop {
            self.close_the_slowest();
            if let Ok(permit) = timeout(PAUSE, self.room.clone().acquire_owned()).await {
                return permit.ok();
            }
        }
    }

    pub(super) fn join(&mut self, activity: &Arc<Activity>) {
        if self.members.len() >= self.forget {
            self.members.retain(|member| member.strong_count() > 0);
            self.forget = 64.max(2 * self.members.len());
        }
        self.members.push(Arc::downgrade(activity));
    }

    fn close_the_slowest(&self) {
        let now = Instant::now();
        let idle = self.members.iter().filter_map(Weak::upgrade).filter_map(|activity| {
            match activity.phase() {
                // A head comes in one piece, but for those who want to keep others out.
                Phase::Idle(since) | Phase::Head(since) if since + SETTLED <= now => {
                    Some((since, activity))
                }
                _ => None,
            }
        });
        let open = idle.filter(|(_, activity)| !activity.closing.is_cancelled());
        if let Some((_, activity)) = open.min_by_key(|(since, _)| *since) {
            activity.closing.cancel();
        }
    }
}

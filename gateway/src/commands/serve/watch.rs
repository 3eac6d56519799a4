//! Detects changes in a directory.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::warn;

/// An editor, or Kubernetes' swap of links, makes several events of one change, and a file may be half written at the
/// first: a change is complete after this long without events.
const QUIET: Duration = Duration::from_millis(200);
/// The longest wait for that, where events never stop.
const LONGEST: Duration = Duration::from_secs(2);

/// Watches directories until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    happened: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches directories, as far as possible. Events before that count as a change.
    pub(super) fn on<'d>(directories: impl Iterator<Item = &'d Path>) -> Self {
        let happened = Arc::new(Notify::new());
        happened.notify_one();
        let notify = happened.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| changes(event.kind)) {
                notify.notify_one();
            }
        });
        let watched = watcher.and_then(|mut watcher| {
            let distinct: BTreeSet<_> = directories.collect();
            for directory in distinct {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        let failed = |why| warn!(%why, "files are not watched; send SIGHUP after a change");
        Self { happened, _watcher: watched.map_err(failed).ok() }
    }

    /// Waits for a change, and until it is over.
    pub(super) async fn changed(&mut self) {
        self.happened.notified().await;
        let over = async { while timeout(QUIET, self.happened.notified()).await.is_ok() {} };
        let _ = timeout(LONGEST, over).await;
    }
}

/// Reading the files must not count as a change.
fn changes(kind: EventKind) -> bool {
    !kind.is_access() || kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

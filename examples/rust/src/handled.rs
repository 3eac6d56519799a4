//! The after-callbacks that were handled. Each is delivered at least once, always with the same callback-id.

use std::collections::{HashSet, VecDeque};
use tokio::sync::Mutex;

/// The number of callback ids that are kept; the oldest go first.
pub(crate) const REMEMBERED: usize = 10_000;

/// Stands in for a database: a real decider stores the id with the effect, under a unique key and in
/// the same transaction. This memory ends with the process, and several processes don't share it.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    all: HashSet<String>,
    oldest_first: VecDeque<String>,
}

impl Handled {
    /// Does the work, unless it was done for this id before. After an error, or when the call was
    /// cancelled, the next delivery does it again. A call that was made by hand may have no id; its
    /// work is always done.
    pub(crate) async fn once<E>(
        &self,
        id: &str,
        work: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        // Held during the work: two deliveries at the same time do it once. With a database no
        // other id would wait.
        let mut ids = self.ids.lock().await;
        if ids.all.contains(id) {
            return Ok(());
        }
        work.await?;
        if !id.is_empty() {
            ids.remember(id);
        }
        Ok(())
    }
}

impl Ids {
    fn remember(&mut self, id: &str) {
        self.all.insert(id.into());
        self.oldest_first.push_back(id.into());
        if self.oldest_first.len() > REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

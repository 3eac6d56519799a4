//! The policy in force, and its reload when the files change.

use crate::serve::Decide;
use arc_swap::ArcSwap;
use policy::{LoadError, Policy, Sources};
use process::{Housekeeping, Task};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::metadata::MetadataMap;
use tracing::{error, info, warn};

/// The interval at which the files are read, and the time for which they must stay the same before they are used: an
/// editor saves in several steps.
const STILL: Duration = Duration::from_secs(1);

/// A policy that is replaced as a whole when its files change. Each decision is made by the one that is in force when it
/// begins.
pub(crate) struct LivePolicy {
    /// The file or folder.
    path: PathBuf,
    in_force: ArcSwap<Policy>,
    /// Set by a request to reload, until the housekeeping thread takes it.
    requested: AtomicBool,
}

impl LivePolicy {
    /// Loads the policy.
    ///
    /// # Errors
    /// See [`Policy::load`].
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        let in_force = ArcSwap::from_pointee(Policy::load(path)?);
        Ok(Self { path: path.to_owned(), in_force, requested: AtomicBool::new(false) })
    }

    pub(crate) fn in_force(&self) -> Arc<Policy> {
        self.in_force.load_full()
    }

    /// Reads the files again and again, on a thread of their own.
    pub(crate) fn watch(self: &Arc<Self>) -> io::Result<Reloads> {
        let mut watch = Watch::new(self.clone());
        let task: Task = Box::new(move || watch.read(Instant::now()));
        let housekeeping = Housekeeping::spawn(STILL, vec![task])?;
        Ok(Reloads { policy: self.clone(), housekeeping })
    }

    /// Puts the files' policy in force, or keeps the one that is if they have mistakes. False if only the system keeps
    /// it from that, so that the same files may do later.
    fn reload(&self, sources: Result<Sources, LoadError>) -> bool {
        match sources.and_then(|sources| Policy::compile(&sources)) {
            Ok(policy) => {
                let policy = Arc::new(policy);
                self.in_force.store(policy.clone());
                let (hash, rules, rpcs) = (policy.hash(), policy.rules(), rpcs(&policy));
                info!(policy = hash, rules, rpcs, "policy reloaded");
                log_warnings(&policy);
                true
            }
            Err(error) => {
                for why in error.to_string().lines() {
                    error!(%why, "policy not reloaded");
                }
                !matches!(error, LoadError::Thread(_))
            }
        }
    }
}

impl Decide for Arc<LivePolicy> {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        self.in_force().decide(rpc, metadata, request).await
    }
}

/// The names of the rpcs that a policy has rules for, as they are logged.
pub(crate) fn rpcs(policy: &Policy) -> String {
    policy.rpcs().collect::<Vec<_>>().join(" ")
}

/// Logs what is suspicious in a policy.
pub(crate) fn log_warnings(policy: &Policy) {
    for why in policy.warnings() {
        warn!(%why, "suspicious policy");
    }
}

/// Reloads a policy until it is dropped.
pub(crate) struct Reloads {
    policy: Arc<LivePolicy>,
    housekeeping: Housekeeping,
}

impl Reloads {
    /// Reloads at once, and logs the result even if nothing has changed.
    pub(crate) fn request(&self) {
        self.policy.requested.store(true, Ordering::Release);
        self.housekeeping.wake();
    }
}

/// The state of the files: their hash, or the reason why they can't be read.
type State = Result<String, String>;

/// The housekeeping of a policy.
struct Watch {
    policy: Arc<LivePolicy>,
    /// The state at the last read.
    seen: State,
    /// The time of the first read that found it.
    since: Instant,
    /// The state that was put in force, or logged as mistaken.
    handled: State,
}

impl Watch {
    fn new(policy: Arc<LivePolicy>) -> Self {
        let in_force = Ok(policy.in_force().hash().to_owned());
        Self { policy, seen: in_force.clone(), since: Instant::now(), handled: in_force }
    }

    /// Reads the files, and reloads if they have changed and are still, or if that is requested.
    fn read(&mut self, now: Instant) {
        let requested = self.policy.requested.swap(false, Ordering::Acquire);
        let sources = Sources::read(&self.policy.path);
        let state = sources.as_ref().map(|sources| sources.hash().to_owned());
        let state = state.map_err(LoadError::to_string);
        if state != self.seen {
            self.seen = state.clone();
            self.since = now;
        }
        let still = now.duration_since(self.since) >= STILL;
        if !requested && (!still || state == self.handled) {
            return;
        }
        let in_force = self.policy.in_force();
        if state.as_deref() == Ok(in_force.hash()) {
            if requested {
                info!(policy = in_force.hash(), "policy unchanged");
            }
        } else if !self.policy.reload(sources) {
            return;
        }
        self.handled = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_is_in_force_once_the_files_are_still() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |number: usize| {
            let rule = |n| format!("{{name: r{n}, on: [BeforeAddBlack], when: true, deny: {{}}}}");
            let rules: Vec<_> = (0..number).map(rule).collect();
            let text = format!("rules: [{}]", rules.join(", "));
            fs::write(folder.path().join("policy.yaml"), text).expect("a file");
        };
        write(0);
        let policy = Arc::new(LivePolicy::load(folder.path()).expect("a policy"));
        let mut watch = Watch::new(policy.clone());
        let start = Instant::now();
        let mut rules_after_read = |milliseconds| {
            watch.read(start + Duration::from_millis(milliseconds));
            policy.in_force().rules()
        };
        write(1);
        assert_eq!(rules_after_read(2000), 0);
        write(2);
        assert_eq!(rules_after_read(3000), 0);
        assert_eq!(rules_after_read(3001), 0);
        assert_eq!(rules_after_read(3999), 0);
        assert_eq!(rules_after_read(4000), 2);
        // Nobody waits for the files to be still who has asked.
        write(3);
        policy.requested.store(true, Ordering::Release);
        assert_eq!(rules_after_read(4001), 3);
    }
}

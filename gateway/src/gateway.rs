//! What the workers of one gateway share: the settings in force, the metrics, and the limits of the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::callers::Callers;
use crate::channel::RetryBudget;
use crate::kept::Kept;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::tls::{self, Identity};

/// How often files with secrets and certificates are looked at. They are compared by content, so it does not matter how
/// they are replaced; a Kubernetes volume swaps a link.
const REFRESH: Duration = Duration::from_secs(1);

/// A gateway, of which each worker serves a share.
#[derive(Debug)]
pub struct Gateway {
    settings: ArcSwap<Settings>,
    /// What is counted.
    pub metrics: Metrics,
    /// Who may call.
    pub callers: Kept<Callers>,
    identity: Option<Arc<Kept<Identity>>>,
    /// The connections that there may still be.
    pub(crate) connections: Arc<Semaphore>,
    /// The calls to deciders.
    pub(crate) calls: Bound,
    /// The bytes of bodies that are being read or relayed.
    pub(crate) bodies: Bound,
    /// How many calls may be sent again.
    pub retries: RetryBudget,
}

impl Gateway {
    /// A gateway with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let limits = &settings.file.limits;
        Self {
            metrics: Metrics::default(),
            callers: Kept::new(settings.callers.clone()),
            identity: settings.identity.clone().map(|identity| Arc::new(Kept::new(identity))),
            connections: Arc::new(Semaphore::new(limits.connections)),
            calls: Bound::new(limits.in_flight),
            bodies: Bound::new(limits.bodies),
            retries: RetryBudget::new(limits.retry_percent),
            settings: ArcSwap::from_pointee(settings),
        }
    }

    /// The settings in force now. A request keeps those that it began with.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Puts other settings in force, for the requests that come from now on. The addresses, workers, limits and
    /// deciders stay what they were at the start.
    pub fn reload(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Reads secrets and certificates again. What changed and can't be used is logged, and left as it was.
    pub fn refresh(&self) {
        let file = &self.settings().file;
        self.callers.refresh("callers", Callers::read(&file.callers));
        if let Some(identity) = &self.identity
            && let Some(read) = Identity::read(&file.tls).transpose()
        {
            identity.refresh("tls", read);
        }
    }

    /// Reads secrets and certificates again and again, for as long as it is polled.
    pub async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(REFRESH).await;
            self.refresh();
        }
    }

    /// What makes the handshakes, if there is TLS on the callback port.
    pub(crate) fn acceptor(&self) -> Option<TlsAcceptor> {
        let acceptor = self.identity.clone().map(tls::acceptor);
        acceptor.map(|acceptor| acceptor.expect("the provider has the safe default versions"))
    }
}

/// How many there may be of something, in the whole process.
#[derive(Debug)]
pub(crate) struct Bound {
    limit: usize,
    taken: AtomicUsize,
}

impl Bound {
    fn new(limit: usize) -> Self {
        Self { limit, taken: AtomicUsize::new(0) }
    }

    /// So many more, until the permit is dropped; none over the bound.
    pub(crate) fn take(&self, count: usize) -> Option<Permit<'_>> {
        let mut permit = self.permit();
        permit.grow(count).then_some(permit)
    }

    /// A permit for none yet.
    pub(crate) fn permit(&self) -> Permit<'_> {
        Permit { bound: self, count: 0 }
    }
}

/// Some of those that there may be.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    bound: &'a Bound,
    count: usize,
}

impl Permit<'_> {
    /// So many more; false, and nothing taken, over the bound.
    pub(crate) fn grow(&mut self, count: usize) -> bool {
        // Counted first, so that it is given back with the rest.
        self.count += count;
        let before = self.bound.taken.fetch_add(count, Ordering::Relaxed);
        let within = before.saturating_add(count) <= self.bound.limit;
        if !within {
            self.shrink(count);
        }
        within
    }

    /// Gives so many back.
    pub(crate) fn shrink(&mut self, count: usize) {
        self.count -= count;
        self.bound.taken.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.shrink(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_and_gives_back_what_is_dropped() {
        let bound = Bound::new(2);
        let (one, two) = (bound.take(1), bound.take(1));
        assert!(one.is_some() && two.is_some() && bound.take(1).is_none());
        drop(one);
        assert!(bound.take(2).is_none() && bound.take(1).is_some());
        let mut permit = bound.permit();
        assert!(permit.grow(1) && !permit.grow(1) && bound.take(1).is_none());
        permit.shrink(1);
        assert!(bound.take(1).is_some());
    }
}

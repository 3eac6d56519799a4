//! The endpoints of one decider: their discovery, and the choice of one for each call.

mod sample;

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use self::sample::two;
use crate::decider::Decider;
use crate::endpoint::{Endpoint, Readiness, Signals};
use crate::failure::Failure;
use crate::resolve::{Resolved, resolve};

/// The shortest time between two resolutions, however often connections fail.
const RESOLVE_PAUSE: Duration = Duration::from_secs(1);

/// The endpoints of one decider.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// Ends the task that resolves the names.
    _close: DropGuard,
}

#[derive(Debug)]
struct Shared {
    decider: Arc<Decider>,
    signals: Arc<Signals>,
    /// None until the names have been resolved once.
    endpoints: Mutex<Option<Vec<Arc<Endpoint>>>>,
    /// The reason why a name could not be resolved the last time.
    unresolved: Mutex<Option<String>>,
}

impl Pool {
    pub(super) fn open(decider: Arc<Decider>) -> Self {
        let shared = Arc::new(Shared {
            decider,
            signals: Arc::default(),
            endpoints: Mutex::default(),
            unresolved: Mutex::default(),
        });
        let closing = CancellationToken::new();
        tokio::spawn(closing.clone().run_until_cancelled_owned(shared.clone().discover()));
        Self { shared, _close: closing.drop_guard() }
    }

    /// An endpoint for a call: of two picked at random, the one with fewer calls in flight. Waits while the only usable
    /// ones are connecting. `tried` is taken only if there is no other. `counts` is the call's.
    pub(super) async fn pick(
        &self,
        tried: Option<&Arc<Endpoint>>,
        counts: bool,
    ) -> Result<Arc<Endpoint>, Failure> {
        // The common case.
        if let Choice::Endpoint(endpoint) = self.shared.choose(tried, counts) {
            return Ok(endpoint);
        }
        let mut changed = pin!(self.shared.signals.changed.notified());
        let mut requested = false;
        loop {
            changed.as_mut().enable();
            match self.shared.choose(tried, counts) {
                Choice::Endpoint(endpoint) => return Ok(endpoint),
                Choice::Wait => {}
                // Once for each call: repeated, it would wait for as long as the decider is down.
                Choice::Down(endpoint) if !requested => {
                    requested = true;
                    endpoint.request_connect(counts);
                    continue;
                }
                Choice::Down(endpoint) => return Err(self.unusable(endpoint.down())),
                Choice::Open => return Err(self.unusable(None)),
                Choice::None => {
                    let why = self.shared.unresolved().clone();
                    return Err(self.unusable(why.or(Some("it has no address".to_owned()))));
                }
            }
            changed.as_mut().await;
            changed.set(self.shared.signals.changed.notified());
        }
    }

    fn unusable(&self, why: Option<String>) -> Failure {
        let why = why.unwrap_or_else(|| "all circuits are open".to_owned());
        let name = &self.shared.decider.name;
        Failure::NotRun(format!("no endpoint of the decider `{name}` can be used: {why}"))
    }
}

enum Choice {
    Endpoint(Arc<Endpoint>),
    /// A connection is being opened.
    Wait,
    /// No connection could be opened, to this one among others.
    Down(Arc<Endpoint>),
    /// All circuits are open.
    Open,
    /// There is no endpoint.
    None,
}

impl Shared {
    fn choose(&self, tried: Option<&Arc<Endpoint>>, counts: bool) -> Choice {
        let endpoints = self.endpoints();
        let Some(endpoints) = &*endpoints else { return Choice::Wait };
        let is_tried = |e: &Arc<Endpoint>| tried.is_some_and(|tried| Arc::ptr_eq(e, tried));
        let ready = |e: &&Arc<Endpoint>| e.readiness(counts) == Readiness::Ready;
        let untried = endpoints.iter().filter(|e| !is_tried(e)).filter(ready);
        let picked = match two(untried) {
            [Some(first), Some(second)] if second.in_flight() < first.in_flight() => Some(second),
            [Some(first), _] => Some(first),
            _ => endpoints.iter().find(|e| is_tried(e) && ready(e)),
        };
        let at = |readiness| endpoints.iter().find(|e| e.readiness(counts) == readiness);
        match picked {
            Some(endpoint) => Choice::Endpoint(endpoint.clone()),
            None if endpoints.is_empty() => Choice::None,
            None if at(Readiness::Connecting).is_some() => Choice::Wait,
            None => {
                let down = endpoints.iter().filter(|e| e.readiness(counts) == Readiness::Down);
                let down: Vec<_> = down.collect();
                let any = fastrand::choice(&down);
                any.map_or(Choice::Open, |&endpoint| Choice::Down(endpoint.clone()))
            }
        }
    }

    /// Resolves the decider's names: on a timer, and when a connection fails.
    async fn discover(self: Arc<Self>) {
        let config = &self.decider.config;
        loop {
            self.replace(resolve(&config.endpoints).await);
            sleep(RESOLVE_PAUSE).await;
            let _ = timeout(config.resolve_interval, self.signals.unreachable.notified()).await;
        }
    }

    /// Keeps the endpoints that are still there, opens new ones, and drops others; calls on these go on.
    fn replace(&self, Resolved { mut addresses, failed }: Resolved) {
        let name = &self.decider.name;
        for (target, why) in &failed {
            warn!(decider = %name, host = target.host, %why, "can't resolve the decider");
        }
        let why =
            failed.first().map(|(target, why)| format!("can't resolve {}: {why}", target.host));
        *self.unresolved() = why;
        let mut slot = self.endpoints();
        let mut endpoints = slot.take().unwrap_or_default();
        endpoints.retain(|endpoint| {
            addresses.remove(&endpoint.at)
                || failed.iter().any(|(target, _)| *target == endpoint.at.target)
        });
        for at in addresses {
            info!(decider = %name, address = %at.address, "found an endpoint");
            endpoints.push(Endpoint::open(at, self.decider.clone(), self.signals.clone()));
        }
        *slot = Some(endpoints);
        drop(slot);
        self.signals.changed.notify_waiters();
    }

    fn endpoints(&self) -> MutexGuard<'_, Option<Vec<Arc<Endpoint>>>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unresolved(&self) -> MutexGuard<'_, Option<String>> {
        self.unresolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Config;
    use crate::connect::Address;
    use crate::decider::test_decider;
    use crate::endpoint_url::EndpointUrl;
    use crate::resolve::ResolvedAddress;

    /// A pool of this listener's address, and that address.
    async fn pool(listener: &TcpListener) -> (Pool, ResolvedAddress) {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let endpoints = vec![EndpointUrl::try_from(url).expect("a URL")];
        let decider = Arc::new(test_decider(Config { endpoints, ..Config::default() }));
        let resolved = resolve(&decider.config.endpoints).await;
        (Pool::open(decider), resolved.addresses.into_iter().next().expect("one"))
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.expect("a free port")
    }

    #[tokio::test]
    async fn a_new_address_is_connected_to_and_one_that_is_gone_is_left() {
        let (before, after) = (listener().await, listener().await);
        let (pool, at) = pool(&before).await;
        let (_old, _) = before.accept().await.expect("a connection at once");
        let endpoint = pool.shared.endpoints().as_ref().expect("resolved")[0].clone();

        let address = Address::Tcp(after.local_addr().expect("an address"));
        let moved = ResolvedAddress { address, ..at };
        pool.shared.replace(only(moved.clone()));
        let (_new, _) = after.accept().await.expect("a connection to the new address");
        let at: Vec<_> = pool.shared.endpoints().iter().flatten().map(|e| e.at.clone()).collect();
        assert_eq!(at, [moved]);
        assert_eq!(Arc::strong_count(&endpoint), 1, "only a call in flight keeps the old one");
    }

    #[tokio::test]
    async fn an_address_that_stays_keeps_its_endpoint() {
        let listener = listener().await;
        let (pool, at) = pool(&listener).await;
        let _ = listener.accept().await.expect("a connection at once");
        let first = || pool.shared.endpoints().as_ref().expect("resolved")[0].clone();
        let before = first();
        let target = at.target.clone();
        pool.shared.replace(only(at));
        assert!(Arc::ptr_eq(&before, &first()));
        let failed = vec![(target, std::io::ErrorKind::NotFound.into())];
        pool.shared.replace(Resolved { failed, ..Resolved::default() });
        assert!(Arc::ptr_eq(&before, &first()), "its name can't be resolved just now");
    }

    fn only(at: ResolvedAddress) -> Resolved {
        Resolved { addresses: HashSet::from([at]), failed: Vec::new() }
    }
}

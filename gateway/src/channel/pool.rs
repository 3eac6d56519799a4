//! The endpoints of one decider: which there are, and which one gets a call.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use super::endpoint::{Endpoint, Readiness, Watch};
use super::resolve::{Resolved, resolve};
use super::token;
use crate::error::Failure;
use crate::gateway::Gateway;
use crate::kept::Kept;
use crate::settings::Decider;

/// Names are not resolved more often than this, however often connections fail.
const RESOLVE_PAUSE: Duration = Duration::from_secs(1);

/// The endpoints of one decider.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// Ends the tasks that look for endpoints and for the token.
    _close: DropGuard,
}

#[derive(Debug)]
struct Shared {
    watch: Watch,
    /// None until the names have been resolved once.
    endpoints: Mutex<Option<Vec<Arc<Endpoint>>>>,
    /// Why a name could not be resolved the last time.
    unresolved: Mutex<Option<String>>,
    token: Kept<Option<HeaderValue>>,
}

impl Pool {
    pub(super) fn open(name: &str, decider: &Decider, gateway: &Arc<Gateway>) -> Self {
        let watch = Watch {
            changed: Arc::default(),
            unreachable: Arc::default(),
            gateway: gateway.clone(),
            decider: name.into(),
        };
        let shared = Arc::new(Shared {
            watch,
            endpoints: Mutex::default(),
            unresolved: Mutex::default(),
            // What is wrong with it is told when it is read again, which is at once.
            token: Kept::new(token::read(decider).unwrap_or_default()),
        });
        let (closing, decider) = (CancellationToken::new(), Arc::new(decider.clone()));
        if decider.token_file.is_some() {
            let fresh = shared.clone().keep_token_fresh(decider.clone());
            tokio::spawn(closing.clone().run_until_cancelled_owned(fresh));
        }
        tokio::spawn(closing.clone().run_until_cancelled_owned(shared.clone().discover(decider)));
        Self { shared, _close: closing.drop_guard() }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.shared.watch.decider
    }

    /// What is sent as `authorization`.
    pub(super) fn token(&self) -> Option<HeaderValue> {
        Option::clone(&self.shared.token.now())
    }

    /// An endpoint for a call: of two picked at random, the one with fewer calls in flight. Waits while there is none to
    /// use but a connection is being opened. `tried` is taken only if there is no other.
    pub(super) async fn pick(
        &self,
        tried: Option<&Arc<Endpoint>>,
    ) -> Result<Arc<Endpoint>, Failure> {
        // Nearly always there is one.
        if let Choice::Endpoint(endpoint) = self.shared.choose(tried) {
            return Ok(endpoint);
        }
        let mut changed = pin!(self.shared.watch.changed.notified());
        let mut wanted = false;
        loop {
            changed.as_mut().enable();
            match self.shared.choose(tried) {
                Choice::Endpoint(endpoint) => return Ok(endpoint),
                Choice::Wait => {}
                // Once a call; more would be a call that waits for as long as the decider is down.
                Choice::Down(endpoint) if !wanted => {
                    wanted = true;
                    endpoint.want();
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
            changed.set(self.shared.watch.changed.notified());
        }
    }

    fn unusable(&self, why: Option<String>) -> Failure {
        let why = why.unwrap_or_else(|| "all circuits are open".to_owned());
        let name = self.name();
        let why = format!("no endpoint of the decider `{name}` can be used: {why}");
        tonic::Status::unavailable(why).into()
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
    fn choose(&self, tried: Option<&Arc<Endpoint>>) -> Choice {
        let endpoints = self.endpoints();
        let Some(endpoints) = &*endpoints else { return Choice::Wait };
        let is_tried = |e: &Arc<Endpoint>| tried.is_some_and(|tried| Arc::ptr_eq(e, tried));
        let ready = |e: &&Arc<Endpoint>| e.readiness() == Readiness::Ready;
        let untried: Vec<_> = endpoints.iter().filter(ready).filter(|e| !is_tried(e)).collect();
        let picked = match two(untried.len()).map(|place| untried.get(place)) {
            [Some(first), Some(second)] if second.in_flight() < first.in_flight() => Some(*second),
            [Some(first), _] => Some(*first),
            _ => endpoints.iter().find(|e| is_tried(e) && ready(e)),
        };
        let at = |readiness| endpoints.iter().find(|e| e.readiness() == readiness);
        match picked {
            Some(endpoint) => Choice::Endpoint(endpoint.clone()),
            None if endpoints.is_empty() => Choice::None,
            None if at(Readiness::Connecting).is_some() => Choice::Wait,
            None => {
                let down = endpoints.iter().filter(|e| e.readiness() == Readiness::Down);
                let down: Vec<_> = down.collect();
                let any = fastrand::choice(&down);
                any.map_or(Choice::Open, |&endpoint| Choice::Down(endpoint.clone()))
            }
        }
    }

    async fn keep_token_fresh(self: Arc<Self>, decider: Arc<Decider>) {
        loop {
            self.token.refresh("token", token::read(&decider));
            sleep(token::INTERVAL).await;
        }
    }

    /// Resolves the decider's names: on a timer, and when a connection fails.
    async fn discover(self: Arc<Self>, decider: Arc<Decider>) {
        loop {
            self.replace(resolve(&decider.endpoints).await, &decider);
            sleep(RESOLVE_PAUSE).await;
            let _ = timeout(decider.resolve_interval, self.watch.unreachable.notified()).await;
        }
    }

    /// Keeps the endpoints that are still there, opens new ones, and lets go of others; calls on these go on.
    fn replace(&self, Resolved { mut places, failed }: Resolved, decider: &Arc<Decider>) {
        for (target, why) in &failed {
            warn!(decider = %self.watch.decider, host = target.host, %why, "can't resolve the decider");
        }
        let why =
            failed.first().map(|(target, why)| format!("can't resolve {}: {why}", target.host));
        *self.unresolved() = why;
        let mut slot = self.endpoints();
        let mut endpoints = slot.take().unwrap_or_default();
        endpoints.retain(|endpoint| {
            let place = endpoint.place();
            places.remove(&place) || failed.iter().any(|(target, _)| *target == place.1)
        });
        for place in places {
            info!(decider = %self.watch.decider, address = %place.0, "found an endpoint");
            endpoints.push(Endpoint::open(place, decider, self.watch.clone()));
        }
        *slot = Some(endpoints);
        drop(slot);
        self.watch.changed.notify_waiters();
    }

    fn endpoints(&self) -> MutexGuard<'_, Option<Vec<Arc<Endpoint>>>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unresolved(&self) -> MutexGuard<'_, Option<String>> {
        self.unresolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two different places of a list of this length, as far as it has them, in no order.
fn two(length: usize) -> [usize; 2] {
    let first = fastrand::usize(..length.max(1));
    let second = fastrand::usize(..length.max(2) - 1);
    [first, if second >= first { second + 1 } else { second }]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::net::TcpListener;

    use super::super::resolve::Place;
    use super::*;
    use crate::settings::Settings;

    /// A pool of this listener's address, with the one place that it has.
    async fn pool(listener: &TcpListener) -> (Pool, Place, Arc<Decider>) {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let text = format!("decider.endpoints = ['{url}']");
        let gateway = Arc::new(Gateway::new(Settings::from_toml(&text).expect("settings")));
        let decider = Arc::new(gateway.settings().file.decider.clone());
        let resolved = resolve(&decider.endpoints).await;
        let place = resolved.places.into_iter().next().expect("one");
        (Pool::open("default", &decider, &gateway), place, decider)
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.expect("a free port")
    }

    #[tokio::test]
    async fn a_new_address_is_connected_to_and_one_that_is_gone_is_left() {
        let (before, after) = (listener().await, listener().await);
        let (pool, place, decider) = pool(&before).await;
        let (_old, _) = before.accept().await.expect("a connection at once");
        let endpoint = pool.shared.endpoints().as_ref().expect("resolved")[0].clone();

        let moved = connect_to(&after, &place);
        pool.shared.replace(only(moved.clone()), &decider);
        let (_new, _) = after.accept().await.expect("a connection to the new address");
        let places: Vec<_> = pool.shared.endpoints().iter().flatten().map(|e| e.place()).collect();
        assert_eq!(places, [moved]);
        assert_eq!(Arc::strong_count(&endpoint), 1, "only a call in flight keeps the old one");
    }

    #[tokio::test]
    async fn an_address_that_stays_keeps_its_endpoint() {
        let listener = listener().await;
        let (pool, place, decider) = pool(&listener).await;
        let _ = listener.accept().await.expect("a connection at once");
        let first = || pool.shared.endpoints().as_ref().expect("resolved")[0].clone();
        let before = first();
        let target = place.1.clone();
        pool.shared.replace(only(place), &decider);
        assert!(Arc::ptr_eq(&before, &first()));
        let failed = vec![(target, std::io::ErrorKind::NotFound.into())];
        pool.shared.replace(Resolved { failed, ..Resolved::default() }, &decider);
        assert!(Arc::ptr_eq(&before, &first()), "its name can't be resolved just now");
    }

    fn only(place: Place) -> Resolved {
        Resolved { places: HashSet::from([place]), failed: Vec::new() }
    }

    fn connect_to(listener: &TcpListener, place: &Place) -> Place {
        let address = listener.local_addr().expect("an address");
        (super::super::connect::Address::Tcp(address), place.1.clone())
    }

    #[test]
    fn two_places_are_different_and_all_are_picked() {
        for length in 0..5 {
            let mut firsts = std::collections::BTreeSet::new();
            for [first, second] in (0..200).map(|_| two(length)) {
                assert!(first != second && (length < 2 || second < length), "{first} {second}");
                firsts.insert(first);
            }
            assert_eq!(firsts.len(), length.max(1));
        }
    }
}

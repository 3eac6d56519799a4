//! A channel to a peer, and the state reported to its observer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use transport::{
    BreakerConfig, Channel, Config, Context, Decider, EndpointState, EndpointUrl, Failure, Headers,
    Observer, RetryBudget,
};

/// The time limit of every wait.
pub(crate) const SOON: Duration = Duration::from_secs(5);

const AGENT: HeaderValue = HeaderValue::from_static("test/1");

/// A client of one decider with one endpoint.
pub(crate) struct Client {
    pub(crate) decider: Arc<Decider>,
    pub(crate) channel: Channel,
    pub(crate) observed: Arc<Observed>,
}

#[derive(Debug)]
pub(crate) struct Observed {
    state: watch::Sender<Option<EndpointState>>,
    pub(crate) retries: AtomicUsize,
}

impl Observer for Observed {
    fn endpoint(&self, _: &str, from: Option<EndpointState>, to: Option<EndpointState>) {
        assert_eq!(self.state.send_replace(to), from, "no state is left that was not entered");
    }

    fn retried(&self, _: &str) {
        self.retries.fetch_add(1, Relaxed);
    }
}

pub(crate) fn config(url: &str) -> Config {
    let endpoints = vec![EndpointUrl::try_from(url.to_owned()).expect("a URL")];
    Config { endpoints, ..Config::default() }
}

/// A breaker that opens after two failures, and is probed after 10 ms.
pub(crate) fn breaker() -> BreakerConfig {
    let longest = Duration::from_secs(60);
    BreakerConfig { failures: 2, first: Duration::from_millis(10), longest }
}

impl Client {
    pub(crate) fn new(config: Config, breaker: BreakerConfig) -> Self {
        let (state, retries) = (watch::Sender::new(None), AtomicUsize::new(0));
        let observed = Arc::new(Observed { state, retries });
        let budget = Arc::new(RetryBudget::new(20));
        let decider = Decider::new("test", config, breaker, AGENT, budget, observed.clone());
        let decider = Arc::new(decider.expect("files"));
        Self { channel: Channel::open(decider.clone()), decider, observed }
    }

    /// Makes a call that has 2 seconds.
    pub(crate) async fn call(&self, counts: bool) -> Result<Bytes, Failure> {
        self.call_for(Duration::from_secs(2), counts).await
    }

    pub(crate) async fn call_for(&self, time: Duration, counts: bool) -> Result<Bytes, Failure> {
        let path = PathAndQuery::from_static("/test.Service/Method");
        let headers = &Headers::new(AGENT, &[], &[]);
        let deadline = Instant::now() + time;
        let context = Context { headers, values: &[], more: &[], deadline, counts };
        self.channel.call(&path, &context, &Bytes::from_static(&[0; transport::PREFIX])).await
    }

    /// Makes calls that count until the circuit opens.
    pub(crate) async fn open_circuit(&self, time: Duration) {
        for _ in 0..2 {
            self.call_for(time, true).await.expect_err("the peer fails");
        }
        assert_eq!(self.state(), Some(EndpointState::Open));
    }

    pub(crate) fn state(&self) -> Option<EndpointState> {
        *self.observed.state.borrow()
    }

    /// Waits for a state of the endpoint.
    pub(crate) async fn until(&self, state: EndpointState) {
        let mut states = self.observed.state.subscribe();
        let reached = timeout(SOON, states.wait_for(|now| *now == Some(state))).await;
        assert!(reached.is_ok(), "{state:?} in time, and not {:?}", self.state());
    }
}

//! The state of an endpoint: its connection, and its circuit.

use bytes::Bytes;
use h2::client::SendRequest;

use crate::breaker::Breaker;
use crate::config::BreakerConfig;
use crate::decider::EndpointState;

#[derive(Debug)]
pub(super) struct State {
    pub(super) link: Link,
    pub(super) breaker: Breaker,
    /// A call whose outcome counts waits for the connection that is being opened after one that failed.
    pub(super) awaited: bool,
    /// The last failure to connect; none while connected.
    pub(super) down: Option<String>,
    /// The state last reported to the observer.
    pub(super) observed: Option<EndpointState>,
}

#[derive(Clone, Debug)]
pub(super) enum Link {
    Connecting,
    Connected(SendRequest<Bytes>, u64),
    Down,
}

impl State {
    pub(super) fn new(config: &BreakerConfig) -> Self {
        Self {
            link: Link::Connecting,
            breaker: Breaker::new(config),
            awaited: false,
            down: None,
            observed: None,
        }
    }

    pub(super) fn connected(&mut self, sender: SendRequest<Bytes>, generation: u64) {
        (self.link, self.down) = (Link::Connected(sender, generation), None);
    }

    pub(super) fn not_connected(&mut self, why: String) {
        if std::mem::take(&mut self.awaited) {
            self.breaker.unreachable();
        }
        (self.link, self.down) = (Link::Down, Some(why));
    }

    pub(super) fn observable(&self) -> EndpointState {
        match &self.link {
            _ if self.breaker.is_open() => EndpointState::Open,
            Link::Connecting => EndpointState::Connecting,
            Link::Connected(..) => EndpointState::Connected,
            Link::Down => EndpointState::Down,
        }
    }
}

//! One decider, shared by the whole process.

use std::fmt::Debug;
use std::sync::Arc;

use http::HeaderValue;
use process::{Mistake, Reloadable};
use rustls::ClientConfig;

use crate::config::{BreakerConfig, Config};
use crate::context::Headers;
use crate::retry::RetryBudget;
use crate::tls::{self, Tls};
use crate::token;

/// One decider: its settings, and the contents of its files.
#[derive(Debug)]
pub struct Decider {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) breaker: BreakerConfig,
    /// The headers of a probe.
    pub(crate) probe: Headers,
    pub(crate) retries: Arc<RetryBudget>,
    pub(crate) observer: Arc<dyn Observer>,
    token: Reloadable<Option<HeaderValue>>,
    /// None if no endpoint is https.
    tls: Option<Reloadable<Tls>>,
}

/// Receives what happens to the endpoints of deciders. Called on the serving threads: it must not block.
pub trait Observer: Debug + Send + Sync {
    /// An endpoint changed its state; `from` is none for a new one, `to` is none for a removed one. Each worker has its
    /// own endpoints.
    fn endpoint(&self, decider: &str, from: Option<EndpointState>, to: Option<EndpointState>);

    /// A call was retried, since it surely did not run.
    fn retried(&self, decider: &str);
}

/// The state of a decider's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// A connection is being opened.
    Connecting,
    /// Calls can be sent; after the circuit was open, one at a time until one succeeds.
    Connected,
    /// The last connection failed; it is tried again in growing pauses.
    Down,
    /// Calls failed in a row; none are sent until a probe in the background succeeds.
    Open,
}

impl Decider {
    /// A decider with these settings; `user_agent` is for probes. Reads the files that the settings name;
    /// [`Config::mistakes`] finds other mistakes in them.
    ///
    /// # Errors
    /// The files can't be read or used.
    pub fn new(
        name: &str,
        config: Config,
        breaker: BreakerConfig,
        user_agent: HeaderValue,
        retries: Arc<RetryBudget>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Vec<Mistake>> {
        let mistake = |problem| Mistake::new(format_args!("decider `{name}`"), problem);
        let tls = config.is_encrypted().then(|| tls::read(&config)).transpose();
        let (token, tls) = match (token::read(&config), tls) {
            (Ok(token), Ok(tls)) => (token, tls),
            (token, tls) => {
                return Err(token.err().into_iter().chain(tls.err()).map(mistake).collect());
            }
        };
        Ok(Self {
            name: name.to_owned(),
            config,
            breaker,
            probe: Headers::new(user_agent, &[], &[]),
            retries,
            observer,
            token: Reloadable::new(token),
            tls: tls.map(Reloadable::new),
        })
    }

    /// Reads the files again: calls from now on send the new token, connections from now on use the new certificates. A
    /// file that can't be used is logged, and changes nothing. Blocks on the file system: not for a serving thread.
    pub fn refresh(&self) {
        let mistakes =
            |problem| vec![Mistake::new(format_args!("decider `{}`", self.name), problem)];
        self.token.refresh("token", token::read(&self.config).map_err(mistakes));
        if let Some(tls) = &self.tls {
            let read = tls.current().reread(&self.config);
            tls.refresh("tls of a decider", read.map_err(mistakes));
        }
    }

    /// The value of `authorization`.
    pub(crate) fn token(&self) -> Option<HeaderValue> {
        Option::clone(&self.token.current())
    }

    /// The TLS of a new connection; none if no endpoint is https.
    pub(crate) fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.tls.as_ref().map(|tls| tls.current().config())
    }
}

/// A decider of these settings, whose endpoints nobody observes.
#[cfg(test)]
pub(crate) fn test_decider(config: Config) -> Decider {
    #[derive(Debug)]
    struct Unobserved;

    impl Observer for Unobserved {
        fn endpoint(&self, _: &str, _: Option<EndpointState>, _: Option<EndpointState>) {}
        fn retried(&self, _: &str) {}
    }

    let (breaker, agent) = (BreakerConfig::default(), HeaderValue::from_static("test"));
    let retries = Arc::new(RetryBudget::new(0));
    Decider::new("default", config, breaker, agent, retries, Arc::new(Unobserved)).expect("no file")
}

//! The gateway under test.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callback_gateway::gateway;
use callback_gateway::openim::reply::Style;
use callback_gateway::settings::Settings;
use callback_gateway::worker;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::PATIENCE;
use crate::background::Background;
use crate::client::{Client, Request, Response};
use crate::port::Port;

/// One worker of the real gateway, as `main` runs it.
pub struct Gateway {
    address: SocketAddr,
    gateway: Arc<gateway::Gateway>,
    shutdown: CancellationToken,
    worker: Background,
    _port: Port,
}

/// The admin port of a gateway.
pub struct Admin {
    address: SocketAddr,
    _server: Background,
}

impl Admin {
    /// Sends a request on a connection of its own, with the `Host` that this host has unless it has another.
    #[must_use]
    pub fn send(&self, request: Request) -> Response {
        let has_host = request.headers.iter().any(|(name, _)| name == "Host");
        let request = if has_host { request } else { request.header("Host", "localhost") };
        Client::connect(self.address).send(&request)
    }
}

impl Gateway {
    /// Starts a gateway for a decider, with further settings in TOML. Tables must come after top-level keys.
    #[must_use]
    pub fn start(decider: &str, settings: &str) -> Self {
        let text = format!("decider.endpoints = ['{decider}']\n{settings}");
        let settings = Settings::from_toml(&text).unwrap_or_else(|e| panic!("{text}\n{e:#?}"));
        let (port, shutdown) = (Port::free(), CancellationToken::new());
        let (listener, token) = (port.listen(), shutdown.clone());
        let gateway = gateway::Gateway::new(settings).unwrap_or_else(|e| panic!("{text}\n{e:#?}"));
        let gateway = Arc::new(gateway);
        let shared = gateway.clone();
        let worker = Background::run(move || {
            let listener = TcpListener::from_std(listener).expect("it does not block");
            worker::run(listener, shared, token)
        });
        Self { address: port.address(), gateway, shutdown, worker, _port: port }
    }

    /// Starts a gateway for a decider with several endpoints.
    #[must_use]
    pub fn among(endpoints: &[String], settings: &str) -> Self {
        Self::start(&endpoints.join("', '"), settings)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves its admin port, as `main` does, on a free port of an address. Its own is reached at the loopback one.
    #[must_use]
    pub fn admin(&self, address: IpAddr) -> Admin {
        let listener = std::net::TcpListener::bind((address, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("an option that exists");
        let port = listener.local_addr().expect("an address").port();
        let (shared, draining) = (self.gateway.admin.clone(), self.shutdown.clone());
        let server = Background::run(move || {
            let listener = TcpListener::from_std(listener).expect("it does not block");
            callback_gateway::admin::serve(listener, shared, draining)
        });
        Admin { address: (Ipv4Addr::LOCALHOST, port).into(), _server: server }
    }

    /// Its metrics, as `/metrics` shows them.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.gateway.metrics.encode().expect("text")
    }

    /// Opens a connection.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends a request on a connection of its own.
    pub fn send(&self, request: &Request) -> Response {
        self.connect().send(request)
    }

    /// Sends a callback as OpenIM would; see [`Request::callback`].
    pub fn call(&self, style: Style, command: &str, body: &Value) -> Response {
        self.send(&Request::callback(style, command, body))
    }

    /// A metric, as `callback_gateway_{sample}` shows it; 0 if it is not there.
    #[must_use]
    pub fn metric(&self, sample: &str) -> f64 {
        let text = self.metrics();
        let sample = format!("callback_gateway_{sample} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&sample));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Waits until a metric has a value.
    ///
    /// # Panics
    /// The metric does not reach it in time.
    pub fn wait_for_metric(&self, sample: &str, expected: f64) {
        let until = Instant::now() + PATIENCE;
        while self.metric(sample) != expected {
            assert!(Instant::now() < until, "{sample} is {}", self.metric(sample));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Reads secrets and certificates again, as `main` does periodically.
    pub fn refresh(&self) {
        self.gateway.refresh();
    }

    /// Begins the graceful end, as SIGTERM does.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Ends it as SIGTERM does, and waits for it. Its directory of events can be used again then.
    ///
    /// # Panics
    /// It does not end in time.
    pub fn stop(self) {
        self.shut_down();
        assert!(self.ends_within(PATIENCE * 2), "the worker ends");
        self.gateway.stop_events();
    }

    /// True if it ends by itself within a time.
    #[must_use]
    pub fn ends_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.worker.has_ended() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.worker.has_ended()
    }
}

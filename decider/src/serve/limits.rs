//! The limits of calls and connections.

use process::descriptors;
use std::num::NonZeroUsize;
use std::time::Duration;
use tonic::transport::Server;
use tracing::warn;

/// The time that a peer has to answer a ping before its connection is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The limits of calls and connections. Peers may ping as often as they like.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request, in bytes. A larger one is answered with the status `OUT_OF_RANGE`.
    pub message_bytes: usize,
    /// All headers of a call together, in bytes as HTTP/2 counts them (RFC 9113, 6.5.2).
    pub header_bytes: u32,
    /// Calls in flight on one connection; clients receive the limit, and queue more.
    pub streams: u32,
    /// The time that a TLS handshake may take, and the first bytes of HTTP/2.
    pub handshake: Duration,
    /// Connections, those whose handshake is not done yet included. More are closed at once, so that clients use
    /// another server.
    pub connections: usize,
    /// The interval at which a silent connection is pinged.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 4 << 20,
            header_bytes: 16 << 10,
            streams: 1000,
            connections: 1000,
            handshake: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
        }
    }
}

/// File descriptors of the process beside its connections and workers, and those of a worker.
const OTHER_DESCRIPTORS: u64 = 32;
const WORKER_DESCRIPTORS: u64 = 8;

impl Limits {
    /// Raises the process's limit of file descriptors to what the connections need. Where the system allows fewer, the
    /// limits are lowered, and this is logged.
    #[must_use]
    pub(crate) fn fit(self, workers: NonZeroUsize) -> Self {
        let others = OTHER_DESCRIPTORS + WORKER_DESCRIPTORS * workers.get() as u64;
        let Err(shortage) = descriptors::raise(self.connections as u64 + others) else {
            return self;
        };
        let connections = shortage.available.saturating_sub(others).max(1) as usize;
        warn!(connections, "fewer connections than set: {shortage}");
        Self { connections, ..self }
    }

    /// Sets the limits of HTTP/2.
    pub(super) fn http2(&self, server: Server) -> Server {
        server
            .http2_max_header_list_size(self.header_bytes)
            .max_concurrent_streams(self.streams)
            .http2_keepalive_interval(Some(self.keep_alive))
            .http2_keepalive_timeout(Some(PING_TIMEOUT))
    }
}

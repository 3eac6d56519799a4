//! What calls and connections are limited to.

use std::time::Duration;
use tonic::transport::Server;

/// How long a peer has to answer a ping before its connection is closed.
const PONG: Duration = Duration::from_secs(20);

/// What calls and connections are limited to. Peers may ping as often as they like.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request, in bytes. A larger one is answered with the status `OUT_OF_RANGE`.
    pub message_bytes: usize,
    /// All headers of a call together, in bytes as HTTP/2 counts them (RFC 9113, 6.5.2).
    pub header_bytes: u32,
    /// Calls under way on one connection; clients are told, and keep more to themselves.
    pub streams: u32,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// Connections, those whose handshake is not done yet included. More are closed at once, so that
    /// clients see it and go elsewhere.
    pub connections: usize,
    /// How often a silent connection is pinged.
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

impl Limits {
    /// Sets those that are HTTP/2's.
    pub(super) fn http2(&self, server: Server) -> Server {
        server
            .http2_max_header_list_size(self.header_bytes)
            .max_concurrent_streams(self.streams)
            .http2_keepalive_interval(Some(self.keep_alive))
            .http2_keepalive_timeout(Some(PONG))
    }
}

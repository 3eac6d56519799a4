//! Answers one HTTP request: admits its caller, reads its body, calls the bridge, writes headers.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use http_body::Body;
use http_body_util::Full;
use tokio_util::sync::CancellationToken;

use super::body;
use super::shared::Shared;
use crate::bridge::Bridge;
use crate::openim::reply::Reply;

/// The challenge to a caller without credentials (RFC 7617).
const CHALLENGE: &str = r#"Basic realm="callbacks", charset="UTF-8""#;

/// Answers the requests of one worker.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    bridge: Bridge,
    draining: CancellationToken,
}

impl Service {
    /// A service before a bridge. Once `draining` is cancelled, each answer asks the client to close the connection.
    #[must_use]
    pub fn new(shared: Arc<Shared>, bridge: Bridge, draining: CancellationToken) -> Self {
        Self { shared, bridge, draining }
    }

    /// Answers one request that came from `peer`. There are no routes: OpenIM's URLs may have any prefix.
    pub async fn respond<B>(&self, head: &Parts, body: B, peer: IpAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let Shared { limits, bodies, callers, metrics, .. } = &*self.shared;
        let _in_flight = metrics.in_flight();
        let path = callers.current().admit(head, peer);
        let read = |keep| body::read(body, if keep { limits.body } else { 0 }, bodies);
        let reply = self.bridge.answer(head, path, read).await;
        self.response(head, reply)
    }

    fn response(&self, head: &Parts, reply: Reply) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(reply.body));
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        match reply.status {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            }
            _ => {}
        }
        // HTTP/2 has GOAWAY instead.
        if self.draining.is_cancelled() && head.version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

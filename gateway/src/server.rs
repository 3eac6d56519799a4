//! Reads a request whole, within its limits, and answers it: whatever happens on the way, with a verdict.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::channel::Channel;
use crate::error::Refused;
use crate::gateway::{Gateway, Permit};
use crate::joined::Joined;
use crate::journal;
use crate::relay::Relay;
use crate::reply::{Refusal, Remark, Reply};
use crate::settings::Settings;
use crate::webhook::{Call, Style};

/// Of a body over the limit, this much is still taken in.
const DISCARD_LIMIT: usize = 16 << 20;

/// Of a body in pieces, this much is made room for at once, whatever its length is said to be.
const EXPECTED_LIMIT: usize = 64 << 10;

/// What a caller without credentials is told (RFC 7617).
const CHALLENGE: &str = r#"Basic realm="callbacks", charset="UTF-8""#;

/// What every request of a worker is answered with.
#[derive(Debug)]
pub struct Server {
    gateway: Arc<Gateway>,
    channels: Vec<Channel>,
    draining: CancellationToken,
}

impl Server {
    /// A server that asks deciders by their [`Channel::open_all`]. Once `draining` is cancelled, each answer asks the client to close the connection.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, channels: Vec<Channel>, draining: CancellationToken) -> Self {
        Self { gateway, channels, draining }
    }

    /// Answers one request that came from `peer`. There are no routes: OpenIM's URLs may have any prefix. What OpenIM is
    /// not told is an extension of the response, if there is anything: a `Vec` of [`Remark`].
    pub async fn respond<B>(&self, head: &Parts, body: B, peer: IpAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let reply = self.answer(head, body, peer).await;
        let mut response = Response::new(Full::new(reply.body));
        *response.status_mut() = reply.status;
        if !reply.remarks.is_empty() {
            response.extensions_mut().insert(reply.remarks);
        }
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

    async fn answer<B>(&self, head: &Parts, body: B, peer: IpAddr) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let metrics = &self.gateway.metrics;
        let _in_flight = metrics.in_flight();
        let began = Instant::now();
        let settings = self.gateway.settings();
        let policy = settings.policies.of(None);
        let relayed = pin!(self.relay(&settings, head, body, peer, began));
        match AssertUnwindSafe(relayed).catch_unwind().await {
            Ok(Ok(reply)) => reply,
            Ok(Err(refused)) => {
                journal::refused(metrics, &refused, began.elapsed());
                Reply::refuse(Style::of(&head.uri), policy.code, &refused)
            }
            // Content may have caused it, and must not be able to open a gate.
            Err(_panic) => {
                journal::panicked(metrics, began.elapsed());
                let refusal = Refusal { code: policy.code, message: &policy.message, detail: "" };
                Reply::deny(Style::of(&head.uri), refusal).remark(Remark::Panicked)
            }
        }
    }

    /// Refuses here only what names no callback; the body is taken in all the same, since a client that can't send it
    /// all does not read the refusal.
    async fn relay<B>(
        &self,
        settings: &Settings,
        head: &Parts,
        body: B,
        peer: IpAddr,
        began: Instant,
    ) -> Result<Reply, Refused>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let policies = &settings.policies;
        let admitted = self.gateway.callers.now().admit(head, peer);
        let call = admitted.and_then(|path| Call::read(head, path, policies, began));
        let deadline =
            call.as_ref().map_or(began + policies.of(None).deadline, |call| call.deadline);
        let mut room = self.gateway.bodies.permit();
        let limit = if call.is_ok() { settings.file.limits.body } else { 0 };
        let body = timeout_at(deadline, read(body, limit, &mut room)).await;
        let body = body.unwrap_or(Err(Refused::Incomplete));
        let call = call?;
        let channel = &self.channels[call.policy.decider];
        let mut relay = Relay { call, gateway: &self.gateway };
        Ok(match body {
            Ok(body) => relay.ask(&body, channel).await,
            Err(refused) => relay.refuse(&refused),
        })
    }
}

/// The body in one piece; copied only if it came in several. One that is too large, or for which there is no room beside
/// the others, is taken in without being kept.
async fn read<B>(mut body: B, limit: usize, room: &mut Permit<'_>) -> Result<Bytes, Refused>
where
    B: Body<Data = Bytes> + Unpin,
{
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let expected = expected.min(limit).min(EXPECTED_LIMIT);
    let (mut kept, mut size, mut refused) = (Joined::expecting(expected), 0, None);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refused::Broken)?.into_data() else {
            continue;
        };
        size += data.len();
        if size > DISCARD_LIMIT {
            break;
        }
        if refused.is_none() {
            refused = match size > limit {
                true => Some(Refused::TooLarge { limit }),
                false => (!room.grow(data.len())).then_some(Refused::Crowded),
            };
        }
        match refused {
            Some(_) => room.shrink(std::mem::take(&mut kept).len()),
            None => kept.push(data),
        }
    }
    refused.map_or_else(|| Ok(kept.finish()), Err)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// A body that panics when it is read.
    struct Bomb;

    impl Body for Bomb {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("on purpose")
        }
    }

    #[tokio::test]
    async fn a_panic_becomes_a_refusal() {
        let settings = Settings::from_toml("").expect("no settings are valid");
        let gateway = Arc::new(Gateway::new(settings));
        let channels = Channel::open_all(&gateway);
        let server = Server::new(gateway, channels, CancellationToken::new());
        let request = http::Request::post("/?command=some").body(Bomb).expect("a request");
        let (head, body) = request.into_parts();
        let response = server.respond(&head, body, IpAddr::from([127, 0, 0, 1])).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let body = std::str::from_utf8(&body).expect("JSON is UTF-8");
        assert!(body.contains(r#""errCode":5000"#) && body.contains(r#""nextCode":"1""#), "{body}");
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let settings = Settings::from_toml("").expect("no settings are valid");
        let gateway = Gateway::new(settings);
        let read = async |body| read(body, 10, &mut gateway.bodies.permit()).await;
        let chunks = |sizes: &[usize]| {
            let frame = |n: &usize| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; *n])));
            let frames: Vec<_> = sizes.iter().map(frame).collect();
            StreamBody::new(futures_util::stream::iter(frames))
        };
        assert_eq!(read(chunks(&[3, 4, 3])).await.map(|b| b.len()).ok(), Some(10));
        assert!(matches!(read(chunks(&[3, 4, 4])).await, Err(Refused::TooLarge { limit: 10 })));
        assert_eq!(read(chunks(&[])).await.map(|b| b.len()).ok(), Some(0));
    }
}

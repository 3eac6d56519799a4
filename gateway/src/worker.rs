//! One worker: a thread's share of the gateway, with connections to deciders of its own. The one door, for `serve` and
//! for tests.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use transport::Channel;

use crate::bridge::Bridge;
use crate::gateway::Gateway;
use crate::http::{self, service::Service};

/// Serves callbacks until `shutdown` is cancelled, then answers those in flight.
pub async fn run(listener: TcpListener, gateway: Arc<Gateway>, shutdown: CancellationToken) {
    let service = service(&gateway, shutdown.clone());
    http::run(listener, gateway.http.clone(), service, shutdown).await;
}

/// A service by itself, without a socket. Must be called within a tokio runtime: connections to deciders are opened in
/// the background.
#[must_use]
pub fn service(gateway: &Gateway, draining: CancellationToken) -> Service {
    let channels = gateway.deciders.iter().cloned().map(Channel::open).collect();
    let bridge = Bridge::new(gateway.bridge.clone(), channels, draining.clone());
    Service::new(gateway.http.clone(), bridge, draining)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::IpAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use ::http::{Request, StatusCode};
    use bytes::Bytes;
    use http_body::{Body, Frame};
    use http_body_util::BodyExt;

    use super::*;
    use crate::settings::Settings;

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

    /// The answer to a callback whose body panics.
    async fn reply_to_panic(target: &str) -> (String, String) {
        let settings = Settings::from_toml("").expect("no settings are valid");
        let gateway = Gateway::new(settings).expect("no files");
        let service = service(&gateway, CancellationToken::new());
        let (head, body) = Request::post(target).body(Bomb).expect("a request").into_parts();
        let response = service.respond(&head, body, IpAddr::from([127, 0, 0, 1])).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let metrics = gateway.metrics.encode().expect("text");
        (String::from_utf8(body.to_vec()).expect("JSON is UTF-8"), metrics)
    }

    #[tokio::test]
    async fn a_panic_refuses_what_comes_before_the_fact_and_is_counted_by_its_callback() {
        let (reply, metrics) = reply_to_panic("/?command=callbackBeforeAddBlackCommand").await;
        assert!(
            reply.contains(r#""errCode":5000"#) && reply.contains(r#""nextCode":"1""#),
            "{reply}"
        );
        let counted = r#"callbacks_total{callback="beforeAddBlack",outcome="failed_deny"} 1"#;
        assert!(metrics.contains(counted), "{metrics}");
    }

    #[tokio::test]
    async fn a_panic_refuses_nothing_that_has_happened() {
        let (reply, metrics) = reply_to_panic("/callbackAfterUserOnlineCommand").await;
        assert!(reply.contains(r#""nextCode":0"#), "{reply}");
        let counted = r#"callbacks_total{callback="afterUserOnline",outcome="failed"} 1"#;
        assert!(metrics.contains(counted), "{metrics}");
    }
}

//! What tests of requests that are no callback share: they are refused, with what is wrong, and the decider never sees
//! them.

use harness::{Decider, Gateway, Request, Response, Style, Verdict};
use serde_json::json;

use super::CODE;

/// A gateway whose policies allow all they can. A request that is no callback is refused all the same.
pub(crate) struct Fixture {
    decider: Decider,
    pub(crate) gateway: Gateway,
}

impl Fixture {
    pub(crate) fn new(settings: &str) -> Self {
        let decider = Decider::allowing();
        let gateway = Gateway::start(&decider.url(), settings);
        Self { decider, gateway }
    }

    /// Checks that a response refuses, for this reason.
    pub(crate) fn assert_refused(&self, response: &Response, style: Style, status: u16, why: &str) {
        assert_eq!(response.status, status, "{response:?}");
        match response.verdict(style) {
            Verdict::Refuse { code: CODE, message, detail } if detail.is_empty() => {
                assert!(message.contains(why), "{message:?} does not say {why:?}");
            }
            other => panic!("{other:?}"),
        }
        assert!(self.decider.asked().is_empty(), "the decider was asked");
    }

    pub(crate) fn refuses(&self, request: &Request, style: Style, status: u16, why: &str) {
        self.assert_refused(&self.gateway.send(request), style, status, why);
    }
}

pub(crate) fn open() -> Fixture {
    Fixture::new("[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'")
}

pub(crate) fn body(command: &str) -> String {
    json!({ "callbackCommand": command }).to_string()
}
